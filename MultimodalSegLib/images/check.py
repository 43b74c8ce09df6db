"""Refuse grids and values with which nothing sensible can be done."""

from pathlib import Path

import numpy as np

from ..errors import InputError
from .grid import Grid

SMALLEST_SPACING = 0.02
LARGEST_SPACING = 50.0
"""Millimetres between voxel centres that a scan of a person can have."""

REEXPORT = "Export the volume again from the application that made it, or from the original DICOM images."


def check_grid(grid: Grid, path: Path) -> None:
    """Refuse a lattice that no scanner makes.

    Args:
        grid: the lattice as the file gives it.
        path: file or folder it comes from, for the message.

    Raises:
        InputError: fewer than two slices, spacing that is not between 0.02 and 50 mm, an origin that is not finite,
            or axes that are not perpendicular.
    """
    if min(grid.size) < 2:
        size = " x ".join(str(n) for n in grid.size)
        raise InputError(
            f"{path} is a 2D image ({size} voxels).", "Give a 3D volume, or the folder with all its slices."
        )
    check_spacing(grid.spacing, path)
    if not np.all(np.isfinite(grid.origin)):
        raise InputError(f"{path} has the origin {grid.origin}, which is not finite.", REEXPORT)
    axes = np.asarray(grid.direction, float).reshape(3, 3)
    if not np.allclose(axes.T @ axes, np.eye(3), atol=1e-3):
        raise InputError(
            f"{path} has axes that are not perpendicular (sheared or tilted).",
            "Resample it to perpendicular axes first, for example in 3D Slicer by hardening its transform.",
        )


def check_spacing(spacing: tuple[float, ...], path: Path) -> None:
    """Refuse a spacing (mm, any number of axes) that is zero, negative, not finite or absurd.

    Raises:
        InputError: with the spacing.
    """
    if not all(SMALLEST_SPACING <= step <= LARGEST_SPACING for step in spacing):
        text = " x ".join(f"{step:g}" for step in spacing)
        raise InputError(
            f"{path} has a spacing of {text} mm, not between {SMALLEST_SPACING:g} and {LARGEST_SPACING:g} mm.",
            REEXPORT,
        )


def check_values(array: np.ndarray, path: Path) -> None:
    """Refuse intensities that are not all finite, or that are all the same.

    Raises:
        InputError: with the number of bad voxels, or the constant.
    """
    check_finite(array, path)
    low, high = float(array.min()), float(array.max())
    if low == high:
        raise InputError(f"Every voxel of {path} has the value {low:g}.", "Check that this is the volume you meant.")


def check_finite(array: np.ndarray, path: Path) -> None:
    """Refuse values of any kind that are not all finite.

    Raises:
        InputError: with the number of bad voxels.
    """
    bad = int(array.size - np.count_nonzero(np.isfinite(array)))
    if bad:
        raise InputError(
            f"{path} holds {voxels_text(bad, array.size)} with NaN or infinity instead of a number.",
            "Replace them by the value of the background, or export the volume again.",
        )


def voxels_text(count: int, size: int) -> str:
    """A number of voxels and their share of an array of ``size``, in words.

    Example:
        >>> voxels_text(1, 4000), voxels_text(30, 2000), voxels_text(2000, 2000)
        ('1 voxel (less than 0.1 %)', '30 voxels (1.5 %)', '2000 voxels (100 %)')
    """
    share = 100.0 * count / size
    percent = "100" if count == size else f"{min(share, 99.9):.1f}" if share >= 0.1 else "less than 0.1"
    return f"{count} voxel{'' if count == 1 else 's'} ({percent} %)"
