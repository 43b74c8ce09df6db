"""Diameters as a reader draws them: from outer edge to outer edge.

A line begins and ends at the middle of an outer face of a voxel (2D: of an outer edge of a pixel). A row of n voxels is
thus n voxels long, a single voxel as long as its longest side. On random ellipses with half axes of 1 to 16 pixels such
lines are 0.1 to 0.5 pixels too long. Distances of voxel centers, as ITK's and Slicer's Feret diameter takes them, are
0.4 to 0.8 pixels too short and 0 for a single voxel; distances of voxel corners are 0.5 to 0.9 pixels too long.

The line may cross a notch of the lesion, as a caliper does.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from scipy.spatial import ConvexHull
from scipy.spatial.distance import pdist, squareform

from ..images.grid import Grid

PLANES = ("sagittal", "coronal", "axial")
"""Name of the plane across the patient's right-left, front-back and foot-head axis."""

THICK = 1.5
"""A volume was acquired in slices across an axis whose spacing is so many times the next smaller one."""


@dataclass(frozen=True)
class InPlane:
    """The two diameters of RECIST 1.1 and RANO, in the one slice where the longest is found.

    Args:
        longest_mm: longest diameter in any slice (Eisenhauer et al., Eur J Cancer 45:228-247, 2009).
        perpendicular_mm: longest line across it at a right angle in the same slice (Wen et al., J Clin Oncol
            28:1963-1972, 2010).
        plane: ``"axial"``, ``"coronal"`` or ``"sagittal"``, the nearest one if the slices are oblique.
        slice_index: voxel index of the slice along the slice axis of the grid.
    """

    longest_mm: float
    perpendicular_mm: float
    plane: str
    slice_index: int

    @property
    def product_mm2(self) -> float:
        """Product of the two diameters."""
        return self.longest_mm * self.perpendicular_mm


def longest_diameter(mask: np.ndarray, spacing: tuple[float, float, float]) -> float:
    """Longest diameter in any direction (mm).

    Args:
        mask: (k, j, i) bool with at least one voxel.
        spacing: mm along i, j, k.
    """
    points = _hull(mask, np.asarray(spacing)[::-1])
    return float(pdist(points).max())


def in_plane_diameters(mask: np.ndarray, grid: Grid, start: tuple[int, int, int] = (0, 0, 0)) -> InPlane:
    """Longest diameter in the slices of a volume, and the longest perpendicular one in the same slice.

    Parts that do not touch within a slice are measured each by itself: no reader draws a line across healthy tissue.

    Args:
        mask: (k, j, i) bool with at least one voxel.
        grid: of the volume; its spacing and axes decide what a slice is, see :func:`slice_axis`.
        start: array index (k, j, i) of the mask's first voxel in the volume.

    Example:
        >>> disk = np.ones((1, 3, 5), bool)
        >>> found = in_plane_diameters(disk, Grid((5, 3, 1), (1.0, 1.0, 5.0)))
        >>> found.plane, round(found.longest_mm, 2), found.perpendicular_mm > 3
        ('axial', 5.39, True)
    """
    axis = slice_axis(grid)
    slices = np.moveaxis(mask, 2 - axis, 0)
    spacing = np.delete(np.asarray(grid.spacing)[::-1], 2 - axis)
    touching = np.zeros((3, 3, 3), bool)
    touching[1] = True
    parts, _ = ndimage.label(slices, touching)
    boxes = ndimage.find_objects(parts)
    bounds = [float(np.hypot(*(spacing * parts[box].shape[1:]))) for box in boxes]
    best, perpendicular, where = 0.0, 0.0, 0
    for part in np.argsort(-np.asarray(bounds), kind="stable").tolist():
        if bounds[part] <= best:
            break  # no line inside this or a smaller box can be longer
        outline = _hull(parts[boxes[part]][0] == part + 1, spacing)
        distances = squareform(pdist(outline))
        first, second = np.unravel_index(distances.argmax(), distances.shape)
        if distances[first, second] > best + 1e-9:
            best, where = float(distances[first, second]), boxes[part][0].start
            perpendicular = _longest_across(outline, outline[first], outline[second])
    plane = PLANES[int(np.abs(np.asarray(grid.direction).reshape(3, 3)[:, axis]).argmax())]
    return InPlane(best, perpendicular, plane, where + start[2 - axis])


def slice_axis(grid: Grid) -> int:
    """Axis (0 = i, 1 = j, 2 = k) across which the slices lie in which a reader would measure.

    The axis of the thick slices, in which the volume was acquired; where no axis is thicker, the one nearest to the
    foot-head axis, which makes the slices axial.
    """
    order = np.argsort(grid.spacing)
    if grid.spacing[order[2]] >= THICK * grid.spacing[order[1]]:
        return int(order[2])
    return int(np.abs(np.asarray(grid.direction).reshape(3, 3)[2]).argmax())


def _hull(mask: np.ndarray, spacing: np.ndarray) -> np.ndarray:
    """Corners (n, d) mm of the convex hull of the middles of all voxel faces; in 2D one after the other."""
    index = _ends_of_rows(mask) * spacing
    half = np.diag(spacing / 2)
    points = (index[:, None] + np.concatenate([half, -half])).reshape(-1, mask.ndim)
    return points[ConvexHull(points).vertices]


def _ends_of_rows(mask: np.ndarray) -> np.ndarray:
    """First and last voxel (n, d) of every row along the last axis that has any: the hull needs no others."""
    rows = np.argwhere(mask.any(-1))
    lines = mask[tuple(rows.T)]
    first, last = lines.argmax(-1), mask.shape[-1] - 1 - lines[:, ::-1].argmax(-1)
    return np.concatenate([np.column_stack([rows, first]), np.column_stack([rows, last])]).astype(float)


def _longest_across(outline: np.ndarray, begin: np.ndarray, end: np.ndarray) -> float:
    """Longest chord of a convex outline (n, 2) at a right angle to its longest diameter from ``begin`` to ``end``."""
    along = (end - begin) / np.linalg.norm(end - begin)
    u, v = (outline - begin) @ along, (outline - begin) @ np.array([-along[1], along[0]])
    sides = []
    for side in (v >= -1e-9, v <= 1e-9):  # both hold the two ends, for the longest diameter parts the outline
        order = np.argsort(u[side], kind="stable")
        sides.append(np.interp(u, u[side][order], v[side][order]))
    return float((sides[0] - sides[1]).max())
