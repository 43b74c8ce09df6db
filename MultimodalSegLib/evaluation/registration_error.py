"""How far a found transform is from the true one."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk

from ..images.resample import map_points
from ..images.volume import Volume

MOST_POINTS = 20_000  # evenly spread; a transform that is not linear maps points one by one


def registration_error(found: sitk.Transform, truth: sitk.Transform, head: Volume) -> tuple[float, float]:
    """Mean and largest distance, over the head, between where two transforms put a point.

    Args:
        found: maps points of the reference to points of the moving volume, LPS mm.
        truth: the same, as it should be.
        head: on the reference grid, not zero in the head.

    Returns:
        Mean and maximum in millimetres.

    Raises:
        ValueError: ``head`` is empty.
    """
    k, j, i = np.nonzero(head.array)
    if not len(k):
        raise ValueError("the head is empty")
    chosen = np.linspace(0, len(k) - 1, min(len(k), MOST_POINTS)).astype(int)
    index = np.stack([i[chosen], j[chosen], k[chosen]], axis=1).astype(float)
    points = head.grid.points(index)
    distance = np.linalg.norm(map_points(found, points) - map_points(truth, points), axis=1)
    return float(distance.mean()), float(distance.max())
