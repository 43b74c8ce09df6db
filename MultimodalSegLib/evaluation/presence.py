"""How well a model tells whether a case holds a lesion at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

from .bootstrap import Interval, bootstrap_statistic

RESAMPLES = 2000


@dataclass(frozen=True)
class PresenceScore:
    """Answers about the presence of a lesion, over all cases of which the probability is known.

    Args:
        auc: area under the receiver operating curve; NaN unless there are cases of both kinds.
        sensitivity: part of the cases with a lesion that was told so.
        specificity: part of the cases without one that was told so.
        positive: cases with a lesion.
        negative: cases without.
        threshold: probability from which on a case is called one with a lesion.
    """

    auc: Interval
    sensitivity: Interval
    specificity: Interval
    positive: int
    negative: int
    threshold: float


def presence_score(
    probability: Sequence[float],
    lesion: Sequence[bool],
    *,
    threshold: float = 0.5,
    level: float = 0.95,
    seed: int = 0,
) -> PresenceScore:
    """Score the presence probabilities of several cases, with bootstrap intervals over the cases.

    Args:
        probability: one a case; NaN where it is not known, which leaves the case out.
        lesion: whether the reference of the case holds a lesion.
        threshold: from which probability on a case is called one with a lesion.
        level: of the intervals.
        seed: of their draws.

    Example:
        >>> found = presence_score([0.9, 0.7, 0.6, 0.1], [True, True, False, False])
        >>> found.auc.mean, found.sensitivity.mean, found.specificity.mean
        (1.0, 1.0, 0.5)
    """
    known = ~np.isnan(np.asarray(probability, float))
    pairs = np.stack([np.asarray(probability, float), np.asarray(lesion, float)], axis=1)[known]

    def part_right(kind: int) -> Interval:
        right = (pairs[pairs[:, 1] == kind, 0] >= threshold) == bool(kind)
        return bootstrap_statistic(
            right.astype(float), lambda drawn: drawn.mean(axis=1), level=level, resamples=RESAMPLES, seed=seed
        )

    positive = int(pairs[:, 1].sum())
    return PresenceScore(
        bootstrap_statistic(pairs, _areas, level=level, resamples=RESAMPLES, seed=seed),
        part_right(1),
        part_right(0),
        positive,
        len(pairs) - positive,
        threshold,
    )


def roc_points(probability: Sequence[float], lesion: Sequence[bool]) -> tuple[np.ndarray, np.ndarray]:
    """The receiver operating curve: (m,) false positive rates and (m,) sensitivities, both from 0 to 1.

    Args:
        probability: one a case, no NaN.
        lesion: which cases hold a lesion; both kinds occur.
    """
    score, true = np.asarray(probability, float), np.asarray(lesion, bool)
    limits = np.concatenate([[np.inf], np.unique(score)[::-1]])
    called = score[None] >= limits[:, None]  # (m, n)
    return called[:, ~true].mean(axis=1), called[:, true].mean(axis=1)


def _areas(drawn: np.ndarray) -> np.ndarray:
    """Area under the curve of r sets of cases (r, n, 2), by ranks; NaN for a set of one kind."""
    ranks, true = rankdata(drawn[..., 0], axis=1), drawn[..., 1]
    yes = true.sum(axis=1)
    no = true.shape[1] - yes
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(((ranks * true).sum(axis=1) - yes * (yes + 1) / 2) / (yes * no))
