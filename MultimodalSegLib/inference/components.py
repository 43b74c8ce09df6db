"""Single lesions: the connected parts of what was labeled as lesion, numbered alike everywhere."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

Box = tuple[slice, slice, slice]

TOUCHING = np.ones((3, 3, 3), bool)
"""Voxels that share a face, an edge or a corner belong together (26 neighbors)."""


@dataclass(frozen=True)
class Component:
    """One connected part of a mask.

    Args:
        number: from 1, the largest first; equally large ones in the order of the array.
        box: where it lies in the array (k, j, i).
        mask: (k, j, i) bool inside ``box``.
        voxels: how many it has.
    """

    number: int
    box: Box
    mask: np.ndarray
    voxels: int

    @property
    def index(self) -> np.ndarray:
        """Its voxels, (n, 3) array indices (k, j, i) in the whole array."""
        return np.argwhere(self.mask) + [side.start for side in self.box]

    def on(self, shape: tuple[int, ...]) -> np.ndarray:
        """It alone as a bool mask of an array's shape (k, j, i)."""
        whole = np.zeros(shape, bool)
        whole[self.box] = self.mask
        return whole


def components(mask: np.ndarray) -> tuple[Component, ...]:
    """The 26-connected parts of a mask, the largest first; the n-th is called "lesion n" in every table and map.

    Args:
        mask: (k, j, i) bool; may be empty.

    Example:
        >>> mask = np.zeros((4, 4, 4), bool)
        >>> mask[0, 0, 0] = mask[3, 3, 2:] = True
        >>> [part.voxels for part in components(mask)]
        [2, 1]
    """
    around = ndimage.find_objects(mask.view(np.uint8))
    if not around:
        return ()
    parts, count = ndimage.label(mask[around[0]], TOUCHING)
    sizes = np.bincount(parts.ravel(), minlength=count + 1)[1:]
    boxes = ndimage.find_objects(parts)
    found = []
    for number, part in enumerate(np.argsort(-sizes, kind="stable").tolist(), start=1):
        inner = boxes[part]
        sides = [slice(a.start + b.start, a.start + b.stop) for a, b in zip(around[0], inner, strict=True)]
        found.append(Component(number, (sides[0], sides[1], sides[2]), parts[inner] == part + 1, int(sizes[part])))
    return tuple(found)
