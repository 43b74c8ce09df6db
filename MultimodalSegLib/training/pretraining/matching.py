"""The same place of a patient in two views of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from torch import Tensor
from torch.nn import functional as F

from ..plan import Size

CANDIDATES = 4
"""So many places are drawn for each that is wanted, because those outside of what was scanned show nothing."""


class Place(NamedTuple):
    """Where a view lies in its volume, in voxels of the volume along (k, j, i).

    Args:
        first: (3,) its first corner.
        extent: (3,) its lengths.
    """

    first: np.ndarray
    extent: np.ndarray

    def relative(self, points: np.ndarray) -> np.ndarray:
        """Points (P, 3) of the volume as -1 to 1 between the outer faces of the view."""
        relative: np.ndarray = 2 * (points - self.first) / self.extent - 1
        return relative

    def absolute(self, points: np.ndarray) -> np.ndarray:
        """The inverse of :meth:`relative`."""
        absolute: np.ndarray = self.first + (points + 1) / 2 * self.extent
        return absolute

    def mirrored(self) -> Place:
        """The same place after the volume was mirrored along its last axis about the origin."""
        first = self.first.astype(float)
        first[2] = -first[2] - self.extent[2]
        return Place(first, self.extent)


def common_points(rng: np.random.Generator, one: Place, other: Place, volume: Place, count: int) -> np.ndarray:
    """Places that two views of a volume show, anywhere in the box that they share.

    Where they share nothing of what was scanned, the points lie on the border that comes nearest to it.

    Args:
        rng: source of every choice.
        one: a view.
        other: another one.
        volume: what was scanned.
        count: P.

    Returns:
        (P, 3) voxels of the volume.

    Example:
        >>> one, other = (Place(np.full(3, n), np.full(3, 4)) for n in (0, 3))
        >>> common_points(np.random.default_rng(0), one, other, Place(np.zeros(3), np.full(3, 9)), 2).round(1)
        array([[3.6, 3.3, 3. ],
               [3. , 3.8, 3.9]])
    """
    boxes = (volume, one, other)
    low = np.max([box.first for box in boxes], axis=0)
    high = np.min([box.first + box.extent for box in boxes], axis=0)
    points: np.ndarray = rng.uniform(low, np.maximum(low, high), (count, 3))
    return points


def hidden_points(rng: np.random.Generator, hidden: np.ndarray, view: Place, volume: Place, count: int) -> np.ndarray:
    """Places in the hidden tokens of a view, inside of what was scanned as far as there are any.

    Args:
        rng: source of every choice.
        hidden: (d, h, w) bool, at least one True.
        view: where the tokens lie.
        volume: what was scanned.
        count: P.

    Returns:
        (P, 3) voxels of the volume.
    """
    tokens = np.argwhere(hidden)
    drawn = tokens[rng.integers(len(tokens), size=count * CANDIDATES)] + rng.random((count * CANDIDATES, 3))
    points = view.absolute(2 * drawn / hidden.shape - 1)
    inside = np.all((points >= volume.first) & (points <= volume.first + volume.extent), axis=1)
    found: np.ndarray = points[np.argsort(~inside, kind="stable")[:count]]
    return found


def matches(
    rng: np.random.Generator, places: Sequence[Place], hidden: Sequence[np.ndarray], volume: Place, count: int
) -> tuple[np.ndarray, np.ndarray]:
    """Points that each view shares with each large one; of a large view beside itself those that are hidden.

    Args:
        rng: source of every choice.
        places: of all V views, the T large ones first.
        hidden: (d, h, w) bool of each large one.
        volume: what was scanned.
        count: P, of each pair of views.

    Returns:
        (V, T, P, 3) in the view itself and in the large one; -1 to 1 along (k, j, i), float32.
    """
    here, there = [], []
    for number, view in enumerate(places):
        for known, large in enumerate(places[: len(hidden)]):
            if number == known:
                points = hidden_points(rng, hidden[number], view, volume, count)
            else:
                points = common_points(rng, view, large, volume, count)
            here.append(view.relative(points))
            there.append(large.relative(points))
    shape = (len(places), len(hidden), count, 3)
    return np.reshape(here, shape).astype(np.float32), np.reshape(there, shape).astype(np.float32)


def features_at(features: Tensor, points: Tensor) -> Tensor:
    """Features at points, interpolated trilinearly; the rim goes on outside.

    Args:
        features: (B, C, d, h, w).
        points: (B, P, 3), -1 to 1 along (k, j, i) between the outer faces.

    Returns:
        (B, P, C) float32.
    """
    grid = points.flip(-1)[:, :, None, None].float()  # (B, P, 1, 1, 3) as x, y, z
    found = F.grid_sample(features.float(), grid, padding_mode="border", align_corners=False)
    return found.flatten(2).transpose(1, 2)


def whole(shape: Size) -> Place:
    """A volume of a shape."""
    return Place(np.zeros(3), np.asarray(shape, float))
