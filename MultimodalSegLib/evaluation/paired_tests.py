"""Whether two models differ on the same cases: paired t test, Wilcoxon's signed-rank test, Holm's correction."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from .bootstrap import Interval, bootstrap_interval


@dataclass(frozen=True)
class PairedTest:
    """Differences of two models on the same cases, first minus second.

    Args:
        difference: mean with its bootstrap interval.
        t: p value of the paired t test (two-sided), NaN where it is not defined: fewer than two cases, or differences
            that are all the same and not 0.
        wilcoxon: p value of the signed-rank test (two-sided); NaN for fewer than two cases.
    """

    difference: Interval
    t: float
    wilcoxon: float


def paired_test(
    first: Sequence[float] | np.ndarray, second: Sequence[float] | np.ndarray, *, level: float = 0.95, seed: int = 0
) -> PairedTest:
    """Compare two models case by case. With one case no test is made.

    Differences that are all 0 give a p value of 1. Wilcoxon's test is exact for small samples without ties (SciPy's
    choice); with fewer than six cases it cannot reach 0.05.

    Args:
        first: a score of each patient; NaN where there is none, which leaves the patient out.
        second: the same patients in the same order.
        level: of the interval of the mean difference.
        seed: of its draws.

    Raises:
        ValueError: another number of patients.

    Example:
        >>> found = paired_test([0.9, 0.8, 0.7], [0.8, 0.7, 0.65])
        >>> round(found.difference.mean, 4), round(found.t, 4), found.wilcoxon
        (0.0833, 0.0377, 0.25)
    """
    if len(first) != len(second):
        raise ValueError(f"{len(first)} and {len(second)} patients cannot be compared in pairs")
    apart = np.subtract(np.asarray(first, float), np.asarray(second, float))
    apart = apart[~np.isnan(apart)]
    difference = bootstrap_interval(apart, level=level, seed=seed)
    if len(apart) < 2:
        return PairedTest(difference, math.nan, math.nan)
    if not apart.any():
        return PairedTest(difference, 1.0, 1.0)
    constant = bool(np.ptp(apart) <= 1e-12 * np.abs(apart).max())
    t = math.nan if constant else float(stats.ttest_1samp(apart, 0.0).pvalue)  # the paired test, on differences
    return PairedTest(difference, t, float(stats.wilcoxon(apart).pvalue))


def holm(p_values: Sequence[float]) -> list[float]:
    """P values corrected for how many tests were made (Holm, Scand J Stat 6:65, 1979).

    Args:
        p_values: of one family of tests; NaN where no test was made, which does not count and stays NaN.

    Example:
        >>> holm([0.01, 0.04, 0.03, float("nan")])
        [0.03, 0.06, 0.06, nan]
    """
    p = np.asarray(p_values, float)
    known = np.flatnonzero(~np.isnan(p))
    order = known[np.argsort(p[known], kind="stable")]
    corrected = np.full(len(p), math.nan)
    steps = p[order] * np.arange(len(order), 0, -1)
    corrected[order] = np.minimum(np.maximum.accumulate(steps), 1.0) if len(order) else steps
    return [float(value) for value in corrected]
