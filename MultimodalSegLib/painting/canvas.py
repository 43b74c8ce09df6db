"""What is painted anew of a volume, and what the network sees in its place."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

WIDER, SOFT = 1.0, 2.0
"""Voxels around a lesion that are painted fully, and over which painting then fades: lesions blur beyond their mask."""

SMOOTHED = 2.0
"""Voxels: standard deviation with which the surroundings are smoothed that are continued into the region."""

MARGIN = 16
"""Voxels of the surroundings that the network sees on each side of a lesion."""


def paint_weight(mask: np.ndarray) -> np.ndarray:
    """How much of each voxel is painted anew.

    Args:
        mask: (k, j, i) bool, the lesion.

    Returns:
        float32, same shape: 1 in the lesion, 0 from three voxels on away from it.

    Example:
        >>> mask = np.zeros((9, 9, 9), bool)
        >>> mask[4, 4, 4] = True
        >>> paint_weight(mask)[4, 4].tolist()
        [0.0, 0.0, 0.5, 1.0, 1.0, 1.0, 0.5, 0.0, 0.0]
    """
    if not mask.any():
        return np.zeros(mask.shape, np.float32)
    away = ndimage.distance_transform_edt(~mask)
    return np.clip((WIDER + SOFT - away) / SOFT, 0, 1).astype(np.float32)


def without_region(image: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """An image in which the region to be painted continues its nearest surroundings, smoothly.

    Nothing of what was in the region is left, so that a lesion's own image serves as well as one without the lesion.

    Args:
        image: (k, j, i) float32.
        weight: same shape, from :func:`paint_weight`.
    """
    hidden = weight > 0
    if hidden.all():
        return np.full(image.shape, float(image.mean()), np.float32)
    nearest = ndimage.distance_transform_edt(hidden, return_distances=False, return_indices=True)
    continued = ndimage.gaussian_filter(image[tuple(nearest)], SMOOTHED, truncate=3.0)
    begun: np.ndarray = np.where(hidden, continued, image)
    return begun.astype(np.float32)


def around(mask: np.ndarray) -> tuple[slice, ...]:
    """The part of a volume that is needed to paint a lesion: its box with :data:`MARGIN`."""
    box = ndimage.find_objects(mask.astype(np.uint8))[0]
    return tuple(slice(max(0, s.start - MARGIN), s.stop + MARGIN) for s in box)
