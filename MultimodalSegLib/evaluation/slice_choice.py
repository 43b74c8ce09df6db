"""Which slices to show: the best, the median and the worst, so that nobody picks the pretty ones."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np

LEAST_VOXELS = 30
"""A structure counts in a slice from this many true or found voxels on; rims of structures would rule otherwise."""

LEAST_SHARE = 0.1
"""A slice counts from this part of the largest slice's voxels on: the worst is to be more than the end of a lesion."""


def slice_dice(found: np.ndarray, truth: np.ndarray, groups: Mapping[str, Collection[int]]) -> np.ndarray:
    """Mean Dice of the structures in each slice.

    Args:
        found: label map (k, j, i).
        truth: label map of the same shape.
        groups: label values by structure.

    Returns:
        (k,) float; NaN for slices in which no structure has enough voxels, or all together have too few.
    """
    scores = np.full((len(groups), len(found)), np.nan)
    area = np.zeros(len(found))
    for row, values in enumerate(groups.values()):
        a, b = (np.isin(x, list(values), kind="table") for x in (found, truth))
        each = np.stack([a.sum((1, 2)), b.sum((1, 2))])
        area += each.max(0)
        enough = each.max(0) >= LEAST_VOXELS
        scores[row, enough] = 2.0 * (a & b).sum((1, 2))[enough] / each.sum(0)[enough]
    counts = (~np.isnan(scores)).sum(0)
    counted = (counts > 0) & (area >= LEAST_SHARE * area.max())
    return np.where(counted, np.nansum(scores, axis=0) / np.maximum(counts, 1), np.nan)


def best_median_worst(scores: np.ndarray) -> tuple[int, int, int]:
    """Positions of the best, the median and the worst score, NaN left out.

    Raises:
        ValueError: every score is NaN.

    Example:
        >>> best_median_worst(np.array([0.2, np.nan, 0.9, 0.5]))
        (2, 3, 0)
    """
    order = np.argsort(scores)[: int((~np.isnan(scores)).sum())]  # NaN is sorted to the end
    if not len(order):
        raise ValueError("there is no score to choose by")
    return int(order[-1]), int(order[len(order) // 2]), int(order[0])
