"""Lesions and cases with lesions over a whole set: what was found, what was missed, what is false."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .bootstrap import Interval, bootstrap_statistic, ratio
from .lesion_scores import LesionCounts
from .presence import part_right
from .score import CaseScore


@dataclass(frozen=True)
class LesionSummary:
    """Lesions one by one, over all cases; intervals by drawing patients.

    Args:
        sensitivity: found lesions of all true ones; NaN without any.
        precision: found pieces that touch a lesion, of all found ones; NaN without any.
        false_per_case: found pieces that touch no lesion, mean over cases.
        dice: mean over the true lesions, each with the pieces that touch it; 0 for a missed one; NaN without any.
        total: counts over all cases.
    """

    sensitivity: Interval
    precision: Interval
    false_per_case: Interval
    dice: Interval
    total: LesionCounts


@dataclass(frozen=True)
class Detection:
    """Cases by whether they hold a lesion and whether the mask says so; intervals by drawing patients.

    Args:
        sensitivity: part of the cases with a lesion in which anything was found.
        specificity: part of the cases without one in which nothing was found.
        positive: cases with a lesion.
        negative: cases without.
    """

    sensitivity: Interval
    specificity: Interval
    positive: int
    negative: int


def lesion_summary(scores: Sequence[CaseScore], structure: str, *, level: float = 0.95, seed: int = 0) -> LesionSummary:
    """Sum up the lesions of a structure.

    Args:
        scores: of one stratum.
        structure: one that is a lesion.
        level: of the intervals.
        seed: of their draws.
    """
    by_patient: dict[str, np.ndarray] = {}
    for score in scores:
        c = score.lesions[structure]
        dice = sum(lesion.dice for lesion in score.single_lesions.get(structure, ()))
        row = np.array([c.true, c.hit, c.found, c.false, 1, dice], float)
        by_patient[score.entry.patient] = by_patient.get(score.entry.patient, 0.0) + row
    rows = np.stack(list(by_patient.values()))

    def of(part: int, whole: int) -> Interval:
        return bootstrap_statistic(len(rows), ratio(rows[:, part], rows[:, whole]), level=level, seed=seed)

    true, hit, found, false = (int(n) for n in rows.sum(axis=0)[:4])
    wrong = of(3, 2)
    return LesionSummary(
        of(1, 0),
        Interval(1 - wrong.mean, 1 - wrong.high, 1 - wrong.low, wrong.count),
        of(3, 4),
        of(5, 0),
        LesionCounts(true, hit, found, false),
    )


def detection(scores: Sequence[CaseScore], *, level: float = 0.95, seed: int = 0) -> Detection:
    """How often a mask says rightly that a case holds a lesion, or none."""

    def of(kind: bool) -> Interval:
        asked = [score for score in scores if score.lesion_true == kind]
        right = [score.lesion_found == kind for score in asked]
        return part_right(right, [score.entry.patient for score in asked], level=level, seed=seed)

    positive = sum(score.lesion_true for score in scores)
    return Detection(of(True), of(False), positive, len(scores) - positive)
