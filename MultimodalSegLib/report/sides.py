"""Left and right: pairs of structures, and the plane between them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..images.grid import Grid
from ..models.classes import SegmentClass

_SIDE = re.compile(r"(?<![a-z])(left|right)(?![a-z])", re.IGNORECASE)

MOSTLY = 0.8
"""Part of a lesion on one side of the middle plane from which on it is said to be on that side."""


def other_side(name: str) -> str:
    """Name of the structure on the other side, empty if the name has no side.

    Example:
        >>> other_side("Left thalamus"), other_side("kidney_right"), other_side("Brain stem")
        ('Right thalamus', 'kidney_left', '')
    """

    def swap(found: re.Match[str]) -> str:
        word = "right" if found[0].lower() == "left" else "left"
        return word.upper() if found[0].isupper() else word.capitalize() if found[0][0].isupper() else word

    return _SIDE.sub(swap, name, count=1) if _SIDE.search(name) else ""


def pairs(classes: Sequence[SegmentClass]) -> list[tuple[SegmentClass, SegmentClass]]:
    """Left and right structure of every pair."""
    by_name = {entry.name.lower(): entry for entry in classes}
    lefts = [entry for entry in classes if (found := _SIDE.search(entry.name)) and found[0].lower() == "left"]
    found_pairs = [(entry, by_name.get(other_side(entry.name).lower())) for entry in lefts]
    return [(left, right) for left, right in found_pairs if right is not None]


def asymmetry_percent(left: float, right: float) -> float:
    """(L - R) / (0.5 (L + R)) in percent: 0 for equal volumes, 200 and -200 where one side is missing."""
    return 200.0 * (left - right) / (left + right)


@dataclass(frozen=True)
class MiddlePlane:
    """The plane between left and right.

    Args:
        point: a point on it, LPS mm.
        toward_left: unit vector across it, to the patient's left.
    """

    point: np.ndarray
    toward_left: np.ndarray

    def side(self, points: np.ndarray) -> str:
        """``"left"``, ``"right"``, or ``"both"`` where points (n, 3), LPS mm, lie on both sides."""
        share = float(np.mean((points - self.point) @ self.toward_left > 0))
        return "left" if share >= MOSTLY else "right" if share <= 1 - MOSTLY else "both"


def middle_plane(classes: Sequence[SegmentClass], where: Mapping[int, np.ndarray], grid: Grid) -> MiddlePlane | None:
    """Plane half-way between the centers of paired structures, each pair counting alike.

    Args:
        classes: every class.
        where: by value the flat indices of its voxels.
        grid: of the labels.

    Returns:
        None if no pair is there: then nothing is known of the sides.
    """
    centers = [
        [_center(where[entry.value], grid) for entry in pair]
        for pair in pairs(classes)
        if all(entry.value in where for entry in pair)
    ]
    if not centers:
        return None
    left, right = np.mean(centers, axis=0)
    length = float(np.linalg.norm(left - right))
    return MiddlePlane((left + right) / 2, (left - right) / length) if length > 0 else None


def _center(flat: np.ndarray, grid: Grid) -> np.ndarray:
    k, j, i = np.unravel_index(flat, grid.shape)
    matrix = grid.affine
    return np.asarray(matrix[:3, :3] @ np.array([i.mean(), j.mean(), k.mean()]) + matrix[:3, 3])
