"""A scan with thick slices, brought to voxels of about 1 mm within its slices and with the slices in front."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from ..images.grid import Grid
from ..images.resample import resample
from ..images.volume import Volume
from .slices import STEP, SliceModel

THICK, RATIO = 1.5, 1.3
"""From so many millimetres on, and so many times the spacing within a slice, slices are thick."""

KEPT = (0.85, 1.15)
"""Pixels of this size, mm, stay as they are; others are resampled to 1 mm."""

LARGEST_PIXEL = 1.6
"""Millimetres; where even the pixels are larger, the scan is coarse in all directions."""


@dataclass(frozen=True)
class ThickScan:
    """Slices ready to be restored.

    Args:
        slices: (n, h, w) float32 in the scan's own unit, the first axis across the slices.
        model: how the slices come from the restored volume.
        axis: array axis (0 = k, 1 = j, 2 = i) of the scan that is across the slices.
        grid: of the restored volume, its axes in the scan's order.
    """

    slices: np.ndarray
    model: SliceModel
    axis: int
    grid: Grid

    def volume(self, fine: np.ndarray) -> Volume:
        """A restored array, (size, h, w), as a volume."""
        return Volume(np.ascontiguousarray(np.moveaxis(fine, 0, self.axis)), self.grid)


def thick_axis(grid: Grid) -> int | None:
    """Array axis (0 = k, 1 = j, 2 = i) across thick slices; None if the voxels are as long in all directions.

    Raises:
        InputError: the pixels within the slices are too large to be helped.

    Example:
        >>> thick_axis(Grid((256, 256, 30), (0.9, 0.9, 5.0)))
        0
        >>> thick_axis(Grid((256, 256, 180), (1.0, 1.0, 1.0))) is None
        True
    """
    largest = int(np.argmax(grid.spacing))
    within = max(s for n, s in enumerate(grid.spacing) if n != largest)
    if grid.spacing[largest] < THICK or grid.spacing[largest] < RATIO * within:
        return None
    if within > LARGEST_PIXEL:
        text = " x ".join(f"{s:g}" for s in grid.spacing)
        raise InputError(
            f"The voxels of {text} mm are large in more than one direction.",
            f"Give a scan with pixels of at most {LARGEST_PIXEL:g} mm within its slices.",
        )
    return 2 - largest


def thick_scan(volume: Volume, axis: int, profile: str = "gaussian") -> ThickScan:
    """Prepare a scan whose slices lie across an axis.

    Args:
        volume: intensities.
        axis: from :func:`thick_axis`; any for a scan that is to be cleaned alone, with ``profile="box"``.
        profile: of a slice, see :class:`.slices.SliceModel`.

    Raises:
        InputError: fewer than two slices.
    """
    if volume.grid.size[2 - axis] < 2:
        raise InputError("The volume has a single slice.", "Give the whole series.")
    spacing = list(volume.grid.spacing)
    within = [n for n in range(3) if n != 2 - axis]
    wanted = list(spacing)
    for n in within:
        if not KEPT[0] <= spacing[n] <= KEPT[1]:
            wanted[n] = STEP
    if wanted != spacing:
        volume = resample(volume, regridded(volume.grid, (wanted[0], wanted[1], wanted[2])), outside=float("nan"))
        volume = volume.with_array(np.nan_to_num(volume.array, nan=float(np.nanmin(volume.array))))
    slices = np.ascontiguousarray(np.moveaxis(volume.array.astype(np.float32, copy=False), axis, 0))
    model = SliceModel(len(slices), spacing[2 - axis], profile=profile)
    wanted[2 - axis] = STEP
    grid = regridded(volume.grid, (wanted[0], wanted[1], wanted[2]), {2 - axis: model.size})
    return ThickScan(slices, model, axis, grid)


def regridded(grid: Grid, spacing: tuple[float, float, float], sizes: dict[int, int] | None = None) -> Grid:
    """A grid with the same middle and axes and another spacing, covering the same; axes of the same spacing stay."""
    size = [
        (sizes or {}).get(n, grid.size[n] if new == old else max(1, round(grid.size[n] * old / new)))
        for n, (old, new) in enumerate(zip(grid.spacing, spacing, strict=True))
    ]
    middle = grid.affine[:3, :3] @ ((np.asarray(grid.size) - 1) / 2) + grid.affine[:3, 3]
    axes = np.asarray(grid.direction).reshape(3, 3)
    origin = middle - axes @ ((np.asarray(size) - 1) / 2 * np.asarray(spacing))
    return Grid(
        (size[0], size[1], size[2]), spacing, (float(origin[0]), float(origin[1]), float(origin[2])), grid.direction
    )
