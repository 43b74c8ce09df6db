"""Where a registration starts: many plausible alignments, judged at a coarse resolution."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import product

import numpy as np
import SimpleITK as sitk
from scipy.spatial.transform import Rotation

from ..images.grid import Grid
from ..images.volume import Volume
from .pyramid import Pyramid
from .quality import Comparison

CROWN = 130.0
"""Millimetres below the vertex that count for the middle of a head: scans end anywhere in the neck."""

FAR, ANY = 66.0, 180.0
"""Degrees by which a patient may lie differently: usually, and if anything goes."""

TURN, WIDE_TURN = 20.0, 30.0
"""Degrees between neighbouring rotations; the optimizer at 8 mm comes from half of that and more."""

HINT, GLANCE, LOOK = 1_000, 3_000, 15_000
"""Points at which many rotations are compared, all candidates of a search, and then the best of these."""

OUTLINE = 10_000
"""Points of a head that say where its upper part is."""

LEAST_OVERLAP = 0.25
"""Part of the fixed head that must lie in the moving volume for a start that was guessed."""


def starts(
    fixed: Pyramid, moving: Pyramid, count: int, *, reach: float = FAR, turn: float = TURN, seed: int = 0
) -> list[sitk.Euler3DTransform]:
    """The best few rigid transforms (fixed to moving points, centered in the fixed head), best first.

    Tried are the headers as they are, and the middles of the volumes, of the heads and of their upper parts brought
    together, each under rotations about all axes. Mutual information, weighted by the overlap, decides.

    Args:
        fixed: the fixed volume.
        moving: the moving volume.
        count: how many transforms at most.
        reach: largest rotation tried, degrees.
        turn: between neighbouring rotations, degrees.
        seed: of the points at which they are compared.
    """
    comparison = Comparison.of(fixed, moving, "coarse")
    glanced = _scored(list(_candidates(fixed, moving, rotations(reach, turn))), _some(comparison, GLANCE, seed))
    better = [(transform, guessed) for _, transform, guessed in glanced[: 8 * count]]
    looked = _scored(better, _some(comparison, LOOK, seed))
    chosen: list[sitk.Euler3DTransform] = []
    for _, transform, _ in looked:
        if len(chosen) < count and all(differ(transform, other) for other in chosen):
            chosen.append(transform)
    return chosen


def anywhere(fixed: Pyramid, moving: Pyramid, *, seed: int = 0) -> sitk.Euler3DTransform:
    """The best of all rotations, 30 degrees apart, with the middles of the heads together: a quick look all around.

    It knows nothing of any alignment, and so can tell that a head was taken for another side of itself.
    """
    center, middle = head_center(fixed.head), head_center(moving.head)
    turned = [_turned(center, turn, center, middle) for turn in rotations(ANY, WIDE_TURN)]
    comparison = _some(Comparison.of(fixed, moving, "coarse"), HINT, seed)
    return turned[int(np.argmax(np.prod(comparison.mutual_informations(turned), axis=1)))]


def rigid(center: np.ndarray, angles: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> sitk.Euler3DTransform:
    """A rotation about a point (LPS mm) by angles in degrees around x, y and z."""
    transform = sitk.Euler3DTransform()
    transform.SetCenter([float(x) for x in center])
    transform.SetRotation(*(float(np.radians(angle)) for angle in angles))
    return transform


def head_center(head: Volume) -> np.ndarray:
    """Centre of gravity of a head mask, LPS mm."""
    return _points(head).mean(axis=0)


def rotations(reach: float, step: float) -> list[np.ndarray]:
    """Rotations (3, 3) up to ``reach`` degrees about all axes, evenly ``step`` degrees apart; the smallest come first.

    Rotation vectors on a cubic lattice; none is farther than 0.87 steps from the nearest.
    """
    count = int(reach / step + 1e-6)
    axis = np.arange(-count, count + 1) * step
    vectors = np.array(list(product(axis, axis, axis)))
    length = np.linalg.norm(vectors, axis=1)
    order = np.argsort(length, kind="stable")
    return list(Rotation.from_rotvec(vectors[order][length[order] <= reach + 1e-6], degrees=True).as_matrix())


Candidate = tuple[sitk.Euler3DTransform, bool]
"""A transform, and False for the headers' own alignment and True for a guess."""


def _candidates(fixed: Pyramid, moving: Pyramid, turns: list[np.ndarray]) -> Iterator[Candidate]:
    here, there = _points(fixed.head), _points(moving.head)
    center, middle = here.mean(axis=0), there.mean(axis=0)
    here, there = (points[:: max(1, len(points) // OUTLINE)] for points in (here, there))
    views = _middle(fixed.middle.grid), _middle(moving.middle.grid)
    crown = _crown(here, np.array([0.0, 0.0, 1.0]))
    for number, turn in enumerate(turns):
        pairs = (
            (center, center),
            (center, middle),
            (crown, _crown(there, turn @ [0.0, 0.0, 1.0])),
            views,
        )
        for kind, (source, target) in enumerate(pairs):
            yield _turned(center, turn, source, target), kind > 0 or number > 0


def _turned(center: np.ndarray, turn: np.ndarray, source: np.ndarray, target: np.ndarray) -> sitk.Euler3DTransform:
    """The rotation (3, 3), about a center, that also brings one point onto another."""
    transform = rigid(center)
    transform.SetMatrix(turn.ravel().tolist())
    transform.SetTranslation((target - center - turn @ (source - center)).tolist())
    return transform


def _scored(candidates: list[Candidate], comparison: Comparison) -> list[tuple[float, sitk.Euler3DTransform, bool]]:
    """Candidates that overlap enough, with mutual information times overlap, the best first."""
    measured = comparison.mutual_informations([transform for transform, _ in candidates])
    scored = []
    for (transform, guessed), (information, overlap) in zip(candidates, measured.tolist(), strict=True):
        if overlap > 0.0 and (overlap >= LEAST_OVERLAP or not guessed):
            scored.append((information * overlap, transform, guessed))
    return sorted(scored, key=lambda entry: -entry[0])


def _some(comparison: Comparison, most: int, seed: int) -> Comparison:
    """The same at no more than so many of the points."""
    count = len(comparison.points)
    some = np.random.default_rng(seed).choice(count, min(count, most), replace=False)
    return replace(comparison, points=comparison.points[some], bins=comparison.bins[some], head=comparison.head[some])


def differ(first: sitk.Euler3DTransform, second: sitk.Euler3DTransform) -> bool:
    """Whether two starts about one center are more than a coarse voxel and a half, or half a step, apart."""
    apart = np.subtract(first.GetTranslation(), second.GetTranslation())
    turn = np.reshape(first.GetMatrix(), (3, 3)).T @ np.reshape(second.GetMatrix(), (3, 3))
    angle = np.degrees(np.arccos(np.clip((np.trace(turn) - 1.0) / 2.0, -1.0, 1.0)))
    return bool(np.max(np.abs(apart)) > 12.0 or angle > TURN / 2.0)


def _points(head: Volume) -> np.ndarray:
    k, j, i = np.nonzero(head.array)
    return np.stack([i, j, k], axis=1) @ head.grid.affine[:3, :3].T + head.grid.affine[:3, 3]


def _crown(points: np.ndarray, up: np.ndarray) -> np.ndarray:
    """Middle of the upper part of a head that stands along a unit vector."""
    height = points @ up
    return points[height > np.percentile(height, 99.9) - CROWN].mean(axis=0)


def _middle(grid: Grid) -> np.ndarray:
    return grid.corners.mean(axis=0)
