"""What other people's names of modalities and files mean here."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from ....errors import InputError
from ....images.itk_file import ending_of

_MEANINGS = (
    (r"ct.*", "CT"),
    (r"(fdg.?)?(pet?|suv).*|pt", "PET"),
    (r"t1.?(ce|c|gd|post|contrast).*|t1c.*", "T1C"),
    (r"t1(w|n|.?weighted)?", "T1"),
    (r"(t2.?)?flair|t2f", "FLAIR"),
    (r"t2(w|.?weighted)?", "T2"),
    (r"mri?", "MR"),
)
"""Patterns for a whole name in lower case, the first that fits."""

LABEL_NAMES = ("label", "labels", "seg", "segmentation", "truth", "mask")


def modality(name: str) -> str:
    """The library's name for a modality; one that it does not know stays, in capitals, and counts as an MRI.

    Example:
        >>> [modality(name) for name in ("t2f", "T1gd", "MRI", "CTres", "ADC")]
        ['FLAIR', 'T1C', 'MR', 'CT', 'ADC']
    """
    plain = name.strip().lower()
    return next((meant for pattern, meant in _MEANINGS if re.fullmatch(pattern, plain)), name.strip().upper())


def modalities(names: Iterable[str]) -> list[str]:
    """Names of several images of one case; where two mean the same kind of MRI, the second gets a number.

    Raises:
        InputError: a second CT or PET, for which there is no way to tell them apart.
    """
    found: list[str] = []
    for name in map(modality, names):
        count = sum(other == name or other.rpartition("-")[0] == name for other in found)
        if count and name in ("CT", "PET"):
            raise InputError(f"The cases have several {name} images each.", "List one of them in a table (CSV).")
        found.append(f"{name}-{count + 1}" if count else name)
    return found


def stem(path: Path) -> str:
    """Name of an image file without its ending; empty for a file of another kind."""
    ending = ending_of(path)
    return path.name[: -len(ending)] if ending else ""


def folders_of(path: Path) -> list[Path]:
    """The folders in a folder, sorted; hidden ones are left out."""
    return sorted(folder for folder in path.iterdir() if folder.is_dir() and not folder.name.startswith("."))


def image_files(folder: Path) -> dict[str, Path]:
    """Image files of a folder by name without ending, sorted; hidden ones are left out."""
    files = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    return {stem(path): path for path in files if stem(path)}
