"""Clicks as a careful person would set them, for training and for measuring.

The usual protocol of interactive segmentation (Sofiiuk et al., RITM, ICIP 2022; Diaz-Pinto et al., DeepEdit, 2023): the
first click lies where the object is thickest; each next one where the largest connected error is thickest, positive if
the error was missed, negative if it was marked wrongly.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import ndimage


class Click(NamedTuple):
    """One click.

    Args:
        point: (3,) voxel (k, j, i).
        positive: inside the object or not.
    """

    point: np.ndarray
    positive: bool


def first_click(target: np.ndarray, rng: np.random.Generator | None = None) -> Click:
    """The middle of the thickest part of an object.

    Args:
        target: bool (k, j, i), the object, not empty.
        rng: for training: any voxel at least half as deep as the deepest; None for the deepest.

    Example:
        >>> target = np.zeros((9, 9, 9), bool)
        >>> target[2:7, 2:7, 2:7] = True
        >>> first_click(target).point.tolist()
        [4, 4, 4]
    """
    return Click(deep_voxel(target, rng), True)


def next_click(target: np.ndarray, answer: np.ndarray, rng: np.random.Generator | None = None) -> Click | None:
    """The middle of the largest error; None if there is none.

    Args:
        target: bool (k, j, i), the object.
        answer: bool, what was marked.
        rng: as for :func:`first_click`.
    """
    missed, wrong = largest(target & ~answer), largest(answer & ~target)
    if not missed.any() and not wrong.any():
        return None
    positive = int(missed.sum()) >= int(wrong.sum())
    return Click(deep_voxel(missed if positive else wrong, rng), positive)


def largest(mask: np.ndarray) -> np.ndarray:
    """The largest connected part (faces touch) of a mask."""
    parts, count = ndimage.label(mask)
    if count < 2:
        return mask
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0
    return np.asarray(parts == sizes.argmax())


def deep_voxel(mask: np.ndarray, rng: np.random.Generator | None = None) -> np.ndarray:
    """The voxel (3,) farthest from the border of a mask, or a random one at least half as deep."""
    box = ndimage.find_objects(mask.astype(np.uint8))[0]
    depth = ndimage.distance_transform_edt(np.pad(mask[box], 1))[1:-1, 1:-1, 1:-1]
    corner = np.array([side.start for side in box])
    if rng is None:
        return corner + np.array(np.unravel_index(int(depth.argmax()), depth.shape))
    deep = np.argwhere(depth >= depth.max() / 2)
    return corner + deep[rng.integers(len(deep))]
