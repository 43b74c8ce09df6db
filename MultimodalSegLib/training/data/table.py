"""A data set as one CSV table: case, patient, a column for each modality, label."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

from ...errors import InputError, OutputError
from ...writing import write_text
from .case import ImageFile, TrainingCase
from .classes import LabelClass
from .data_set import DataSet
from .description import relative
from .labels import LabelFile

FIXED = ("case", "patient", "label", "already_aligned")
YES = {"1", "true", "yes"}
CLASS_COLUMNS = ("name", "value", "left", "right", "lesion")


def classes_path(table: Path) -> Path:
    """The second table beside the first one, with the classes: ``name, value, left, right, lesion``."""
    return table.with_name(f"{table.stem}.classes.csv")


def write_table(data_set: DataSet, path: Path) -> None:
    """Write a data set as a table, and its classes as a second one.

    Args:
        data_set: whose labels are files; an empty cell stands for what a case does not have.
        path: the table; paths in it are relative to its folder where they lie below it.

    Raises:
        OutputError: contours, masks or spheres instead of a label map, a known transform, a reference other than the
            first image, or the table cannot be written.
    """
    folder, modalities, rows = path.parent.absolute(), data_set.modalities, []
    for case in data_set.cases:
        first = next(name for name in modalities if name in case.images)
        if (case.label and not isinstance(case.label, LabelFile)) or case.transforms or case.reference != first:
            raise OutputError(
                f"The case {case.name!r} has a label that is not one file, a transform or a reference that is not its "
                "first image; a table cannot hold that.",
                "Write the data set as JSON.",
            )
        images = {
            name: str(ImageFile(Path(relative(image.path, folder)), image.part)) for name, image in case.images.items()
        }
        label = relative(case.label.path, folder) if isinstance(case.label, LabelFile) else ""
        aligned = "yes" if case.already_aligned else "no"
        rows.append([case.name, case.patient, *(images.get(name, "") for name in modalities), label, aligned])
    write_text(path, _text(["case", "patient", *modalities, "label", "already_aligned"], rows))
    if data_set.classes:
        write_text(classes_path(path), _text(CLASS_COLUMNS, [_class_row(entry) for entry in data_set.classes]))


def read_table(path: Path) -> DataSet:
    """Read a table of cases; paths in it are relative to its folder.

    Args:
        path: columns ``case`` and one for each modality; optional ``patient`` (else the case), ``label``, and
            ``already_aligned`` (yes or no). The classes are read from :func:`classes_path` if it is there.

    Raises:
        InputError: a column is missing, a row has no image, or the file is no table.
    """
    rows = _rows(path)
    modalities = [name for name in rows[0] if name not in FIXED]
    if "case" not in rows[0] or not modalities:
        raise InputError(
            f"{path} has the columns {', '.join(rows[0])}.", "Give case, patient, one for each modality, and label."
        )
    cases = []
    for row in rows:
        images = {name: ImageFile.parse(row[name], path.parent) for name in modalities if row[name]}
        label = LabelFile(path.parent / row["label"]) if row.get("label") else None
        aligned = row.get("already_aligned", "").lower() in YES
        cases.append(TrainingCase(row["case"], row.get("patient") or row["case"], images, label, aligned))
    classes = tuple(_class(row, path) for row in _rows(classes_path(path))) if classes_path(path).is_file() else ()
    return DataSet(path.stem, tuple(cases), classes, tuple(modalities))


def _rows(path: Path) -> list[dict[str, str]]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:  # spreadsheets put a mark in front
            rows = [
                {str(key).strip(): str(value or "").strip() for key, value in row.items() if key is not None}
                for row in csv.DictReader(file)
            ]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path} cannot be read as a table: {error}.", "Give a CSV file with commas.") from error
    if not rows:
        raise InputError(f"{path} has no row below its heading.", "Give one row for each case.")
    return rows


def _text(heading: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(heading)
    writer.writerows(rows)
    return text.getvalue()


def _class_row(entry: LabelClass) -> list[str]:
    values = ("" if value is None else str(value) for value in (entry.value, entry.left, entry.right))
    return [entry.name, *values, "yes" if entry.lesion else ""]


def _class(row: dict[str, str], path: Path) -> LabelClass:
    try:
        value, left, right = (int(row[key]) if row.get(key) else None for key in ("value", "left", "right"))
        return LabelClass(row["name"], value, left, right, row.get("lesion", "").lower() in YES)
    except (ValueError, KeyError) as error:
        raise InputError(
            f"{classes_path(path)} has a row that is no class: {row}.", f"Give {', '.join(CLASS_COLUMNS)}."
        ) from error
