"""Slices along the patient's own planes, whatever the grid: isotropic pixels, radiological convention.

The patient's right is on the left of an axial or coronal picture, anterior is on the left of a sagittal one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from ...images.grid import Grid, Triple
from ...images.volume import Volume

AXES: dict[str, tuple[Triple, Triple, tuple[str, str, str, str]]] = {
    "axial": ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), ("R", "L", "A", "P")),
    "coronal": ((1.0, 0.0, 0.0), (0.0, 0.0, -1.0), ("R", "L", "S", "I")),
    "sagittal": ((0.0, 1.0, 0.0), (0.0, 0.0, -1.0), ("A", "P", "S", "I")),
}
"""By orientation the LPS direction to the right of the picture, the one downwards, and the letters at the left,
right, top and bottom edge."""


@dataclass(frozen=True)
class Plane:
    """A square window on one slice through the patient.

    Args:
        orientation: ``"axial"``, ``"coronal"`` or ``"sagittal"``.
        center: its middle, LPS mm.
        side: length of its sides, mm.
        pixels: along each side.
    """

    orientation: str
    center: Triple
    side: float
    pixels: int

    @property
    def mm_per_pixel(self) -> float:
        return self.side / self.pixels

    @property
    def letters(self) -> tuple[str, str, str, str]:
        """Patient directions at the left, right, top and bottom edge."""
        return AXES[self.orientation][2]

    def points(self) -> np.ndarray:
        """Centres of the pixels: (rows, columns, 3), LPS mm."""
        right, down, _ = AXES[self.orientation]
        steps = (np.arange(self.pixels) + 0.5 - self.pixels / 2) * self.mm_per_pixel
        across = steps[None, :, None] * np.asarray(right)
        along = steps[:, None, None] * np.asarray(down)
        points: np.ndarray = np.asarray(self.center) + across + along
        return points


def sample(volume: Volume, plane: Plane, *, outside: float = 0.0, labels: bool = False) -> np.ndarray:
    """Values of a volume at the pixels of a plane.

    Args:
        volume: intensities or labels, on any grid.
        plane: where.
        outside: value where the volume has no voxel.
        labels: nearest neighbor instead of linear.

    Returns:
        (rows, columns), float32, or for labels their own type.
    """
    index = array_index(volume.grid, plane.points())
    array = volume.array if labels else volume.array.astype(np.float32, copy=False)
    found: np.ndarray = ndimage.map_coordinates(
        array, index, order=0 if labels else 1, mode="grid-constant", cval=outside, prefilter=False
    )
    return found


def array_index(grid: Grid, points: np.ndarray) -> np.ndarray:
    """Continuous array indices (3, ...) in the order k, j, i of points (..., 3), LPS mm."""
    return np.moveaxis(grid.indices(points)[..., ::-1], -1, 0)


def planes(center: Triple, side: float, pixels: int, through: Triple | None = None) -> tuple[Plane, ...]:
    """The three planes through a point.

    Args:
        center: middle of the pictures, LPS mm.
        side: length of their sides, mm.
        pixels: along each side.
        through: the point, if it is not to be in the middle of the pictures, LPS mm.
    """
    made = []
    for orientation, (right, down, _) in AXES.items():
        seen = np.abs(right) + np.abs(down) > 0
        x, y, z = np.where(seen, center, center if through is None else through).tolist()
        made.append(Plane(orientation, (x, y, z), side, pixels))
    return tuple(made)


def middle(volume: Volume) -> tuple[Triple, float]:
    """Centre (LPS mm) of everything that is not 0, and the side (mm) of a square that shows it all in every plane.

    Where everything is 0, of the whole grid.
    """
    box = ndimage.find_objects((volume.array != 0).astype(np.uint8))
    corners = volume.grid.corners
    if box:
        low = np.array([side.start for side in reversed(box[0])]) - 0.5
        high = np.array([side.stop for side in reversed(box[0])]) - 0.5
        share = np.array([[(n >> axis) & 1 for axis in range(3)] for n in range(8)], float)
        corners = volume.grid.points(low + share * (high - low))
    low, high = corners.min(axis=0), corners.max(axis=0)
    x, y, z = ((low + high) / 2).tolist()
    return (x, y, z), float((high - low).max()) * 1.05
