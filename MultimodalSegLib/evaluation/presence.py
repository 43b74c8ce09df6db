"""How well a model tells whether a case holds a lesion at all."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from .bootstrap import Interval, bootstrap_statistic, ratio

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
    patients: Sequence[Hashable] | None = None,
    *,
    threshold: float = 0.5,
    level: float = 0.95,
    seed: int = 0,
) -> PresenceScore:
    """Score the presence probabilities of several cases, with bootstrap intervals over the patients.

    Args:
        probability: one a case; NaN where it is not known, which leaves the case out.
        lesion: whether the reference of the case holds a lesion.
        patients: to whom the case belongs; every case is a patient if None.
        threshold: from which probability on a case is called one with a lesion.
        level: of the intervals.
        seed: of their draws.

    Example:
        >>> found = presence_score([0.9, 0.7, 0.6, 0.1], [True, True, False, False])
        >>> found.auc.mean, found.sensitivity.mean, found.specificity.mean
        (1.0, 1.0, 0.5)
    """
    known = ~np.isnan(np.asarray(probability, float))
    chance, true = np.asarray(probability, float)[known], np.asarray(lesion, bool)[known]
    given = range(len(known)) if patients is None else patients
    owners = [patient for patient, there in zip(given, known, strict=True) if there]

    def right(kind: bool) -> Interval:
        asked = [owner for owner, one in zip(owners, true, strict=True) if one == kind]
        return part_right((chance[true == kind] >= threshold) == kind, asked, level=level, seed=seed)

    positive = int(true.sum())
    auc = auc_interval(chance, true, owners, level=level, seed=seed)
    return PresenceScore(auc, right(True), right(False), positive, len(true) - positive, threshold)


def auc_interval(
    probability: Sequence[float] | np.ndarray,
    lesion: Sequence[bool] | np.ndarray,
    patients: Sequence[Hashable],
    *,
    groups: Mapping[Hashable, Hashable] | None = None,
    level: float = 0.95,
    seed: int = 0,
) -> Interval:
    """Area under the receiver operating curve, with its bootstrap interval over patients.

    Args:
        probability: one a case, no NaN.
        lesion: which cases hold a lesion.
        patients: to whom the case belongs.
        groups: by patient, what is drawn before patients; see :func:`~.bootstrap.bootstrap_statistic`.
        level: of the interval.
        seed: of its draws.

    Returns:
        The area; NaN unless there are cases of both kinds. Its count are the patients.
    """
    score, true = np.asarray(probability, float), np.asarray(lesion, bool)
    names, owner = _numbered(patients)
    belongs = np.eye(len(names))[owner]  # (cases, patients)
    yes, no = belongs[true], belongs[~true]
    order = score[true][:, None] - score[~true][None]  # (cases with, cases without)
    won = yes.T @ ((order > 0) + 0.5 * (order == 0)) @ no  # (patients, patients)
    with_lesion, without = yes.sum(axis=0), no.sum(axis=0)

    def area(times: np.ndarray) -> np.ndarray:
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(((times @ won) * times).sum(axis=1) / ((times @ with_lesion) * (times @ without)))

    drawn_first = None if groups is None else [groups[name] for name in names]
    return bootstrap_statistic(len(names), area, groups=drawn_first, level=level, resamples=RESAMPLES, seed=seed)


def part_right(
    right: Sequence[bool] | np.ndarray, patients: Sequence[Hashable], *, level: float = 0.95, seed: int = 0
) -> Interval:
    """Part of the cases that were told right, with its bootstrap interval over patients.

    Args:
        right: one a case.
        patients: to whom the case belongs.
        level: of the interval.
        seed: of its draws.
    """
    names, owner = _numbered(patients)
    hits = np.bincount(owner, np.asarray(right, float), minlength=len(names))
    cases = np.bincount(owner, minlength=len(names))
    return bootstrap_statistic(len(names), ratio(hits, cases), level=level, resamples=RESAMPLES, seed=seed)


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


def _numbered(patients: Sequence[Hashable]) -> tuple[list[Hashable], np.ndarray]:
    """Every patient once, and the number of each case's patient (n,)."""
    names = list(dict.fromkeys(patients))
    place = {name: number for number, name in enumerate(names)}
    return names, np.array([place[patient] for patient in patients], int)
