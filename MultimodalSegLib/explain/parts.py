"""Structures and single lesions of a segmentation, and points inside them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..images.components import numbered_parts
from ..inference.segmentation import Segmentation

MOST_LESIONS = 50
"""Single lesions that are looked at, the largest first."""
MOST_POINTS = 8192
"""Voxels of one structure at which the network is asked: the mean of so many is exact to half a percent."""


@dataclass(frozen=True)
class Part:
    """A structure, or a single lesion, that is asked about.

    Args:
        name: shown name; that of a single lesion with its number, as ``"Lesion 2"``.
        value: label value.
        lesion: number of the single lesion, 1 for the largest; 0 for a whole structure.
    """

    name: str
    value: int
    lesion: int = 0


def parts_of(segmentation: Segmentation) -> tuple[list[Part], list[np.ndarray], int]:
    """Structures that are present and single lesions, and where to ask about each.

    Returns:
        The parts; for each at most 8192 points (N, 3) LPS mm, spread at random over its voxels; and how many lesions
        were too many.
    """
    labels, parts, points, left_out = segmentation.labels, [], [], 0
    random = np.random.default_rng(0)

    def take(part: Part, index: np.ndarray) -> None:
        if len(index) > MOST_POINTS:
            index = index[np.sort(random.choice(len(index), MOST_POINTS, replace=False))]
        k, j, i = np.unravel_index(index, labels.array.shape)
        affine = labels.grid.affine
        parts.append(part)
        points.append(np.stack([i, j, k], 1) @ affine[:3, :3].T + affine[:3, 3])

    flat = labels.array.ravel()
    present = set(np.flatnonzero(np.bincount(flat)).tolist())
    for entry in segmentation.classes:
        if entry.value not in present:
            continue
        index = np.flatnonzero(flat == entry.value)
        take(Part(entry.name, entry.value), index)
        if entry.group != "lesion":
            continue
        numbers, count = numbered_parts(labels.array == entry.value)
        number = numbers.ravel()[index]
        left_out += max(0, count - MOST_LESIONS)
        for n in range(1, min(count, MOST_LESIONS) + 1):
            take(Part(f"{entry.name} {n}", entry.value, n), index[number == n])
    return parts, points, left_out
