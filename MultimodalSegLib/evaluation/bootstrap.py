"""How sure a mean over patients is: the percentile bootstrap (Efron, Annals of Statistics 7:1, 1979)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Interval:
    """An estimate and the interval in which it lies with the asked-for confidence.

    Args:
        mean: mean of the values.
        low: lower end; NaN for fewer than two values.
        high: upper end; NaN for fewer than two values.
        count: how many values there were.
    """

    mean: float
    low: float
    high: float
    count: int

    def __str__(self) -> str:
        if math.isnan(self.low):
            return "-" if math.isnan(self.mean) else f"{self.mean:.3f}"
        return f"{self.mean:.3f} ({self.low:.3f} to {self.high:.3f})"


def bootstrap_interval(
    values: Sequence[float] | np.ndarray, *, level: float = 0.95, resamples: int = 5000, seed: int = 0
) -> Interval:
    """Mean over patients with its bootstrap interval.

    Give one value a patient: values of one patient are not independent, so average them first. For a comparison of two
    methods on the same patients give the differences.

    Args:
        values: one a patient; NaN where a patient has none, which leaves the patient out.
        level: confidence, between 0 and 1.
        resamples: how many times the patients are drawn.
        seed: of the draws; the same values always give the same interval.

    Raises:
        ValueError: ``level`` is not between 0 and 1.

    Example:
        >>> str(bootstrap_interval([0.8, 0.8, 0.8]))
        '0.800 (0.800 to 0.800)'
    """
    if not 0 < level < 1:
        raise ValueError(f"level is {level}, but must be between 0 and 1")
    known = np.asarray(values, float)
    known = known[~np.isnan(known)]
    if len(known) < 2:
        return Interval(float(known[0]) if len(known) else math.nan, math.nan, math.nan, len(known))
    drawn = np.random.default_rng(seed).integers(len(known), size=(resamples, len(known)))
    low, high = np.quantile(known[drawn].mean(axis=1), [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(known.mean()), float(low), float(high), len(known))
