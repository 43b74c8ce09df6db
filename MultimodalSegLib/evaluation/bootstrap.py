"""How sure a mean over patients is: the percentile bootstrap (Efron, Annals of Statistics 7:1, 1979)."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
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
    values: Sequence[float] | np.ndarray,
    *,
    groups: Sequence[Hashable] | None = None,
    level: float = 0.95,
    resamples: int = 5000,
    seed: int = 0,
) -> Interval:
    """Mean over patients with its bootstrap interval.

    Give one value a patient: values of one patient are not independent, so average them first. For a comparison of two
    methods on the same patients give the differences.

    Args:
        values: one a patient; NaN where a patient has none, which leaves the patient out.
        groups: as for :func:`bootstrap_statistic`.
        level: confidence, between 0 and 1.
        resamples: how many times the patients are drawn.
        seed: of the draws; the same values always give the same interval.

    Raises:
        ValueError: ``level`` is not between 0 and 1.

    Example:
        >>> str(bootstrap_interval([0.8, 0.8, 0.8]))
        '0.800 (0.800 to 0.800)'
    """
    every = np.asarray(values, float)
    there = ~np.isnan(every)
    left = None if groups is None else [group for group, known in zip(groups, there, strict=True) if known]
    return bootstrap_statistic(
        int(there.sum()), ratio(every[there]), groups=left, level=level, resamples=resamples, seed=seed
    )


def bootstrap_statistic(
    count: int,
    statistic: Callable[[np.ndarray], np.ndarray],
    *,
    groups: Sequence[Hashable] | None = None,
    level: float = 0.95,
    resamples: int = 5000,
    seed: int = 0,
) -> Interval:
    """Any figure of a set of patients with its bootstrap interval.

    With groups the draw has two stages: groups first, then patients within each group that was drawn (Davison and
    Hinkley, Bootstrap Methods and their Application, 1997, section 3.8). Patients that share something, such as an
    anatomy or a hospital, are then not taken for independent.

    Args:
        count: number of patients.
        statistic: from (r, count), how often each patient is in r sets, to (r,) figures; NaN where a set has none.
        groups: one a patient, the group that it belongs to; None if the patients are independent.
        level: confidence, between 0 and 1.
        resamples: how many sets are drawn.
        seed: of the draws.

    Returns:
        The figure of all patients, as ``mean``, with its interval; NaN ends for fewer than two patients or groups.

    Raises:
        ValueError: ``level`` is not between 0 and 1.

    Example:
        >>> hits, lesions = np.array([2, 1]), np.array([4, 2])
        >>> bootstrap_statistic(2, ratio(hits, lesions)).mean
        0.5
    """
    if not 0 < level < 1:
        raise ValueError(f"level is {level}, but must be between 0 and 1")
    if not count:
        return Interval(math.nan, math.nan, math.nan, 0)
    figure = float(statistic(np.ones((1, count)))[0])
    members = _members(range(count) if groups is None else groups)
    if len(members) < 2:
        return Interval(figure, math.nan, math.nan, count)
    found = statistic(_draws(members, resamples, np.random.default_rng(seed)))
    found = found[~np.isnan(found)]
    if not len(found):
        return Interval(figure, math.nan, math.nan, count)
    low, high = np.quantile(found, [(1 - level) / 2, (1 + level) / 2])
    return Interval(figure, float(low), float(high), count)


def ratio(part: np.ndarray, whole: np.ndarray | float = 1.0) -> Callable[[np.ndarray], np.ndarray]:
    """A statistic: the sum of one number over patients, by the sum of another.

    Args:
        part: (n,) one a patient.
        whole: the same; 1 for a mean over patients.
    """
    below = np.broadcast_to(np.asarray(whole, float), np.shape(part))

    def statistic(times: np.ndarray) -> np.ndarray:
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray((times @ part) / (times @ below))

    return statistic


def _members(groups: Sequence[Hashable] | range) -> list[list[int]]:
    """Numbers of the patients of each group."""
    found: dict[Hashable, list[int]] = {}
    for number, group in enumerate(groups):
        found.setdefault(group, []).append(number)
    return list(found.values())


def _draws(members: Sequence[Sequence[int]], resamples: int, rng: np.random.Generator) -> np.ndarray:
    """How often each patient is in each set, (resamples, patients): groups are drawn, then patients within them."""
    size = len(members)
    drawn = rng.integers(size, size=(resamples, size)) + size * np.arange(resamples)[:, None]
    times = np.bincount(drawn.ravel(), minlength=resamples * size).reshape(resamples, size)
    found = np.empty((resamples, sum(map(len, members))))
    for number, patients in enumerate(members):
        some = len(patients)
        found[:, patients] = rng.multinomial(times[:, number] * some, np.full(some, 1 / some))
    return found
