"""Transforms from files and back, as ITK and Slicer share them."""

import os
from contextlib import suppress
from pathlib import Path

import SimpleITK as sitk

from ..errors import InputError, OutputError

ENDINGS = (".h5", ".tfm", ".txt", ".mat")


def check_ending(path: Path) -> None:
    """Refuse a name that no transform file has.

    Raises:
        OutputError: with the name.
    """
    if path.suffix.lower() not in ENDINGS:
        raise OutputError(f"A transform cannot be written as {path.name!r}.", f"Use one of {', '.join(ENDINGS)}.")


def write_transform(transform: sitk.Transform, path: Path) -> None:
    """Write a transform file as ITK and Slicer read it; the file appears whole or not at all.

    Raises:
        OutputError: another ending than :data:`ENDINGS`, or it cannot be written.
    """
    check_ending(path)
    partial = path.with_name(f".{os.getpid()}.{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        sitk.WriteTransform(transform, str(partial))
        os.replace(partial, path)
    except (OSError, RuntimeError) as error:
        raise OutputError(f"{path} cannot be written.", "Check the folder, its rights and the free space.") from error
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def read_transform(path: Path) -> sitk.Transform:
    """Read a transform that maps points of the fixed volume to points of the moving volume, LPS mm.

    Raises:
        InputError: the file is missing or no transform.
    """
    try:
        return sitk.ReadTransform(str(path))
    except RuntimeError as error:
        raise InputError(
            f"{path} is not a transform file.", "Give a .h5, .tfm or .mat file of ITK or Slicer."
        ) from error
