"""Two folders side by side, ``images/`` and ``labels/``, with files of the same names; one modality."""

from __future__ import annotations

from pathlib import Path

from ....errors import InputError
from ....images.io import read_volume
from ..case import ImageFile, TrainingCase
from ..classes import LabelClass
from ..labels import LabelFile
from .names import image_files

LOOKED_FOR = "folders images and labels (or imagesTr and labelsTr) with files of the same names"
PAIRS = (("images", "labels"), ("imagesTr", "labelsTr"))
CT_BELOW = -500.0
"""A value below this in the first image that can be read tells a CT; all others are taken for MRI."""


def fits(path: Path) -> bool:
    """Whether a folder has this layout."""
    return _folders(path) is not None


def find(path: Path) -> list[TrainingCase]:
    """A case for each image, each counted as a patient of its own; the label has the image's name."""
    folders = _folders(path)
    if folders is None:
        return []
    images, labels = (image_files(folder) for folder in folders)
    modality = _modality(images)
    return [
        TrainingCase(
            name,
            name,
            {modality: ImageFile(file)},
            LabelFile(labels.get(name, folders[1] / file.name)),
            already_aligned=True,
        )
        for name, file in images.items()
    ]


def classes(path: Path) -> tuple[LabelClass, ...]:
    """Not known: the files hold label values without names."""
    return ()


def _folders(path: Path) -> tuple[Path, Path] | None:
    found = ((path / images, path / labels) for images, labels in PAIRS)
    return next((pair for pair in found if pair[0].is_dir() and pair[1].is_dir()), None)


def _modality(images: dict[str, Path]) -> str:
    for file in images.values():
        try:
            return "CT" if read_volume(file).array.min() < CT_BELOW else "MR"
        except InputError:  # the check of the data set names it
            continue
    return "MR"
