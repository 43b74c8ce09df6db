"""The layout of the Medical Segmentation Decathlon: ``dataset.json``, ``imagesTr/``, ``labelsTr/``.

Source: Antonelli et al., Nat Commun 13:4128 (2022).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..case import ImageFile, TrainingCase
from ..classes import LabelClass, pair_sides
from ..labels import LabelFile
from .json_file import entry_of, read_object
from .names import modalities, stem

LOOKED_FOR = (
    "dataset.json with modality, labels and a list training of image and label (Medical Segmentation Decathlon)"
)


def fits(path: Path) -> bool:
    """Whether a folder has this layout."""
    content = read_object(path / "dataset.json", missing={})
    return "modality" in content and isinstance(content.get("training"), list)


def find(path: Path) -> list[TrainingCase]:
    """The training cases; the volumes of a 4D image are its modalities.

    Raises:
        InputError: ``dataset.json`` lacks an entry.
    """
    content = _content(path)
    kinds = entry_of(content, "modality", path)
    names = modalities(kinds[key] for key in sorted(kinds, key=int))
    cases = []
    for entry in entry_of(content, "training", path):
        image, label = path / entry["image"], LabelFile(path / entry["label"])
        several = len(names) > 1
        images = {name: ImageFile(image, str(number) if several else "") for number, name in enumerate(names)}
        cases.append(TrainingCase(stem(image), stem(image), images, label, already_aligned=True))
    return cases


def classes(path: Path) -> tuple[LabelClass, ...]:
    """The classes that ``dataset.json`` names."""
    labels = entry_of(_content(path), "labels", path)
    return pair_sides({str(name): int(value) for value, name in labels.items() if int(value) > 0})


def _content(path: Path) -> dict[str, Any]:
    return read_object(path / "dataset.json")
