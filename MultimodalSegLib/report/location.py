"""Where a lesion lies: in which structures, on which side, and near to what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from ..images.volume import Volume
from ..inference.components import Component
from ..models.classes import SegmentClass
from .sides import MiddlePlane

SHELL_MM = 3.0
"""Thickness of the layer around a lesion whose structures say what it lies in."""

LEAST_SHARE = 0.2
"""A structure with a smaller part of that layer is not named."""

REACH_MM = 10.0
"""How far the nearest other structure is looked for."""


@dataclass(frozen=True)
class Location:
    """Where a lesion lies.

    Args:
        structures: what surrounds it with its share of the surroundings (0 to 1), largest first; at least one unless
            nothing but background and lesions is around.
        side: ``"left"``, ``"right"``, ``"both"``, or empty where the result has no pair of structures to tell it by.
        nearest: the nearest other structure, empty if there is none within :data:`REACH_MM`.
        nearest_mm: distance between the surfaces, 0 where they touch.
    """

    structures: tuple[tuple[str, float], ...]
    side: str
    nearest: str
    nearest_mm: float | None


def locate(
    component: Component, labels: Volume, classes: Sequence[SegmentClass], plane: MiddlePlane | None
) -> Location:
    """Say where a lesion lies, by what is segmented around it: under it the structures are not known.

    Args:
        component: the lesion.
        labels: the label map in which it lies.
        classes: every class; those of the group ``"lesion"`` are no place for a lesion.
        plane: the middle plane, if it is known.
    """
    grid = labels.grid
    names = {entry.value: entry.name for entry in classes if entry.group != "lesion"}
    spacing = np.asarray(grid.spacing)[::-1]
    box, inside = _surrounding_box(component, grid.shape, np.ceil(REACH_MM / spacing).astype(int))
    around = labels.array[box]
    distance, nearest = ndimage.distance_transform_edt(~inside, spacing, return_indices=True)
    thickness = max(SHELL_MM, float(spacing.min()))
    structures = _shares(around[(distance > 0) & (distance <= thickness)], names)
    named = {name for name, _ in structures}
    others = [value for value in np.unique(around).tolist() if value in names and names[value] not in named]
    name, gap = "", None
    if others:
        places = ndimage.minimum_position(distance, around, others)
        gaps = [float(gaps_mm(np.asarray(place), nearest[(slice(None), *place)], spacing)) for place in places]
        if min(gaps) <= REACH_MM:
            gap = min(gaps)
            name = names[others[gaps.index(gap)]]
    points = grid.points(component.index[:, ::-1])
    return Location(structures, plane.side(points) if plane else "", name, gap)


def gaps_mm(one: np.ndarray, other: np.ndarray, spacing: np.ndarray) -> np.ndarray:
    """Distance (..., mm) between the outer faces of voxels with the indices (..., 3); 0 where they touch."""
    return np.asarray(np.linalg.norm(np.maximum(np.abs(one - other) - 1, 0) * spacing, axis=-1))


def _surrounding_box(
    component: Component, shape: tuple[int, int, int], reach: np.ndarray
) -> tuple[tuple[slice, ...], np.ndarray]:
    """The lesion's box grown by ``reach`` voxels as far as the array goes, and the lesion's mask inside it."""
    sides, inner = [], []
    for side, size, more in zip(component.box, shape, reach.tolist(), strict=True):
        start = max(0, side.start - more)
        sides.append(slice(start, min(size, side.stop + more)))
        inner.append(slice(side.start - start, side.stop - start))
    inside = np.zeros([side.stop - side.start for side in sides], bool)
    inside[tuple(inner)] = component.mask
    return tuple(sides), inside


def _shares(values: np.ndarray, names: Mapping[int, str]) -> tuple[tuple[str, float], ...]:
    """Structures among labels with their shares, the largest first, without those that hardly appear."""
    found, counts = np.unique(values, return_counts=True)
    known = sorted(
        ((int(n), names[v]) for v, n in zip(found.tolist(), counts, strict=True) if v in names), reverse=True
    )
    total = sum(count for count, _ in known)
    shares = [(name, count / total) for count, name in known]
    return tuple(entry for n, entry in enumerate(shares) if n == 0 or entry[1] >= LEAST_SHARE)
