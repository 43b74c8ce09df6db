"""Which part of the working grid the head looks at, and whether it has to look farther."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

EDGES = (48, 64, 96)
"""Voxels along the edge of a crop: the next one is taken where a change reaches the border of the last."""


def crop_start(middle: np.ndarray, size: Sequence[int], shape: Sequence[int]) -> tuple[int, int, int]:
    """First voxel (even numbers) of a crop around a place, moved into the grid.

    Args:
        middle: (3,) voxel.
        size: of the crop, even numbers, at most the grid's.
        shape: of the grid, even numbers.

    Example:
        >>> crop_start(np.array([5, 40, 70]), (48, 48, 48), (96, 96, 80))
        (0, 16, 32)
    """
    start = np.round((np.asarray(middle) - np.asarray(size) / 2) / 2).astype(int) * 2
    k, j, i = np.clip(start, 0, np.asarray(shape) - np.asarray(size)).tolist()
    return k, j, i


def crop_size(edge: int, shape: Sequence[int], stride: int) -> tuple[int, int, int]:
    """A cube of an edge, cut to a grid in multiples of the head's stride."""
    k, j, i = (min(edge, n // stride * stride) for n in shape)
    return k, j, i


def first_edge(points: np.ndarray, margin: int = 8) -> int:
    """The smallest edge that holds all prompts (n, 3) with a margin; the largest one if none does."""
    spread = int((points.max(0) - points.min(0)).max()) + 2 * margin
    return next((edge for edge in EDGES if spread <= edge), EDGES[-1])


def reaches_border(
    change: np.ndarray, start: Sequence[int], size: Sequence[int], shape: Sequence[int], layers: int = 1
) -> bool:
    """Whether a change inside a crop touches a face behind which the grid goes on.

    Args:
        change: bool, of the crop's size.
        start: first voxel of the crop.
        size: of the crop.
        shape: of the grid.
        layers: voxels that count as the face.
    """
    for axis in range(3):
        faces = np.moveaxis(change, axis, 0)
        if start[axis] > 0 and faces[:layers].any():
            return True
        if start[axis] + size[axis] < shape[axis] and faces[-layers:].any():
            return True
    return False
