"""Where a registration starts: a few plausible alignments, judged at a coarse resolution."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import numpy as np
import SimpleITK as sitk

from ..images.grid import Grid
from ..images.volume import Volume
from .pyramid import Pyramid
from .quality import Comparison

CROWN = 130.0
"""Millimetres below the vertex that count for the middle of a head: scans end anywhere in the neck."""

PITCHES, ROLLS, YAWS = (-20.0, 0.0, 20.0), (-15.0, 0.0, 15.0), (-15.0, 0.0, 15.0)
"""Degrees around the x (left), y (posterior) and z (superior) axes by which a head may lie differently."""

LEAST_OVERLAP = 0.25
"""Part of the fixed head that must lie in the moving volume for a start that was guessed."""


def starts(fixed: Pyramid, moving: Pyramid, count: int) -> list[sitk.Euler3DTransform]:
    """The best few rigid transforms (fixed to moving points, centered in the fixed head), best first.

    Tried are the headers as they are, and the middles of the volumes, of the heads and of their upper parts brought
    together, each under a few rotations. Mutual information, weighted by the overlap, decides.

    Args:
        fixed: the fixed volume.
        moving: the moving volume.
        count: how many transforms at most.
    """
    comparison = Comparison.of(fixed, moving, "coarse")
    scored = []
    for transform, guessed in _candidates(fixed, moving):
        information, overlap = comparison.mutual_information(transform)
        if overlap > 0.0 and (overlap >= LEAST_OVERLAP or not guessed):
            scored.append((information * overlap, transform))
    scored.sort(key=lambda pair: -pair[0])
    chosen: list[sitk.Euler3DTransform] = []
    for _, transform in scored:
        if len(chosen) < count and all(_differ(transform, other) for other in chosen):
            chosen.append(transform)
    return chosen


def rigid(center: np.ndarray, angles: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> sitk.Euler3DTransform:
    """A rotation about a point (LPS mm) by angles in degrees around x, y and z."""
    transform = sitk.Euler3DTransform()
    transform.SetCenter([float(x) for x in center])
    transform.SetRotation(*(float(np.radians(angle)) for angle in angles))
    return transform


def head_center(head: Volume) -> np.ndarray:
    """Centre of gravity of a head mask, LPS mm."""
    return _points(head).mean(axis=0)


def _candidates(fixed: Pyramid, moving: Pyramid) -> Iterator[tuple[sitk.Euler3DTransform, bool]]:
    """Transforms to try, each with False for the headers' own alignment and True for a guess."""
    here, there = _points(fixed.head), _points(moving.head)
    center = here.mean(axis=0)
    pairs = [
        (center, center, False),
        (center, there.mean(axis=0), True),
        (_crown(here), _crown(there), True),
        (_middle(fixed.middle.grid), _middle(moving.middle.grid), True),
    ]
    for (source, target, guessed), angles in product(pairs, product(PITCHES, ROLLS, YAWS)):
        transform = rigid(source, angles)
        transform.SetTranslation([float(x) for x in target - source])
        yield _about(transform, center), guessed or any(angles)


def _about(transform: sitk.Euler3DTransform, center: np.ndarray) -> sitk.Euler3DTransform:
    """The same mapping, written with another center of rotation."""
    same = sitk.Euler3DTransform(transform)
    same.SetCenter([float(x) for x in center])
    moved = np.asarray(transform.TransformPoint([float(x) for x in center])) - center
    same.SetTranslation([float(x) for x in moved])
    return same


def _differ(first: sitk.Euler3DTransform, second: sitk.Euler3DTransform) -> bool:
    """Whether two starts are more than a coarse voxel or a third of a rotation step apart."""
    apart = np.subtract(first.GetParameters(), second.GetParameters())
    return bool(np.max(np.abs(apart[3:])) > 12.0 or np.max(np.abs(apart[:3])) > np.radians(6.0))


def _points(head: Volume) -> np.ndarray:
    k, j, i = np.nonzero(head.array)
    return np.stack([i, j, k], axis=1) @ head.grid.affine[:3, :3].T + head.grid.affine[:3, 3]


def _crown(points: np.ndarray) -> np.ndarray:
    """Middle of the upper part of a head."""
    vertex = np.percentile(points[:, 2], 99.9)
    return points[points[:, 2] > vertex - CROWN].mean(axis=0)


def _middle(grid: Grid) -> np.ndarray:
    return grid.corners.mean(axis=0)
