"""The raw layout of nnU-Net v2: ``dataset.json``, ``imagesTr/CASE_0000.nii.gz``, ``labelsTr/CASE.nii.gz``.

Source: Isensee et al., Nat Methods 18:203 (2021), and the documentation of its version 2.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from ..case import ImageFile, TrainingCase
from ..classes import LabelClass, pair_sides
from ..labels import LabelFile
from .json_file import entry_of, read_object
from .names import modalities

LOOKED_FOR = "dataset.json with channel_names, labels and file_ending, and imagesTr/CASE_0000.nii.gz (nnU-Net)"
IGNORE = "ignore"


def fits(path: Path) -> bool:
    """Whether a folder has this layout."""
    return "channel_names" in read_object(path / "dataset.json", missing={}) and (path / "imagesTr").is_dir()


def find(path: Path) -> list[TrainingCase]:
    """The training cases; a channel without a file is a modality that the case does not have.

    Raises:
        InputError: ``dataset.json`` lacks an entry.
    """
    names = _channels(path)
    ending = str(entry_of(_content(path), "file_ending", path))
    images: dict[str, dict[str, ImageFile]] = {}
    for file in sorted((path / "imagesTr").glob(f"*{ending}")):
        match = re.fullmatch(r"(.+)_(\d{4})", file.name.removesuffix(ending))
        if match and int(match[2]) in names:
            images.setdefault(match[1], {})[names[int(match[2])]] = ImageFile(file)
    return [
        TrainingCase(case, case, found, LabelFile(path / "labelsTr" / f"{case}{ending}"), already_aligned=True)
        for case, found in images.items()
    ]


def classes(path: Path) -> tuple[LabelClass, ...]:
    """The classes that ``dataset.json`` names.

    Of regions, which hold several label values, each value becomes a class, named by the smallest region with it.
    """
    labels = entry_of(_content(path), "labels", path)
    values: dict[int, tuple[int, str]] = {}  # by label value: size of the region and its name
    for name, given in labels.items():
        region = [int(value) for value in given] if isinstance(given, list) else [int(given)]
        for value in region:
            if value > 0 and name != IGNORE and (value not in values or len(region) < values[value][0]):
                values[value] = len(region), str(name)
    names: dict[str, int] = {}
    for value, (_, name) in sorted(values.items()):
        names[name if name not in names else f"{name} {value}"] = value
    return pair_sides(names)


def ignored(path: Path) -> tuple[int, ...]:
    """The label value that means "not drawn", if there is one; it counts as background here."""
    labels = entry_of(_content(path), "labels", path)
    return (int(labels[IGNORE]),) if IGNORE in labels else ()


def declared(path: Path) -> tuple[str, ...]:
    """The modalities that ``dataset.json`` names."""
    return tuple(_channels(path).values())


def _channels(path: Path) -> dict[int, str]:
    """Modality by number of the channel."""
    given = entry_of(_content(path), "channel_names", path)
    numbers = sorted(given, key=int)
    return dict(zip(map(int, numbers), modalities(given[n] for n in numbers), strict=True))


def _content(path: Path) -> dict[str, Any]:
    return read_object(path / "dataset.json")
