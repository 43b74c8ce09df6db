"""Where the optimiser goes when it starts again near an alignment, both ways round."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from itertools import count

import numpy as np
import SimpleITK as sitk

from ..errors import RegistrationError
from ..images.resample import map_points
from .optimize import Step, optimize
from .pyramid import COARSE, MIDDLE, Pyramid
from .quality import Comparison
from .start import anywhere, head_center, rigid

AGAIN = Step("check, 8 mm", COARSE, 8_000, 40)
CLOSER = Step("check, 4 mm", MIDDLE, 8_000, 25)

FROM = ((8.0, 6.0), (20.0, 14.0), (20.0, 14.0))
"""Millimetres along and degrees around directions from which restarts begin."""
ALONG = ((1, 1, 1), (1, -1, -1), (-1, 1, -1))
AROUND = ((1, -1, -1), (-1, 1, -1), (-1, -1, 1))
"""These directions, three of the four corners of a tetrahedron, for the translations and for the rotations."""

ENDS = slice(1, -2)
"""Of the alignments in :class:`Restarts`: the ends of the restarts at 8 mm."""

POINTS = 400
"""Points of the fixed head over which distances between alignments are averaged."""


@dataclass(frozen=True)
class Restarts:
    """A given alignment, which is the first, and others.

    Args:
        apart: (n, n) mean distance over the fixed head, in mm, between where any two alignments put a point. The order
            is: the given one, where the restarts at 8 mm end (that from all around only if it is the best), the best
            of these after a run at 4 mm, and where the registration the other way round ends that begins at the
            inverse of the given one.
        information: (n,) mutual information (nats, weighted by the overlap) at 8 mm.
        head_overlap: Dice of the heads under the given one.
    """

    apart: np.ndarray
    information: np.ndarray
    head_overlap: float


def restart(
    fixed: Pyramid,
    moving: Pyramid,
    transform: sitk.Transform,
    *,
    seed: int = 0,
    on_iteration: Callable[[int, float], None] = lambda number, value: None,
) -> Restarts:
    """Start again from an alignment and from around it, from two that do not know it, and from its inverse.

    Args:
        fixed: the volume that stays.
        moving: the volume that was brought onto it.
        transform: fixed points to moving points, LPS mm; linear and nearly rigid.
        seed: of the random points.
        on_iteration: called with a running number and the value of each iteration; what it raises stops the work.

    Raises:
        RegistrationError: the volumes do not overlap enough to be compared under ``transform``.
    """
    numbers = count()

    def run(start: sitk.Euler3DTransform, step: Step, here: Pyramid, there: Pyramid) -> sitk.Euler3DTransform:
        levels = here.level(step.spacing), there.level(step.spacing)
        optimize(*levels, here.head, start, step, seed=seed, on_iteration=lambda _, v: on_iteration(next(numbers), v))
        return start

    center, other = head_center(fixed.head), head_center(moving.head)
    found: list[sitk.Transform] = [transform, run(_as_rigid(transform, center), AGAIN, fixed, moving)]
    for start in (*_around(_as_rigid(transform, center)), _heads_together(center, other)):
        try:
            found.append(run(start, AGAIN, fixed, moving))
        except RegistrationError:  # that start had lost the head
            continue
    comparison = Comparison.of(fixed, moving, "coarse")

    def information(alignment: sitk.Transform) -> float:
        return float(np.prod(comparison.mutual_information(alignment)))

    turned = anywhere(fixed, moving, seed=seed)
    with suppress(RegistrationError):
        if information(run(turned, AGAIN, fixed, moving)) > max(map(information, found)):
            found.append(turned)
    best = _as_rigid(max(found, key=information), center)
    found.append(run(best, CLOSER, fixed, moving))
    back = _as_rigid(transform.GetInverse(), other)
    for step in (AGAIN, CLOSER):
        back = run(back, step, moving, fixed)
    found.append(back.GetInverse())
    points = head_points(fixed)
    mapped = np.stack([map_points(alignment, points) for alignment in found])
    apart = np.linalg.norm(mapped[:, None] - mapped[None], axis=-1).mean(axis=-1)
    return Restarts(apart, np.array([information(each) for each in found]), comparison.head_overlap(transform))


def _as_rigid(transform: sitk.Transform, center: np.ndarray) -> sitk.Euler3DTransform:
    """The rigid transform nearest to a linear one, about a center that both put in the same place."""
    mapped = map_points(transform, center + np.vstack([np.zeros(3), np.eye(3)]))
    left, _, right = np.linalg.svd((mapped[1:] - mapped[0]).T)
    same = rigid(center)
    same.SetMatrix((left @ np.diag([1.0, 1.0, np.linalg.det(left @ right)]) @ right).ravel().tolist(), 1e-6)
    same.SetTranslation((mapped[0] - center).tolist())
    return same


def _around(alignment: sitk.Euler3DTransform) -> list[sitk.Euler3DTransform]:
    """Rigid alignments around one, in different directions."""
    center, starts = np.array(alignment.GetCenter()), []
    for (length, angle), along, around in zip(FROM, ALONG, AROUND, strict=True):
        x, y, z = (float(angle * part / np.sqrt(3.0)) for part in around)
        moved = rigid(center, (x, y, z))
        moved.SetTranslation([float(length * part / np.sqrt(3.0)) for part in along])
        starts.append(_as_rigid(sitk.CompositeTransform([alignment, moved]), center))
    return starts


def _heads_together(center: np.ndarray, other: np.ndarray) -> sitk.Euler3DTransform:
    """The middles of the heads meet and the axes of the scanners agree.

    It does not depend on the given alignment, and so can leave a wrong one that is the best of its surroundings.
    """
    start = rigid(center)
    start.SetTranslation((other - center).tolist())
    return start


def head_points(fixed: Pyramid) -> np.ndarray:
    """Points spread over the fixed head, (n, 3) LPS mm."""
    index = np.argwhere(fixed.head.array)[:, ::-1]
    index = index[np.linspace(0, len(index) - 1, min(len(index), POINTS)).astype(int)]
    affine = fixed.head.grid.affine
    return index @ affine[:3, :3].T + affine[:3, 3]
