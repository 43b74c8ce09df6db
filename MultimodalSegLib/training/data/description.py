"""A data set as one JSON file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ...errors import InputError
from ...writing import write_text
from .case import ImageFile, TrainingCase
from .classes import LabelClass
from .contours import Contours
from .data_set import DataSet
from .labels import LabelFile, LabelSource, MaskFiles, Spheres

FORMAT_VERSION = 1


def write_description(data_set: DataSet, path: Path) -> None:
    """Write a data set; files below the folder of ``path`` are named relative to it.

    Raises:
        OutputError: it cannot be written.

    Example:
        >>> write_description(data_set, Path("dataset.json"))        # doctest: +SKIP
    """
    folder = path.parent.absolute()
    content = {
        "format_version": FORMAT_VERSION,
        "name": data_set.name,
        "modalities": list(data_set.modalities),
        "classes": [_class_entry(entry) for entry in data_set.classes],
        "ignored": list(data_set.ignored),
        "cases": [_case_entry(case, folder) for case in data_set.cases],
    }
    write_text(path, json.dumps(content, indent=2) + "\n")


def read_description(path: Path) -> DataSet:
    """Read what :func:`write_description` wrote, or what a person wrote like it.

    Raises:
        InputError: not such a file, or one that contradicts itself.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        version = content["format_version"]
        if version != FORMAT_VERSION:
            raise InputError(
                f"{path} has the format version {version}; this program reads {FORMAT_VERSION}.",
                "Update SlicerMultimodalSeg, or write the description again.",
            )
        return DataSet(
            str(content.get("name", path.stem)),
            tuple(_case(entry, path.parent) for entry in content["cases"]),
            tuple(LabelClass(**entry) for entry in content.get("classes", [])),
            tuple(content.get("modalities", [])),
            tuple(content.get("ignored", [])),
        )
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.", "Check the name.") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        reason = f"it lacks {error}" if isinstance(error, KeyError) else str(error)
        raise InputError(
            f"{path} is not the description of a data set: {reason}.", "See the documentation of training data."
        ) from error


def is_description(path: Path) -> bool:
    """Whether a JSON file describes a data set of this library (other programs have a ``dataset.json``, too)."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(content, dict) and "format_version" in content and "cases" in content


def relative(path: Path, folder: Path) -> str:
    """``path`` as seen from ``folder`` if it lies below it, else in full; with forward slashes."""
    full = path.absolute()
    return (full.relative_to(folder) if full.is_relative_to(folder) else full).as_posix()


def _class_entry(entry: LabelClass) -> dict[str, Any]:
    values = {"left": entry.left, "right": entry.right} if entry.paired else {"value": entry.value}
    return {"name": entry.name, **values, **({"lesion": True} if entry.lesion else {})}


def _case_entry(case: TrainingCase, folder: Path) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "case": case.name,
        "patient": case.patient,
        "images": {
            name: str(ImageFile(Path(relative(image.path, folder)), image.part)) for name, image in case.images.items()
        },
        "label": _label_entry(case.label, folder),
        "already_aligned": case.already_aligned,
        "reference": case.reference,
    }
    if case.transforms:
        entry["transforms"] = {name: relative(path, folder) for name, path in case.transforms.items()}
    return entry


def _label_entry(label: LabelSource | None, folder: Path) -> Any:
    if isinstance(label, LabelFile):
        return relative(label.path, folder)
    if isinstance(label, Contours):
        return {"rtstruct": relative(label.path, folder), "values": dict(label.values)}
    if isinstance(label, MaskFiles):
        return {"masks": {str(value): relative(path, folder) for value, path in label.masks.items()}}
    if isinstance(label, Spheres):
        return {"spheres": [list(sphere) for sphere in label.spheres], "value": label.value}
    return None


def _case(entry: dict[str, Any], folder: Path) -> TrainingCase:
    return TrainingCase(
        str(entry["case"]),
        str(entry.get("patient", entry["case"])),
        {str(name): ImageFile.parse(text, folder) for name, text in entry["images"].items()},
        _label(entry.get("label"), folder),
        bool(entry.get("already_aligned", False)),
        str(entry.get("reference", "")),
        {str(name): folder / file for name, file in entry.get("transforms", {}).items()},
    )


def _label(entry: Any, folder: Path) -> LabelSource | None:
    if entry is None:
        return None
    if isinstance(entry, str):
        return LabelFile(folder / entry)
    if "rtstruct" in entry:
        return Contours(folder / entry["rtstruct"], {name: int(value) for name, value in entry["values"].items()})
    if "masks" in entry:
        return MaskFiles({int(value): folder / file for value, file in entry["masks"].items()})
    if "spheres" not in entry:
        raise ValueError(f"the label {entry!r} is neither a file nor rtstruct, masks or spheres")
    spheres = tuple((float(x), float(y), float(z), float(d)) for x, y, z, d in entry["spheres"])
    return Spheres(spheres, int(entry.get("value", 1)))
