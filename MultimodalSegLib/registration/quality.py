"""How well two volumes agree, measured on the images alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import SimpleITK as sitk
from scipy import ndimage
from scipy.special import entr

from ..images.grid import Grid
from ..images.resample import inside, map_points
from ..images.volume import Volume
from .pyramid import Pyramid, dilate

BINS = 32
MARGIN = 12.0
"""Millimetres around the head in which images are compared: the air next to the skin tells where the skin is."""

POINTS_AT_ONCE = 200_000
"""Points of all transforms together that are compared in one go; a few times 5 MB."""


@dataclass(frozen=True)
class Comparison:
    """Points of a fixed volume at which a moving volume is compared with it, under any number of transforms.

    Args:
        points: (n, 3) LPS mm, inside the fixed head and a margin around it.
        bins: (n,) intensity bin of the fixed volume at each point.
        head: (n,) bool, the point is in the head itself.
        moving: intensities of the moving volume as bins, 0 to ``BINS - 1``, not rounded.
        moving_head: where the moving head is, bool.
        smaller_head: volume of the smaller head, in points.
    """

    points: np.ndarray
    bins: np.ndarray
    head: np.ndarray
    moving: Volume
    moving_head: Volume
    smaller_head: float

    @classmethod
    def of(cls, fixed: Pyramid, moving: Pyramid, level: Literal["middle", "coarse"] = "middle") -> Comparison:
        """Compare two volumes at a level of their pyramids."""
        volume, other = getattr(fixed, level), getattr(moving, level)
        points = _centres(volume.grid)
        near = _at(dilate(fixed.head, MARGIN), points)
        points, head = points[near], _at(fixed.head, points[near])
        moving_ml = np.count_nonzero(moving.head.array) * moving.head.grid.voxel_ml
        smaller = min(float(np.count_nonzero(head)), moving_ml / volume.grid.voxel_ml)
        bins = np.rint(_bins(volume.array)).astype(int).ravel()[near]
        return cls(points, bins, head, other.with_array(_bins(other.array)), moving.head, smaller)

    def mutual_information(self, transform: sitk.Transform) -> tuple[float, float]:
        """Mutual information (nats) of the overlap, and the part of the points that overlap, 0 to 1."""
        information, overlap = self.mutual_informations([transform])[0]
        return float(information), float(overlap)

    def mutual_informations(self, transforms: Sequence[sitk.Transform]) -> np.ndarray:
        """The same for many transforms, much sooner than one by one: (n, 2)."""
        together = max(1, POINTS_AT_ONCE // max(1, len(self.points)))
        parts = [self._informations(transforms[n : n + together]) for n in range(0, len(transforms), together)]
        return np.concatenate([np.zeros((0, 2)), *parts])

    def _informations(self, transforms: Sequence[sitk.Transform]) -> np.ndarray:
        mapped = np.stack([map_points(transform, self.points) for transform in transforms])  # (n, points, 3)
        covered = inside(self.moving.grid, mapped.reshape(-1, 3)).reshape(mapped.shape[:2])
        index = _index(self.moving.grid, mapped[covered])
        other = np.rint(ndimage.map_coordinates(self.moving.array, index, order=1, mode="nearest")).astype(int)
        which, point = np.nonzero(covered)
        joint = np.bincount((which * BINS + self.bins[point]) * BINS + other, minlength=len(mapped) * BINS * BINS)
        counts = covered.sum(axis=1)
        enough = counts >= BINS
        information = _information(joint.reshape(-1, BINS, BINS) / np.maximum(counts, 1)[:, None, None])
        return np.stack([information * enough, counts / len(self.points) * enough], axis=1)

    def head_overlap(self, transform: sitk.Transform) -> float:
        """Dice of the two heads where both fields of view are, 0 to 1."""
        mapped = map_points(transform, self.points)
        covered = inside(self.moving.grid, mapped)
        here, there = self.head[covered], _at(self.moving_head, mapped[covered])
        total = np.count_nonzero(here) + np.count_nonzero(there)
        return float(2.0 * np.count_nonzero(here & there) / total) if total else 0.0

    def shared_head(self, transform: sitk.Transform) -> float:
        """Part of the smaller head that lies in the other one, 0 to 1."""
        there = _at(self.moving_head, map_points(transform, self.points))
        return float(np.count_nonzero(self.head & there) / max(1.0, self.smaller_head))


def mutual_information(first: np.ndarray, second: np.ndarray) -> float:
    """Mutual information in nats of two lists of bins (n,), each an int of 0 to 31, from their joint histogram."""
    joint = np.bincount(first * BINS + second, minlength=BINS * BINS).reshape(BINS, BINS) / first.size
    return float(_information(joint))


def _information(joint: np.ndarray) -> np.ndarray:
    """Mutual information of joint distributions (..., bins, bins)."""
    first, second = (-entr(joint.sum(axis=axis)).sum(axis=-1) for axis in (-1, -2))
    return np.asarray(-entr(joint).sum(axis=(-1, -2)) - first - second)


def scaling(transform: sitk.Transform) -> float:
    """Largest relative change of a length by a linear transform; 0 for any other."""
    if not transform.IsLinear():
        return 0.0
    points = map_points(transform, np.vstack([np.zeros(3), np.eye(3)]))
    return float(np.max(np.abs(np.linalg.svd(points[1:] - points[0], compute_uv=False) - 1.0)))


def _bins(array: np.ndarray) -> np.ndarray:
    """Intensities scaled to 0 .. 31, float32."""
    low, high = float(array.min()), float(array.max())
    return ((array - low) * ((BINS - 1) / max(high - low, 1e-6))).astype(np.float32)


def _centres(grid: Grid) -> np.ndarray:
    """Centres of all voxels in the order of the raveled array: (n, 3) LPS mm."""
    k, j, i = np.indices(grid.shape).reshape(3, -1)
    return np.stack([i, j, k], axis=1) @ grid.affine[:3, :3].T + grid.affine[:3, 3]


def _index(grid: Grid, points: np.ndarray) -> np.ndarray:
    """Continuous array indices (3, n), in the order k, j, i, of points (n, 3)."""
    index = (points - grid.affine[:3, 3]) @ np.linalg.inv(grid.affine[:3, :3]).T
    return index.T[::-1]


def _at(mask: Volume, points: np.ndarray) -> np.ndarray:
    """Value of a mask at points (n, 3), False outside: (n,) bool."""
    index = np.rint(_index(mask.grid, points)).astype(int)
    size = np.asarray(mask.array.shape)[:, None]
    within = np.all((index >= 0) & (index < size), axis=0)
    clipped = np.clip(index, 0, size - 1)
    return within & mask.array[clipped[0], clipped[1], clipped[2]]
