"""A DICOM series as one volume, with a check that its slices form a lattice."""

from __future__ import annotations

import os
import warnings
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from ..errors import InputError
from .check import check_grid
from .volume import Volume

SPACING_TOLERANCE = 0.1
"""Part of the slice distance by which a slice may be off its place."""

TILT_TOLERANCE = 0.02
"""Sideways shift per slice, as a part of the slice distance, above which the gantry was tilted (about 1 degree)."""


@dataclass(frozen=True)
class Slice:
    """One DICOM image.

    Args:
        path: its file.
        rows: direction cosines along a row, LPS.
        columns: direction cosines along a column, LPS.
        position: centre of the first voxel, LPS millimetres.
        size: voxels along a row and a column.
        frames: images in the file.
    """

    path: Path
    rows: tuple[float, ...]
    columns: tuple[float, ...]
    position: tuple[float, ...]
    size: tuple[int, int]
    frames: int


@dataclass(frozen=True)
class Series:
    """The images that share one Series Instance UID.

    Args:
        uid: Series Instance UID.
        modality: such as ``"CT"``, ``"MR"``.
        description: the scanner's name for it, may be empty.
        slices: in no particular order.
    """

    uid: str
    modality: str
    description: str
    slices: tuple[Slice, ...]

    def __str__(self) -> str:
        return f"{self.modality} {self.description!r} with {len(self.slices)} slices ({self.uid})"


def list_series(folder: str | Path) -> list[Series]:
    """The series of images in a folder and the folders below it, the longest first.

    Args:
        folder: where to look; files that are no DICOM images with a position are passed over.
    """
    found: dict[str, list[Slice]] = defaultdict(list)
    names: dict[str, tuple[str, str]] = {}
    for directory, _, files in os.walk(folder):
        for path in sorted(Path(directory) / file for file in files):
            if not _is_dicom(path):
                continue
            reader = sitk.ImageFileReader()
            reader.SetImageIO("GDCMImageIO")
            reader.SetFileName(str(path))
            try:
                reader.ReadImageInformation()
            except RuntimeError:
                continue
            image = _slice(reader, path)
            if image:
                uid = _text(reader, "0020|000e")
                found[uid].append(image)
                names.setdefault(uid, (_text(reader, "0008|0060"), _text(reader, "0008|103e")))
    series = [Series(uid, *names[uid], tuple(slices)) for uid, slices in found.items()]
    return sorted(series, key=lambda item: (-len(item.slices), item.uid))


def read_series(folder: str | Path, uid: str = "") -> Volume:
    """Read one series as a volume in the units of its rescale slope (HU for CT), slices in order of position.

    Args:
        folder: holds the series, itself or below.
        uid: which one; if empty the one with most slices, with a warning that names the others.

    Raises:
        InputError: no DICOM image, no such series, two series equally long, or slices that form no lattice: missing
            ones, several at one place, different sizes or directions, a tilted gantry, several frames per file.
    """
    folder = Path(folder)
    series = _chosen(list_series(folder), uid, folder)
    reader = sitk.ImageSeriesReader()
    reader.SetImageIO("GDCMImageIO")
    reader.SetFileNames([str(image.path) for image in _in_order(series, folder)])
    # In a PET every slice has a scale of its own, and the first one's type need not hold the others.
    reader.SetOutputPixelType(sitk.sitkFloat32)
    try:
        image = reader.Execute()
    except RuntimeError as error:
        line = str(error).strip().splitlines()[-1]
        raise InputError(f"The series {series} in {folder} cannot be read: {line}", "Copy it again.") from error
    volume = Volume.from_sitk(image, folder)
    check_grid(volume.grid, folder)
    return volume


def series_files(folder: str | Path, uid: str = "") -> list[Path]:
    """The files that :func:`read_series` reads, in order of position; the arguments and errors are the same."""
    folder = Path(folder)
    return [image.path for image in _in_order(_chosen(list_series(folder), uid, folder), folder)]


def _chosen(everything: list[Series], uid: str, folder: Path) -> Series:
    if not everything:
        raise InputError(
            f"The folder {folder} holds no DICOM images.", "Give the folder of one series, or a single file."
        )
    listed = "; ".join(str(series) for series in everything)
    if uid:
        match = [series for series in everything if series.uid == uid]
        if not match:
            raise InputError(f"The folder {folder} holds no series {uid}.", f"It holds: {listed}.")
        return match[0]
    if len(everything) > 1:
        first, second = everything[:2]
        if len(first.slices) == len(second.slices):
            raise InputError(f"The folder {folder} holds several series: {listed}.", "Give a folder with one of them.")
        warnings.warn(f"The folder {folder} holds several series; read: {first}; all: {listed}.", stacklevel=3)
    return everything[0]


def _in_order(series: Series, folder: Path) -> list[Slice]:
    """Slices sorted by position, after a check that they are one box of equally spaced parallel images."""
    where = f"The series {series} in {folder}"
    if any(image.frames > 1 for image in series.slices):
        raise InputError(f"{where} has several frames per file.", "Save it as NRRD first, for example with 3D Slicer.")
    if len(series.slices) < 2:
        raise InputError(f"{where} is a 2D image.", "Give a folder with all slices of a volume.")
    common = Counter(image.size for image in series.slices)
    axes = np.array([image.rows + image.columns for image in series.slices])
    if len(common) > 1 or not np.allclose(axes, axes[0], atol=1e-3):
        raise InputError(
            f"{where} mixes images of different sizes or directions.", "Remove the localizer images from it."
        )
    normal = np.cross(axes[0, :3], axes[0, 3:])
    positions = np.array([image.position for image in series.slices])
    order = np.argsort(positions @ normal, kind="stable")
    _check_steps(np.diff(positions[order], axis=0), normal, where)
    return [series.slices[n] for n in order]


def _check_steps(steps: np.ndarray, normal: np.ndarray, where: str) -> None:
    """Refuse steps (n, 3), in mm, from slice to slice that are not all the same and along the normal."""
    along = steps @ normal
    usual = float(np.median(along))
    if np.any(along < 1e-3):
        again = int(np.count_nonzero(along < 1e-3))
        raise InputError(
            f"{where} has {again} slices at the place of another one.",
            "Give each time point or echo a folder of its own.",
        )
    wide = along > usual * (1 + SPACING_TOLERANCE)
    if np.any(np.abs(along - usual) > usual * SPACING_TOLERANCE):
        missing = int(np.sum(np.rint(along[wide] / usual) - 1))
        what = f"lacks about {missing} slices" if missing else "has slices at unequal distances"
        raise InputError(
            f"{where} {what}: steps of {along.min():.2f} to {along.max():.2f} mm.",
            "Copy the missing images, or resample the series.",
        )
    sideways = np.linalg.norm(steps - along[:, None] * normal, axis=1)
    if np.median(sideways) > TILT_TOLERANCE * usual:
        angle = float(np.degrees(np.arctan2(np.median(sideways), usual)))
        raise InputError(
            f"{where} was taken with the gantry tilted by {angle:.1f} degrees.",
            "Untilt it first: load it into 3D Slicer, harden its acquisition transform and save it as NRRD.",
        )


def _slice(reader: sitk.ImageFileReader, path: Path) -> Slice | None:
    """The geometry of the image that the reader has opened, None if it has no place in the patient."""
    place, cosines = _numbers(reader, "0020|0032"), _numbers(reader, "0020|0037")
    frames = _numbers(reader, "0028|0008")
    several = int(frames[0]) if frames else 1
    if several <= 1 and (len(place) != 3 or len(cosines) != 6):
        return None
    size = reader.GetSize()
    return Slice(path, cosines[:3], cosines[3:], place, (size[0], size[1]), several)


def _text(reader: sitk.ImageFileReader, key: str) -> str:
    return reader.GetMetaData(key).strip(" \0") if reader.HasMetaDataKey(key) else ""


def _numbers(reader: sitk.ImageFileReader, key: str) -> tuple[float, ...]:
    try:
        return tuple(float(word) for word in _text(reader, key).split("\\") if word)
    except ValueError:
        return ()


def holds_dicom(folder: Path) -> bool:
    """Whether there is a DICOM file in a folder or below; the first one is enough."""
    return any(_is_dicom(path) for path in folder.rglob("*") if path.is_file())


def _is_dicom(path: Path) -> bool:
    try:
        with path.open("rb") as stream:
            return stream.read(132)[128:] == b"DICM"
    except OSError:
        return False
