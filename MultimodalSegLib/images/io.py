"""Volumes and label maps from files and folders, and back."""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from ..errors import InputError, OutputError
from .check import REEXPORT, check_grid, check_values
from .dicom import holds_dicom, read_series
from .headers import check_nifti, check_text_header, truncated
from .volume import Volume

READABLE = (".nii.gz", ".nii", ".nrrd", ".nhdr", ".mha", ".mhd")
WRITABLE = (".nii.gz", ".nii", ".nrrd", ".mha")

USUAL, FAST = 3, 1
"""Levels of compression. The fast one takes half the time; noise as float32 grows by an eighth, whole numbers by two
thirds."""

TOO_SHORT = ("fread got only", "but received", "itkMetaImageIO", "trouble reading", "Unable to determine")
"""Parts of what ITK says about a file that ends too early."""


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
        InputError: as for :func:`read_volume`, or the values are not whole numbers that fit 32 bits.
    """
    path = Path(path)
    volume = _read_file(path)
    array = volume.array
    low, high = array.min(), array.max()
    whole = np.issubdtype(array.dtype, np.integer) or bool(np.all(np.isfinite(array) & (array == np.rint(array))))
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
    outside = int(array.size - np.count_nonzero((array >= -1e-3) & (array <= 1 + 1e-3)))
    if outside:
        raise InputError(
            f"{path} is not a map of probabilities: {outside} voxels are not between 0 and 1.",
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
        with _opened(path, length=False):
            pass
    elif not holds_dicom(path):
        raise InputError(f"{path} holds no DICOM image.", "Give the folder with the slices of one series.")


def write_volume(volume: Volume, path: str | Path, *, compression: int = USUAL) -> None:
    """Write a volume or label map; at no time is there a half-written file under its name.

    Args:
        volume: values and grid; bool is written as uint8.
        path: name ending in ``.nrrd``, ``.nii``, ``.nii.gz`` or ``.mha``; missing folders are made.
        compression: gzip's level, :data:`USUAL` or :data:`FAST`; nothing is lost by either.

    Raises:
        OutputError: another ending, or the file cannot be written.
    """
    path = Path(path)
    ending = _ending(path, WRITABLE)
    if not ending:
        raise OutputError(
            f"A volume cannot be written as {path.name!r}.", f"Use a name ending in {', '.join(WRITABLE)}."
        )
    image = volume.with_array(volume.array.astype(np.uint8)) if volume.array.dtype == bool else volume
    # The dot hides the temporary name from file browsers; the ending is kept because ITK chooses the format by it.
    temporary = path.with_name(f".{path.name[: -len(ending)]}.{os.getpid()}{ending}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(image.to_sitk(), temporary, compression if ending != ".nii" else 0)
        os.replace(temporary, path)
    except (OSError, RuntimeError, InputError) as error:
        raise OutputError(
            f"{path} cannot be written: {_last_line(error)}", "Check the folder, its rights and the free space."
        ) from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def _write(image: sitk.Image, path: Path, compression: int) -> None:
    with path.open("wb"):  # a folder without rights is reported by the system, more clearly than by ITK
        pass
    sitk.WriteImage(image, str(path), useCompression=compression > 0, compressionLevel=compression)
    if path.name.endswith((".nii", ".nii.gz")):
        check_nifti(path)  # ITK does not notice when the disk is full


def _read_file(path: Path, channel: int | None = None) -> Volume:
    with _opened(path, channel) as reader:
        volume = Volume.from_sitk(reader.Execute(), path)
    check_grid(volume.grid, path)
    return volume


@contextmanager
def _opened(path: Path, channel: int | None = None, *, length: bool = True) -> Iterator[sitk.ImageFileReader]:
    """A file whose header was found to be sound, and with ``length`` its length too; what ITK says is explained."""
    if not path.exists():
        raise InputError(f"There is no file or folder {path}.", "Check the name.")
    if path.is_dir():
        raise InputError(f"{path} is a folder.", "Give a file.")
    ending = _ending(path, READABLE)
    if not ending:
        raise InputError(
            f"The kind of file {path.name!r} is not known.",
            f"Give a file ending in {', '.join(READABLE)}, or the folder that holds a DICOM series.",
        )
    try:
        if path.stat().st_size == 0:
            raise InputError(f"{path} is empty.", "Copy or download the file again.")
        if ending.startswith(".nii"):
            check_nifti(path, length=length)
        else:
            check_text_header(path)
        with _unambiguous(path, ending) as name, _quiet_itk():
            yield _reader(name, path, channel)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.", "Check the rights of the file.") from error
    except RuntimeError as error:
        raise _explained(error, path) from error


def _reader(name: Path, path: Path, channel: int | None) -> sitk.ImageFileReader:
    """Reads one 3D image of single numbers; further axes of length one are dropped, of a 4D file one is taken."""
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(name))
    reader.ReadImageInformation()
    size, components = reader.GetSize(), reader.GetNumberOfComponents()
    text = " x ".join(str(n) for n in size)
    if len(size) < 3:
        raise InputError(
            f"{path} is a 2D image ({text} pixels).", "Give a 3D volume, or the folder with all its slices."
        )
    if components > 1:
        raise InputError(f"{path} holds {components} numbers per voxel.", "Give one volume per file, in gray values.")
    if channel is not None:
        count = size[3] if len(size) == 4 else 1
        if not 0 <= channel < count:
            raise InputError(f"{path} has no volume number {channel}.", f"It holds {count}, counted from 0.")
        reader.SetExtractIndex([0, 0, 0, *([channel] if len(size) == 4 else [])])
    elif max(size[3:], default=1) > 1:
        raise InputError(
            f"{path} is a 4D image ({text} voxels).", "Save the one volume that you mean as a file of its own."
        )
    reader.SetExtractSize([*size[:3], *(0 for _ in size[3:])])
    return reader


def _explained(error: RuntimeError, path: Path) -> InputError:
    """Say in a sentence what ITK says in a page."""
    text = str(error)
    if "orthonormal" in text:
        hint = "Resample it to perpendicular axes first, for example in 3D Slicer by hardening its transform."
        return InputError(f"{path} has axes that are not perpendicular (sheared or tilted).", hint)
    if "spacing is not supported" in text:
        return InputError(f"{path} has a spacing of zero.", REEXPORT)
    if any(sign in text for sign in TOO_SHORT):
        return truncated(path)
    return InputError(f"{path} cannot be read: {_last_line(error)}", REEXPORT)


@contextmanager
def _unambiguous(path: Path, ending: str) -> Iterator[Path]:
    """A name under which ITK reads this file: given ``a.nii.gz`` it would take ``a.nii`` where both exist."""
    if ending != ".nii.gz" or not path.with_name(path.name[: -len(".gz")]).exists():
        yield path
        return
    with tempfile.TemporaryDirectory() as folder:
        alone = Path(folder) / "volume.nii.gz"
        try:
            alone.symlink_to(path.resolve())
        except OSError:  # Windows without the right to make links
            shutil.copyfile(path, alone)
        yield alone


_QUIET_LOCK = threading.Lock()
_quiet: list[bool] = []


@contextmanager
def _quiet_itk() -> Iterator[None]:
    """Keep ITK's C++ warnings off the terminal; what matters in them is checked here. Several threads may read."""
    with _QUIET_LOCK:
        _quiet.append(sitk.ProcessObject.GetGlobalWarningDisplay())
        sitk.ProcessObject.SetGlobalWarningDisplay(False)
    try:
        yield
    finally:
        with _QUIET_LOCK:  # what the first one found is put back by the last one
            before = _quiet.pop()
            if not _quiet:
                sitk.ProcessObject.SetGlobalWarningDisplay(before)


def _ending(path: Path, known: tuple[str, ...]) -> str:
    name = path.name.lower()
    return next((ending for ending in known if name.endswith(ending)), "")


def _last_line(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror + "."
    return str(error).strip().splitlines()[-1]
