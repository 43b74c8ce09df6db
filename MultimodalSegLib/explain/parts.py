"""Structures and single lesions of a segmentation, and points inside them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..inference.components import components
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
        """Keep a part whose voxels are (n, 3) array indices (k, j, i)."""
        if len(index) > MOST_POINTS:
            index = index[np.sort(random.choice(len(index), MOST_POINTS, replace=False))]
        parts.append(part)
        points.append(labels.grid.points(index[:, ::-1]))

    present = set(np.flatnonzero(np.bincount(labels.array.ravel())).tolist())
    for entry in segmentation.classes:
        if entry.value not in present:
            continue
        mask = labels.array == entry.value
        take(Part(entry.name, entry.value), np.argwhere(mask))
        if entry.group == "lesion":
            single = components(mask)
            left_out += max(0, len(single) - MOST_LESIONS)
            for lesion in single[:MOST_LESIONS]:
                take(Part(f"{entry.name} {lesion.number}", entry.value, lesion.number), lesion.index)
    return parts, points, left_out
