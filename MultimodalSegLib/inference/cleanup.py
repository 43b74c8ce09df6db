"""Small repairs of a label map: stray pieces of a structure go to what surrounds them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import ndimage

from ..images.volume import Volume
from ..models.classes import SegmentClass

GROUPS = ("brain", "csf")
LEAST_ML = 0.03
"""A separate piece smaller than this is noise (about 30 voxels of 1 mm)."""

LEAST_SHARE = 0.2
"""A separate piece of a paired brain structure smaller than this share of the largest piece is noise: it is most
often a bit of the other hemisphere that the side channel got wrong."""

NEIGHBORS = ((1, 0, 0), (-1, 0, 0), (0, 1, 0), (0, -1, 0), (0, 0, 1), (0, 0, -1))


def remove_specks(labels: Volume, classes: Sequence[SegmentClass]) -> Volume:
    """Give isolated specks of brain and CSF structures the label of their surroundings.

    Bone, soft tissue and lesions stay as they are: they may come in any number of pieces.

    Args:
        labels: label map, (k, j, i).
        classes: of the label map; names that start with Left or Right are paired.

    Returns:
        A label map on the same grid; the one given is not changed.
    """
    array = labels.array.copy()
    boxes = dict(enumerate(ndimage.find_objects(array), start=1))
    stray = np.zeros(array.shape, bool)
    for entry in classes:
        where = boxes.get(entry.value)
        if where is not None and entry.group in GROUPS:
            paired = entry.group == "brain" and entry.name.split(" ")[0] in ("Left", "Right")
            least = LEAST_ML / labels.grid.voxel_ml
            stray[where] |= _stray(array[where] == entry.value, least, LEAST_SHARE if paired else 0.0)
    _fill(array, stray)
    return labels.with_array(array)


def _stray(mask: np.ndarray, least: float, share: float) -> np.ndarray:
    """Pieces (face neighbors) of fewer voxels than ``least`` or than ``share`` of the largest, which always stays."""
    parts, count = ndimage.label(mask)
    if count < 2:
        return np.zeros_like(mask)
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0
    small = sizes < max(least, share * sizes.max())
    small[[0, sizes.argmax()]] = False
    return small[parts] if small.any() else np.zeros_like(mask)


def _fill(array: np.ndarray, stray: np.ndarray) -> None:
    """Give each stray voxel the commonest label among its face neighbors that are not stray, from the rim inward."""
    points = np.argwhere(stray)
    upper = np.array(array.shape) - 1
    while len(points):
        near = np.clip(points[:, None] + np.array(NEIGHBORS), 0, upper)  # (n, 6, 3)
        spots = tuple(np.moveaxis(near, 2, 0))
        known = ~stray[spots]
        value = array[spots].astype(np.int32)
        votes = ((value[:, :, None] == value[:, None, :]) & known[:, :, None] & known[:, None, :]).sum(2)
        best = votes.argmax(1)
        ready = votes[np.arange(len(points)), best] > 0
        if not ready.any():
            return
        done = tuple(points[ready].T)
        array[done] = value[np.arange(len(points)), best][ready]
        stray[done] = False
        points = points[~ready]
