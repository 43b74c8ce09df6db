"""Evaluate label maps against references, as tables and a page; they are segmented first, if models are given."""

from __future__ import annotations

import importlib.util
import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ..checksum import checksum
from ..errors import InputError, MissingPackageError
from ..evaluation.cases import CaseList, cases_in_folders, read_cases
from ..evaluation.evaluate import evaluate
from ..evaluation.page import page
from ..evaluation.result import Evaluation, EvaluationOptions
from ..evaluation.summary import Stratum, structure_names
from ..evaluation.tables import tables
from ..machine import timestamp, versions
from ..notice import RESEARCH_USE
from ..progress import Event, Progress, silent
from ..report.document.html import html
from ..report.tables import write_table
from ..writing import check_folder, output_errors, write_text
from .segment_cases import ModelRuns, segment_data_set

PAGE = "evaluation.html"
RECORD = "evaluation.json"
FORMAT = "MultimodalSeg evaluation 1"
TABLES = ("cases.csv", "summary.csv", "lesions.csv", "comparisons.csv", "raters.csv")


@dataclass(frozen=True)
class EvaluateRequest:
    """What :func:`run_evaluate` shall do. One of ``table``, ``predictions`` and ``runs`` is given.

    Args:
        out: folder for the result.
        options: how cases are compared.
        table: CSV table of cases.
        predictions: folder of label maps by model.
        references: one folder a rater, with ``predictions``.
        runs: models and the data set that they segment first.
    """

    out: Path
    options: EvaluationOptions = EvaluationOptions()
    table: Path | None = None
    predictions: Mapping[str, Path] = field(default_factory=dict)
    references: tuple[Path, ...] = ()
    runs: ModelRuns | None = None

    def __post_init__(self) -> None:
        given = [self.table is not None, bool(self.predictions or self.references), self.runs is not None]
        if sum(given) != 1 or bool(self.predictions) != bool(self.references):
            raise InputError(
                "It is not clear what to evaluate.",
                "Give a table, or --predictions and --references, or --model and --data.",
            )


def run_evaluate(request: EvaluateRequest, progress: Progress = silent) -> Evaluation:
    """Evaluate and write ``evaluation.html``, ``evaluation.json`` and CSV tables in place of those of an earlier call.

    Args:
        request: what to do.
        progress: takes the events of the stages ``"segment"``, ``"look"``, ``"score"`` and ``"write"``.

    Raises:
        MultimodalSegError: input, model, registration, memory or output errors.
        MissingPackageError: a package of the extra ``report`` is missing.
    """
    for name in ("jinja2", "matplotlib"):
        if importlib.util.find_spec(name) is None:
            raise MissingPackageError(
                f"{name} is not installed.", "Install it with: pip install 'multimodalseg[report]'"
            )
    check_folder(request.out)
    cases = _cases(request, progress)
    found = evaluate(cases, request.options, progress)
    progress(Event("write", 0, 2, "tables"))
    with output_errors(request.out):
        request.out.mkdir(parents=True, exist_ok=True)
    written = tables(found)
    for name in TABLES:
        if name in written:
            write_table(written[name], request.out / name)
        else:
            (request.out / name).unlink(missing_ok=True)
    progress(Event("write", 1, 2, PAGE))
    made = {"Date": time.strftime("%Y-%m-%d"), "Version": f"SlicerMultimodalSeg {versions()['MultimodalSeg']}"}
    write_text(request.out / PAGE, html(page(found, tuple(made.items()))))
    write_text(request.out / RECORD, json.dumps(_record(found), indent=2) + "\n")
    progress(Event("write", 2, 2))
    return found


def figures(found: Evaluation) -> dict[str, Any]:
    """Means of the whole sets in short, by stratum, JSON-ready; what is not defined is None."""
    name = structure_names(found.scores)[-1]
    short: dict[str, Any] = {}
    for stratum, summaries in found.summaries.items():
        if not stratum.group:
            measures = {m: _plain(s.mean.mean) for (structure, m), s in summaries.items() if structure == name}
            short[stratum.title] = {"structure": name, **measures}
            short[stratum.title] |= _lesion_figures(found, stratum)
    return short


def _lesion_figures(found: Evaluation, stratum: Stratum) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    for (place, structure), lesions in found.lesions.items():
        if place == stratum:
            figures[f"lesions of {structure}"] = {
                what: _plain(getattr(lesions, what).mean)
                for what in ("sensitivity", "precision", "false_per_case", "dice")
            }
    if stratum in found.presence:
        figures["presence_auc"] = _plain(found.presence[stratum].auc.mean)
    return figures


def _cases(request: EvaluateRequest, progress: Progress) -> CaseList:
    if request.runs is not None:
        table, sentences = segment_data_set(request.runs, request.out, request.options.leave_out, progress)
        listed = read_cases(table)
        return CaseList(listed.cases, (*sentences, *listed.sentences))
    if request.table is not None:
        return read_cases(request.table)
    return cases_in_folders(request.predictions, request.references)


def _record(found: Evaluation) -> dict[str, Any]:
    """Everything that is needed to do it again: files with their checksums, options, versions."""
    files = {path for score in found.scores for path in score.entry.files}
    return {
        "format": FORMAT,
        "created": timestamp(),
        "versions": versions(),
        "options": {
            **asdict(found.options),
            "structures": [
                {
                    "name": s.name,
                    "prediction": sorted(s.prediction),
                    "reference": sorted(s.reference),
                    "lesion": s.lesion,
                }
                for s in found.matching.structures
            ],
            "matched_by": "names" if found.matching.by_name else "values",
        },
        "figures": figures(found),
        "files": {str(path): checksum(path) for path in sorted(files)},
        "warnings": [RESEARCH_USE, *found.sentences],
    }


def _plain(number: float) -> float | None:
    return None if number != number else round(number, 6)
