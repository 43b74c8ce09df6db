"""How sure a mean over patients is: the percentile bootstrap (Efron, Annals of Statistics 7:1, 1979)."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

MOST_NUMBERS = 20_000_000
"""Numbers that are drawn at a time, to spare memory."""


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
    known = np.asarray(values, float)
    return bootstrap_statistic(known[~np.isnan(known)], _mean, level=level, resamples=resamples, seed=seed)


def bootstrap_statistic(
    values: np.ndarray,
    statistic: Callable[[np.ndarray], np.ndarray],
    *,
    level: float = 0.95,
    resamples: int = 5000,
    seed: int = 0,
) -> Interval:
    """Any figure of a set of patients with its bootstrap interval.

    Args:
        values: (n, ...), one entry a patient.
        statistic: from (r, n, ...), r sets of n patients, to (r,) figures; NaN where a set has none.
        level: confidence, between 0 and 1.
        resamples: how many times the patients are drawn.
        seed: of the draws.

    Returns:
        The figure of all patients, as ``mean``, with its interval; NaN ends for fewer than two patients.

    Raises:
        ValueError: ``level`` is not between 0 and 1.

    Example:
        >>> hits_and_lesions = np.array([[2, 4], [1, 2]])
        >>> bootstrap_statistic(hits_and_lesions, lambda d: d[..., 0].sum(1) / d[..., 1].sum(1)).mean
        0.5
    """
    if not 0 < level < 1:
        raise ValueError(f"level is {level}, but must be between 0 and 1")
    count = len(values)
    if not count:
        return Interval(math.nan, math.nan, math.nan, 0)
    figure = float(statistic(values[None])[0])
    if count < 2:
        return Interval(figure, math.nan, math.nan, count)
    drawn = np.random.default_rng(seed).integers(count, size=(resamples, count))
    parts = np.array_split(drawn, math.ceil(drawn.size * (values.size // count) / MOST_NUMBERS))
    found = np.concatenate([statistic(values[part]) for part in parts])
    found = found[~np.isnan(found)]
    if not len(found):
        return Interval(figure, math.nan, math.nan, count)
    low, high = np.quantile(found, [(1 - level) / 2, (1 + level) / 2])
    return Interval(figure, float(low), float(high), count)


def _mean(drawn: np.ndarray) -> np.ndarray:
    return np.asarray(drawn.mean(axis=1))
