"""Files opened with ITK: checked before it reads them, and its pages of errors said in a sentence."""

from __future__ import annotations

import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import SimpleITK as sitk

from ..errors import InputError
from .check import REEXPORT
from .headers import check_nifti, check_text_header, truncated

READABLE = (".nii.gz", ".nii", ".nrrd", ".nhdr", ".mha", ".mhd")

TOO_SHORT = ("fread got only", "but received", "itkMetaImageIO", "trouble reading", "Unable to determine")
"""Parts of what ITK says about a file that ends too early."""


@contextmanager
def opened_file(path: Path, channel: int | None = None, *, length: bool = True) -> Iterator[sitk.ImageFileReader]:
    """A file whose header was found to be sound; what ITK says about it later is explained too.

    Args:
        path: a NRRD, NIfTI or MetaImage file.
        channel: which volume of a 4D file, from 0; None for a file that holds one.
        length: compare the length of a NIfTI file with what its header promises, too.

    Yields:
        A reader, ready to be executed.

    Raises:
        InputError: the file is missing, truncated, of an unknown kind, or not one 3D volume of single numbers.
    """
    if not path.exists():
        raise InputError(f"There is no file or folder {path}.", "Check the name.")
    if path.is_dir():
        raise InputError(f"{path} is a folder.", "Give a file.")
    ending = ending_of(path)
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
    return InputError(f"{path} cannot be read: {last_line(error)}", REEXPORT)


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


def ending_of(path: Path, known: tuple[str, ...] = READABLE) -> str:
    """Which of the known endings a file's name has; empty if none."""
    name = path.name.lower()
    return next((ending for ending in known if name.endswith(ending)), "")


def last_line(error: Exception) -> str:
    """What an error says in the end, which is what matters in those of ITK."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror + "."
    return str(error).strip().splitlines()[-1]
