"""CT with PET, or any other DICOM series, and an RT structure set: one folder a patient."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ....errors import InputError
from ....images.dicom import list_series
from ..case import ImageFile, TrainingCase
from ..classes import LabelClass, pair_sides
from ..contours import Contours, contours_of
from ..labels import LabelSource, MaskFiles
from .names import folders_of, image_files

LOOKED_FOR = "one folder a patient with DICOM series (CT, PT, MR) and an RTSTRUCT file or a folder masks"
FAMILIES = {"CT": "CT", "PT": "PET", "MR": "MR"}
"""The library's modality by DICOM's."""


def fits(path: Path) -> bool:
    """Whether a folder has this layout."""
    return any(True for folder in folders_of(path) for _ in _headers(folder))


def find(path: Path) -> list[TrainingCase]:
    """A case for each folder: its longest series of each modality; the CT, if there is one, is the reference.

    Series with one frame of reference are aligned already. Contours or masks are on the reference's grid.

    Raises:
        InputError: an RTSTRUCT file that cannot be read.
    """
    sets = {folder: _structure_set(folder) for folder in folders_of(path)}
    values = {name: number for number, name in enumerate(_structure_names(path, sets), start=1)}
    cases = []
    for folder, structure_set in sets.items():
        images, frames, patients = _series(folder)
        if images:
            label = _label(folder, structure_set, values)
            patient = min(patients, default="") or folder.name
            cases.append(TrainingCase(folder.name, patient, images, label, already_aligned=len(frames) <= 1))
    return cases


def classes(path: Path) -> tuple[LabelClass, ...]:
    """The structures that any patient has, in the order of their names."""
    names = _structure_names(path, {folder: _structure_set(folder) for folder in folders_of(path)})
    return pair_sides({name: number for number, name in enumerate(names, start=1)})


def _headers(folder: Path) -> Iterator[tuple[Path, Any]]:
    """DICOM files below a folder with their headers, without the pixels."""
    import pydicom
    from pydicom.errors import InvalidDicomError

    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        try:
            yield file, pydicom.dcmread(file, stop_before_pixels=True, specific_tags=_TAGS)
        except (InvalidDicomError, OSError, EOFError, ValueError):
            continue


_TAGS = ["Modality", "FrameOfReferenceUID", "PatientID", "SeriesInstanceUID"]


def _series(folder: Path) -> tuple[dict[str, ImageFile], set[str], set[str]]:
    """Images by modality (CT first), and the frames of reference and patients that they name."""
    used: dict[str, tuple[str, Path]] = {}
    for series in list_series(folder):  # the longest first
        name = FAMILIES.get(series.modality)
        if name and name not in used and len(series.slices) > 1:
            used[name] = series.uid, series.slices[0].path.parent
    uids = {uid for uid, _ in used.values()}
    headers = [data for _, data in _headers(folder) if data.get("SeriesInstanceUID") in uids]
    frames = {str(data.get("FrameOfReferenceUID", "")) for data in headers}
    patients = {str(data.get("PatientID", "")) for data in headers} - {""}
    images = {name: ImageFile(used[name][1], used[name][0]) for name in FAMILIES.values() if name in used}
    return images, frames, patients


def _structure_set(folder: Path) -> Path | None:
    """The one RTSTRUCT file of a patient.

    Raises:
        InputError: there are several.
    """
    files = [file for file, data in _headers(folder) if data.get("Modality") == "RTSTRUCT"]
    if len(files) > 1:
        raise InputError(
            f"{folder} holds {len(files)} RT structure sets: {', '.join(file.name for file in files)}.",
            "Leave the one to learn from.",
        )
    return files[0] if files else None


def _structure_names(path: Path, sets: dict[Path, Path | None]) -> list[str]:
    drawn = {name for file in sets.values() if file for name in contours_of(file)}
    masks = {name for folder in sets for name in _masks(folder)}
    return sorted(drawn | masks)


def _masks(folder: Path) -> dict[str, Path]:
    return image_files(folder / "masks") if (folder / "masks").is_dir() else {}


def _label(folder: Path, structure_set: Path | None, values: dict[str, int]) -> LabelSource | None:
    if structure_set:
        return Contours(structure_set, {name: values[name] for name in contours_of(structure_set)})
    masks = _masks(folder)
    return MaskFiles({values[name]: file for name, file in masks.items()}) if masks else None
