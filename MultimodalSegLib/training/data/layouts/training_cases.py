"""The library's own training cases: one folder a case with ``case.json``, as Slicer's panel saves them."""

from __future__ import annotations

from pathlib import Path

from ..case import ImageFile, TrainingCase
from ..classes import LabelClass
from ..labels import LabelFile
from .json_file import read_object

LOOKED_FOR = "folders with case.json, which names volumes, reference and truth (saved from the panel)"


def fits(path: Path) -> bool:
    """Whether a folder has this layout."""
    return any(path.glob("*/case.json"))


def find(path: Path) -> list[TrainingCase]:
    """The cases, each counted as a patient of its own; volumes without a transform stay where their headers say.

    Raises:
        InputError: a ``case.json`` that cannot be understood.
    """
    cases = []
    for file in sorted(path.glob("*/case.json")):
        folder, entry = file.parent, read_object(file)
        images = {name: ImageFile(folder / volume) for name, volume in entry.get("volumes", {}).items()}
        label = LabelFile(folder / entry["truth"]) if entry.get("truth") else None
        transforms = {name: folder / transform for name, transform in entry.get("true_transforms", {}).items()}
        reference = str(entry.get("reference", ""))
        cases.append(TrainingCase(folder.name, folder.name, images, label, True, reference, transforms))
    return cases


def classes(path: Path) -> tuple[LabelClass, ...]:
    """Not known: the files hold label values without names."""
    return ()
