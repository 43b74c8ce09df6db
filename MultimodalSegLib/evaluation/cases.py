"""Which files are compared: a table, or folders whose files have the same names."""

from __future__ import annotations

import csv
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import InputError
from ..images.itk_file import READABLE, ending_of

COLUMNS = ("case", "prediction", "reference", "presence", "probability", "modalities", "group", "patient", "model")
ENDINGS = (".seg.nrrd", *READABLE)
MOST_NAMED = 5


@dataclass(frozen=True)
class EvaluationCase:
    """One prediction and what it is compared with.

    Args:
        case: name; the same in all models and sets of modalities.
        prediction: label map.
        references: label maps of one rater or more.
        model: what made the prediction; may be empty.
        modalities: what it was made from, such as ``"CT"`` or ``"CT+MR"``; may be empty.
        group: for a result of its own, such as a scanner; may be empty.
        patient: cases of one patient are averaged before anything is counted; the case if empty.
        presence: probability that there is a lesion, or NaN.
        probability: map of the probability of the lesion, or of the only structure.
    """

    case: str
    prediction: Path
    references: tuple[Path, ...]
    model: str = ""
    modalities: str = ""
    group: str = ""
    patient: str = ""
    presence: float = math.nan
    probability: Path | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "patient", self.patient or self.case)

    @property
    def files(self) -> tuple[Path, ...]:
        """Everything that is read."""
        return (self.prediction, *self.references, *([self.probability] if self.probability else []))


@dataclass(frozen=True)
class CaseList:
    """Cases to evaluate.

    Args:
        cases: each with another set of case, model and modalities.
        sentences: what the reader has to know of how they were found.
    """

    cases: tuple[EvaluationCase, ...]
    sentences: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        keys = Counter((entry.case, entry.model, entry.modalities) for entry in self.cases)
        doubled = [key for key, number in keys.items() if number > 1]
        if doubled:
            raise InputError(
                f"The case {' '.join(filter(None, doubled[0]))!r} occurs twice.",
                "Give each row another case, or another model or modalities.",
            )
        patients: dict[str, str] = {}
        for entry in self.cases:
            if patients.setdefault(entry.case, entry.patient) != entry.patient:
                raise InputError(f"The case {entry.case!r} belongs to two patients.", "Give it the same in every row.")


def read_cases(path: Path) -> CaseList:
    """Read a CSV table; paths in it are relative to its folder.

    Args:
        path: columns ``case``, ``prediction``, ``reference``; more raters in columns whose names begin with
            ``reference``; optional ``presence``, ``probability``, ``modalities``, ``group``, ``patient``, ``model``.

    Raises:
        InputError: it cannot be read, lacks a column or a cell, or a presence is not between 0 and 1.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = [
                {str(key).strip().lower(): (value or "").strip() for key, value in row.items() if key is not None}
                for row in csv.DictReader(file)
            ]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path} cannot be read as a table: {error}.", "Give a CSV file with commas.") from error
    if not rows:
        raise InputError(f"{path} has no row below its heading.", "Give one row for each case.")
    missing = [name for name in COLUMNS[:3] if name not in rows[0]]
    if missing:
        raise InputError(f"{path} has no column {missing[0]!r}.", f"Columns are {', '.join(COLUMNS)}.")
    strange = [name for name in rows[0] if name not in COLUMNS and not name.startswith("reference")]
    sentences = [f"Columns of the table that have no meaning here: {', '.join(strange)}."] if strange else []
    return CaseList(tuple(_case(row, path) for row in rows), tuple(sentences))


def cases_in_folders(predictions: Mapping[str, Path], references: Sequence[Path]) -> CaseList:
    """Pair the label maps of folders by their names, whatever their endings.

    Args:
        predictions: folder by model; the name may be empty if there is one.
        references: one folder a rater; the first one says which cases there are.

    Raises:
        InputError: a folder cannot be read, or a reference has no prediction or no file of another rater.
    """
    found = {name: _label_maps(folder) for name, folder in predictions.items()}
    true = [_label_maps(folder) for folder in references]
    sentences = []
    for name, files in [*found.items(), *((f"rater {n + 1}", files) for n, files in enumerate(true))]:
        lacking = [case for case in true[0] if case not in files]
        if lacking:
            raise InputError(
                f"{len(lacking)} references have no file of the same name in the folder of "
                f"{name or 'the predictions'}: {_shown(lacking)}.",
                "A case without an answer counts: give an empty label map, or take the reference away.",
            )
        more = [case for case in files if case not in true[0]]
        if more:
            sentences.append(f"{name or 'The predictions'}: {len(more)} files without a reference: {_shown(more)}.")
    return CaseList(
        tuple(
            EvaluationCase(case, files[case], tuple(rater[case] for rater in true), model)
            for model, files in found.items()
            for case in true[0]
        ),
        tuple(sentences),
    )


def _case(row: Mapping[str, str], path: Path) -> EvaluationCase:
    references = tuple(path.parent / cell for name, cell in row.items() if name.startswith("reference") and cell)
    if not (row["case"] and row["prediction"] and references):
        raise InputError(f"{path} has a row without case, prediction or reference: {dict(row)}.", "Fill in the cells.")
    return EvaluationCase(
        row["case"],
        path.parent / row["prediction"],
        references,
        row.get("model", ""),
        "+".join(sorted(part.strip() for part in row.get("modalities", "").split("+") if part.strip())),
        row.get("group", ""),
        row.get("patient", ""),
        _presence(row.get("presence", ""), row["case"]),
        path.parent / row["probability"] if row.get("probability") else None,
    )


def _presence(text: str, case: str) -> float:
    try:
        value = float(text) if text else math.nan
    except ValueError:
        value = -1.0
    if not (math.isnan(value) or 0 <= value <= 1):
        raise InputError(f"The presence of the case {case!r} is {text!r}.", "Give a probability of 0 to 1, or nothing.")
    return value


def _label_maps(folder: Path) -> dict[str, Path]:
    """Label maps in a folder by name without ending."""
    if not folder.is_dir():
        raise InputError(f"There is no folder {folder}.", "Check the name.")
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        ending = ending_of(path, ENDINGS)
        if not ending or path.name.startswith("."):
            continue
        name = path.name[: -len(ending)]
        if name in found:
            raise InputError(f"{folder} holds two files for {name!r}.", "Leave one of them there.")
        found[name] = path
    if not found:
        raise InputError(f"{folder} holds no label map.", f"Give files ending in {', '.join(ENDINGS)}.")
    return found


def _shown(names: Sequence[str]) -> str:
    return ", ".join(names[:MOST_NAMED]) + (f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else "")
