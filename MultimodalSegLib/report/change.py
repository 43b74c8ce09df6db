"""Lesions of two runs of one patient: which is which, and what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from .lesions import Lesion

REACH_MM = 2.0
"""A lesion that overlaps none of the other run is taken for the nearest one within this distance: about the error of
a rigid registration of two heads."""

LEAST_CHANGE_PERCENT = 20.0
"""A smaller change of volume is called stable: two scans of one lesion differ as much."""


@dataclass(frozen=True)
class Change:
    """What became of a lesion, or of several that have merged or come apart.

    Args:
        kind: ``"new"``, ``"gone"``, ``"grown"``, ``"shrunk"`` or ``"stable"``, by volume.
        now: the lesions of this run, none if gone.
        earlier: the lesions of the earlier run, none if new.
    """

    kind: str
    now: tuple[Lesion, ...]
    earlier: tuple[Lesion, ...]

    @property
    def volume_percent(self) -> float | None:
        """Change of volume against the earlier run; -100 if gone, None if new."""
        if not self.earlier:
            return None
        return _percent(sum(lesion.volume_ml for lesion in self.now), sum(lesion.volume_ml for lesion in self.earlier))


def changes(
    now: Sequence[Lesion],
    earlier: Sequence[Lesion],
    points_now: Sequence[np.ndarray],
    points_earlier: Sequence[np.ndarray],
    voxel_mm: float,
) -> list[Change]:
    """Match the lesions of two runs, of the same class, by overlap, and compare their volumes.

    Args:
        now: lesions of this run.
        earlier: lesions of the earlier run.
        points_now: voxel centers (n, 3) mm of each lesion of this run, brought into the earlier run's space.
        points_earlier: the same of the earlier run.
        voxel_mm: half the diagonal of the larger voxel: centers within it overlap.

    Returns:
        One entry for each lesion or group, class by class, in the order of ``now``, those that are gone at the end.
    """
    found = []
    for structure in dict.fromkeys(lesion.structure for lesion in (*now, *earlier)):
        here = [n for n, lesion in enumerate(now) if lesion.structure == structure]
        there = [n for n, lesion in enumerate(earlier) if lesion.structure == structure]
        groups = matched([points_now[n] for n in here], [points_earlier[n] for n in there], voxel_mm)
        for mine, theirs in groups:
            pair = tuple(now[here[n]] for n in mine), tuple(earlier[there[n]] for n in theirs)
            found.append(Change(_kind(*pair), *pair))
    return found


def matched(
    now: Sequence[np.ndarray], earlier: Sequence[np.ndarray], voxel_mm: float
) -> list[tuple[list[int], list[int]]]:
    """Groups of lesions that belong together, as indices into both lists.

    Lesions belong together if they overlap; one that overlaps nothing joins the nearest within :data:`REACH_MM`.

    Args:
        now: voxel centers (n, 3) mm of each lesion.
        earlier: the same of the other run, in the same space.
        voxel_mm: distance within which two centers overlap.
    """
    pairs: set[tuple[int, int]] = set()
    if now and earlier:
        reach = max(REACH_MM, voxel_mm)
        touching = _touching(now, earlier, reach) + [(d, b, a) for d, a, b in _touching(earlier, now, reach)]
        pairs = {(a, b) for d, a, b in touching if d <= voxel_mm}
        for _, a, b in sorted(touching):
            if a not in {pair[0] for pair in pairs} or b not in {pair[1] for pair in pairs}:
                pairs.add((a, b))
    total = len(now) + len(earlier)
    rows, columns = [a for a, _ in pairs], [len(now) + b for _, b in pairs]
    graph = coo_matrix((np.ones(len(pairs)), (rows, columns)), (total, total))
    count, group = connected_components(graph, directed=False)
    groups: list[tuple[list[int], list[int]]] = [([], []) for _ in range(count)]
    for n, number in enumerate(group.tolist()):
        groups[number][0 if n < len(now) else 1].append(n if n < len(now) else n - len(now))
    return sorted(groups, key=lambda entry: (not entry[0], entry))


def _touching(some: Sequence[np.ndarray], others: Sequence[np.ndarray], reach: float) -> list[tuple[float, int, int]]:
    """Least distance (mm) from the lesions ``some`` to the ``others`` near them: (distance, one, other)."""
    owner_of_some = np.repeat(np.arange(len(some)), [len(points) for points in some])
    owner_of_others = np.repeat(np.arange(len(others)), [len(points) for points in others])
    distance, nearest = cKDTree(np.concatenate(others)).query(
        np.concatenate(some), distance_upper_bound=reach * (1 + 1e-9)
    )
    near = np.isfinite(distance)
    least: dict[tuple[int, int], float] = {}
    for d, a, b in zip(
        distance[near].tolist(), owner_of_some[near].tolist(), owner_of_others[nearest[near]].tolist(), strict=True
    ):
        least[a, b] = min(d, least.get((a, b), d))
    return [(d, a, b) for (a, b), d in least.items()]


def _kind(now: Sequence[Lesion], earlier: Sequence[Lesion]) -> str:
    if not earlier or not now:
        return "gone" if earlier else "new"
    percent = _percent(sum(lesion.volume_ml for lesion in now), sum(lesion.volume_ml for lesion in earlier))
    return "grown" if percent > LEAST_CHANGE_PERCENT else "shrunk" if percent < -LEAST_CHANGE_PERCENT else "stable"


def _percent(now: float, earlier: float) -> float:
    return 100.0 * (now / earlier - 1.0)
