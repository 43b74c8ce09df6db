"""Where the head is: a box in patient space, found on a coarse grid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from ..images.grid import Grid, Triple
from ..images.intensities import outside_value, robust_range
from ..images.resample import resample
from ..images.volume import Volume

COARSE_MM = 4.0
MARGIN_MM = 8.0
MAX_HEIGHT_MM = 260.0
TISSUE_HU = -300.0
LEAST_VOXELS = 200
"""A head of fewer coarse voxels (13 ml) than this is none."""


@dataclass(frozen=True)
class Box:
    """A box along the patient's axes.

    Args:
        low: right, anterior, lower corner, LPS mm.
        high: left, posterior, upper corner, LPS mm.
    """

    low: tuple[float, float, float]
    high: tuple[float, float, float]

    @classmethod
    def of(cls, low: np.ndarray, high: np.ndarray) -> Box:
        """From two arrays of three numbers."""
        return cls((float(low[0]), float(low[1]), float(low[2])), (float(high[0]), float(high[1]), float(high[2])))

    @property
    def size(self) -> np.ndarray:
        """Edge lengths, mm."""
        return np.subtract(self.high, self.low)

    def grid(self, spacing: float | Triple, stride: int = 1) -> Grid:
        """A grid along the patient's axes (direction identity, LPS) that covers the box and has it in its middle.

        Args:
            spacing: mm, along x, y, z or the same along all.
            stride: each size is rounded up to a multiple of this, and to two of them at least: at a network's deepest
                scale a single voxel has no spread to normalize by.
        """
        x, y, z = (float(mm) for mm in np.broadcast_to(spacing, 3))
        # headers are rounded: a thousandth of a voxel is none
        steps = np.maximum(2 if stride > 1 else 1, np.ceil((self.size / (x, y, z) - 1e-3) / stride))
        size = (steps * stride).astype(int)
        first = (np.add(self.low, self.high) - (size - 1) * (x, y, z)) / 2
        return Grid(
            (int(size[0]), int(size[1]), int(size[2])),
            (x, y, z),
            (float(first[0]), float(first[1]), float(first[2])),
        )


def field_of_view(grid: Grid) -> Box:
    """The box along the patient's axes around all eight corners of a grid, oblique or not."""
    return Box.of(grid.corners.min(0), grid.corners.max(0))


def head_box(
    volumes: Mapping[str, Volume],
    *,
    margin_mm: float = MARGIN_MM,
    max_height_mm: float = MAX_HEIGHT_MM,
    least_share: float = 1.0,
) -> Box:
    """Find the box around the head.

    The union of what each volume shows as body; a PET counts only when there is nothing else. A scan that goes on
    below the head is cut ``max_height_mm`` below the top. A box is returned in every case: if nothing is found, it is
    the whole field of view (cut likewise).

    Args:
        volumes: by modality, all on one grid.
        margin_mm: added on each side, but not beyond the field of view.
        max_height_mm: largest extent from the top of the head toward the feet.
        least_share: parts of a body that are at least this share of its largest part count too.
    """
    view = field_of_view(next(iter(volumes.values())).grid)
    grid = view.grid(COARSE_MM)
    anatomical = {name: volume for name, volume in volumes.items() if name != "PET"} or volumes
    body = np.zeros(grid.shape, bool)
    for name, volume in anatomical.items():
        body |= large_parts(_body(name, shrink(volume, COARSE_MM), grid), least_share)
    if body.sum() < LEAST_VOXELS:
        return _cut(view, max_height_mm)
    top = int(np.flatnonzero(body.any((1, 2)))[-1])
    below = max(0, top + 1 - int(round(max_height_mm / COARSE_MM)))
    body[:below] = False
    axes = [np.flatnonzero(body.any(tuple({0, 1, 2} - {axis}))) for axis in (2, 1, 0)]  # along i, j, k
    origin = np.asarray(grid.origin)
    low = origin + [(a[0] - 0.5) * COARSE_MM - margin_mm for a in axes]
    high = origin + [(a[-1] + 0.5) * COARSE_MM + margin_mm for a in axes]
    return _cut(Box.of(np.maximum(low, view.low), np.minimum(high, view.high)), max_height_mm + margin_mm)


def _cut(box: Box, height: float) -> Box:
    """At most ``height`` mm, measured from the top."""
    x, y, z = box.low
    return Box((x, y, max(z, box.high[2] - height)), box.high)


def shrink(volume: Volume, spacing: float) -> Volume:
    """Average whole blocks of voxels where the volume is at least twice as fine as ``spacing`` (mm).

    Much quicker than smoothing the fine volume, and exact enough to find a head. Up to a block is lost at the far ends.
    """
    import SimpleITK as sitk

    grid = volume.grid
    factors = [max(1, min(n, int(spacing / s + 1e-3))) for s, n in zip(grid.spacing, grid.size, strict=True)]
    if factors == [1, 1, 1]:
        return volume
    return Volume.from_sitk(sitk.BinShrink(volume.to_sitk(), factors), volume.source)


def large_parts(mask: np.ndarray, least_share: float) -> np.ndarray:
    """The largest connected part of a (k, j, i) mask once thin bridges and sheets, such as a table, are gone.

    And all others that are at least ``least_share`` of it.
    """
    opened = ndimage.binary_opening(mask, np.ones((3, 3, 3), bool))
    parts, count = ndimage.label(opened)
    if count == 0:
        return np.zeros_like(mask)
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0
    large: np.ndarray = (sizes >= max(1.0, least_share * sizes.max()))[parts]
    return large


def _body(modality: str, volume: Volume, grid: Grid) -> np.ndarray:
    """Voxels of the coarse grid that are body and not air, (k, j, i) bool."""
    coarse = resample(volume, grid, outside=outside_value(modality)).array
    if modality == "CT":
        body = coarse > TISSUE_HU
    else:
        low, high = robust_range(coarse)
        body = _without_gaps(coarse > low + 0.12 * (high - low))
    padding = constant_padding(volume.array)
    return body if padding is None else body & (np.abs(coarse - padding) > 1e-3 * max(1.0, abs(padding)))


def _without_gaps(body: np.ndarray) -> np.ndarray:
    """Close the dark skull between brain and scalp (up to 16 mm), or the scalp would be taken for a thin sheet."""
    padded = np.pad(body, 3)
    closed = ndimage.binary_closing(padded, ndimage.generate_binary_structure(3, 1), iterations=2)
    return ndimage.binary_fill_holes(closed)[3:-3, 3:-3, 3:-3]


def constant_padding(array: np.ndarray) -> float | None:
    """The value that fills the surroundings of a skull-stripped or masked image, if there is one.

    Such a value is exactly the same in at least 20 % of the voxels and in at least 5 of the 8 corners.
    """
    ends = array[:: max(1, array.shape[0] - 1), :: max(1, array.shape[1] - 1), :: max(1, array.shape[2] - 1)]
    values, counts = np.unique(ends, return_counts=True)
    value = values[counts.argmax()]
    sample = array.ravel()[:: max(1, array.size // 500_000)]
    return float(value) if counts.max() >= 5 and np.mean(sample == value) > 0.2 else None
