"""Volumes and label maps from files and folders, and back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import SimpleITK as sitk

from ..errors import InputError, OutputError
from ..writing import whole_file
from .check import check_finite, check_grid, check_values, voxels_text
from .compression import USUAL
from .dicom import holds_dicom, read_series
from .headers import check_nifti
from .itk_file import ending_of, last_line, opened_file
from .volume import Volume

WRITABLE = (".nii.gz", ".nii", ".nrrd", ".mha")


def read_volume(path: str | Path, *, channel: int | None = None) -> Volume:
    """Read a scan.

    Args:
        path: a NRRD, NIfTI or MetaImage file, or a folder with a DICOM series.
        channel: which volume of a 4D file, from 0; None for a file that holds one.

    Returns:
        The volume, float32, on its own grid.

    Raises:
        InputError: the file is missing, truncated, of an unknown kind, not one 3D volume of single numbers, or has a
            spacing, axes or values with which nothing sensible can be done.
    """
    path = Path(path)
    volume = read_series(path) if path.is_dir() else _read_file(path, channel)
    if not np.can_cast(volume.array.dtype, np.float32, "same_kind"):
        raise InputError(f"{path} holds values of type {volume.array.dtype}.", "Give a volume of real numbers.")
    check_values(volume.array, path)
    return volume.with_array(volume.array.astype(np.float32, copy=False))


def read_labels(path: str | Path) -> Volume:
    """Read a label map; the numbers stay as they are.

    Args:
        path: a NRRD, NIfTI or MetaImage file.

    Returns:
        The label map, uint16 if its numbers fit, else int32; it may be empty.

    Raises:
        InputError: as for :func:`read_volume`, or the values are not finite, or no whole numbers that fit 32 bits.
    """
    path = Path(path)
    volume = _read_file(path)
    array = volume.array
    check_finite(array, path)
    low, high = array.min(), array.max()
    whole = np.issubdtype(array.dtype, np.integer) or bool(np.all(array == np.rint(array)))
    if not whole or low < -(2**31) or high >= 2**31:
        raise InputError(
            f"{path} is not a label map: its values are not whole numbers.", "Give a label map, not a scan."
        )
    return volume.with_array(array.astype(np.uint16 if low >= 0 and high < 2**16 else np.int32, copy=False))


def read_probability(path: str | Path) -> Volume:
    """Read a map of probabilities; unlike a scan it may be the same everywhere.

    Args:
        path: a NRRD, NIfTI or MetaImage file.

    Returns:
        The map, float32.

    Raises:
        InputError: as for :func:`read_volume`, or a value is not between 0 and 1, such as NaN.
    """
    path = Path(path)
    volume = _read_file(path)
    array = volume.array.astype(np.float32, copy=False)
    check_finite(array, path)
    outside = int(array.size - np.count_nonzero((array >= -1e-3) & (array <= 1 + 1e-3)))
    if outside:
        raise InputError(
            f"{path} is not a map of probabilities: values outside 0 to 1 in {voxels_text(outside, array.size)}.",
            "Give probabilities, neither logits nor percent.",
        )
    return volume.with_array(np.clip(array, 0, 1))


def check_header(path: str | Path) -> None:
    """Refuse at once what :func:`read_volume` would refuse for its header or its name; no voxel is read.

    Args:
        path: a NRRD, NIfTI or MetaImage file, or a folder with a DICOM series.

    Raises:
        InputError: the file is missing, empty, of an unknown kind, not one 3D volume of single numbers, its spacing or
            its header cannot be right, or the folder holds no DICOM image.
    """
    path = Path(path)
    if not path.is_dir():
        with opened_file(path, length=False):
            pass
    elif not holds_dicom(path):
        raise InputError(f"{path} holds no DICOM image.", "Give the folder with the slices of one series.")


def write_volume(volume: Volume, path: str | Path, *, compression: int = USUAL) -> None:
    """Write a volume or label map; at no time is there a half-written file under its name.

    Args:
        volume: values and grid; bool is written as uint8; the file says if its detail is synthetic.
        path: name ending in ``.nrrd``, ``.nii``, ``.nii.gz`` or ``.mha``; missing folders are made.
        compression: gzip's level, one of :mod:`.compression`; nothing is lost by any.

    Raises:
        OutputError: another ending, or the file cannot be written.
    """
    path = Path(path)
    ending = ending_of(path, WRITABLE)
    if not ending:
        raise OutputError(
            f"A volume cannot be written as {path.name!r}.", f"Use a name ending in {', '.join(WRITABLE)}."
        )
    image = volume.with_array(volume.array.astype(np.uint8)) if volume.array.dtype == bool else volume
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(path) as partial:
            _write(image.to_sitk(), partial, compression if ending != ".nii" else 0)
    except (OSError, RuntimeError, InputError) as error:
        raise OutputError(
            f"{path} cannot be written: {last_line(error)}", "Check the folder, its rights and the free space."
        ) from error


def _write(image: sitk.Image, path: Path, compression: int) -> None:
    with path.open("wb"):  # a folder without rights is reported by the system, more clearly than by ITK
        pass
    sitk.WriteImage(image, str(path), useCompression=compression > 0, compressionLevel=compression)
    if path.name.endswith((".nii", ".nii.gz")):
        check_nifti(path)  # ITK does not notice when the disk is full


def _read_file(path: Path, channel: int | None = None) -> Volume:
    with opened_file(path, channel) as reader:
        volume = Volume.from_sitk(reader.Execute(), path)
    check_grid(volume.grid, path)
    return volume
