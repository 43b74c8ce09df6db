"""Volumes whose detail was made up: how their files say so, and how that is found again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import InputError

if TYPE_CHECKING:
    import SimpleITK as sitk

TAG = "MultimodalSeg.SyntheticDetail"
"""Key in the header of a NRRD file, and so of an attribute of the volume that 3D Slicer loads from it."""

MARK = "(synthetic detail)"
"""In the name of such a volume and of its file, for people and for formats that drop the key."""

UNNAMED = "yes"
"""What the key says where it is not known which model made the detail up."""

NOTES, READ_NOTES = "ITK_FileNotes", "descrip"
"""Under these keys ITK writes and reads the description, of 79 letters, of a NIfTI file, which holds no other key."""

CHOICE = "--synthetic-detail"


def set_mark(image: sitk.Image, about: str) -> None:
    """Mark an image, so that its file says that its detail was made up; NIfTI files do so in their description."""
    image.SetMetaData(TAG, about)
    image.SetMetaData(NOTES, f"{TAG}: {about}"[:79])


def mark_of(image: sitk.Image | sitk.ImageFileReader, source: Path | None = None) -> str:
    """What an image, or the name of its file, says of who made its detail up; empty for a scan.

    Args:
        image: or a reader that has read the header.
        source: file or folder.
    """
    if image.HasMetaDataKey(TAG):
        return str(image.GetMetaData(TAG)) or UNNAMED
    notes = str(image.GetMetaData(READ_NOTES)) if image.HasMetaDataKey(READ_NOTES) else ""
    if notes.startswith(TAG):
        return notes[len(TAG) :].lstrip(": ") or UNNAMED
    return UNNAMED if source is not None and MARK in source.name else ""


def has_synthetic_detail(path: Path | str) -> bool:
    """Whether a file says that its detail was made up, in its name or in its header.

    Args:
        path: a volume's file; of a folder with DICOM the name alone counts.
    """
    import SimpleITK as sitk

    path = Path(path)
    if MARK in path.name:
        return True
    if path.is_dir():
        return False
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    try:
        reader.ReadImageInformation()
    except RuntimeError:
        return False  # reading it will say what is wrong
    return bool(mark_of(reader))


def synthetic_inputs(record: Mapping[str, Any]) -> list[str]:
    """Names of the inputs of a run, by the record in its run.json, whose detail was made up."""
    return [name for name, entry in (record.get("inputs") or {}).items() if entry.get("synthetic_detail")]


def choice_for_run(folder: Path) -> list[str]:
    """What a command about a finished run has to be told, where the run was made from synthetic detail on purpose."""
    try:
        record = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []  # the command will say what is wrong
    return [CHOICE] if synthetic_inputs(record) else []


def check_choice(names: list[str], chosen: bool) -> None:
    """Refuse to segment, measure, doubt or explain volumes with synthetic detail unless that was asked for.

    Args:
        names: of the volumes that have synthetic detail.
        chosen: the user said that they are to be used all the same.

    Raises:
        InputError: names the volumes.
    """
    if names and not chosen:
        raise InputError(
            f"The detail of {' and '.join(names)} is synthetic, so results would tell of what was made up.",
            f"Give the original scan, or say that it is to be used all the same: {CHOICE} of the command, "
            "synthetic_detail=True in Python, the check box below the volumes in 3D Slicer; the results will say so.",
        )


def warning(name: str) -> str:
    """What a result that was made from such a volume tells."""
    return f"The segmentation was made from synthetic detail in {name}: sizes, borders and lesions may be made up."
