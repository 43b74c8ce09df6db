"""How two masks agree voxel by voxel: counts, and the measures that follow from them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Counts:
    """Voxels by whether they were found and whether they are true.

    A measure whose denominator is 0 is NaN, never 0 or 1: where a structure is neither true nor found there is no Dice,
    and a mean leaves it out.

    Args:
        hits: found and true.
        false: found, not true.
        missed: true, not found.
        rest: neither.
    """

    hits: int
    false: int
    missed: int
    rest: int

    @property
    def dice(self) -> float:
        """2 |A and B| / (|A| + |B|) (Dice, Ecology 26:297, 1945)."""
        return _ratio(2 * self.hits, 2 * self.hits + self.false + self.missed)

    @property
    def iou(self) -> float:
        """|A and B| / |A or B| (Jaccard, Bull Soc Vaud Sci Nat 37:547, 1901)."""
        return _ratio(self.hits, self.hits + self.false + self.missed)

    @property
    def sensitivity(self) -> float:
        """Part of the true voxels that was found."""
        return _ratio(self.hits, self.hits + self.missed)

    @property
    def precision(self) -> float:
        """Part of the found voxels that is true."""
        return _ratio(self.hits, self.hits + self.false)

    @property
    def specificity(self) -> float:
        """Part of the voxels that are not true and were not found; near 1 for all that is small in its image."""
        return _ratio(self.rest, self.rest + self.false)


def count(found: np.ndarray, truth: np.ndarray) -> Counts:
    """Count the voxels of two masks.

    Args:
        found: bool of any shape.
        truth: bool of the same shape.

    Example:
        >>> counts = count(np.array([True, True, False]), np.array([True, False, False]))
        >>> counts, round(counts.dice, 3), counts.iou
        (Counts(hits=1, false=1, missed=0, rest=1), 0.667, 0.5)
    """
    hits = int(np.count_nonzero(found & truth))
    false = int(np.count_nonzero(found)) - hits
    missed = int(np.count_nonzero(truth)) - hits
    return Counts(hits, false, missed, int(truth.size) - hits - false - missed)


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else math.nan
