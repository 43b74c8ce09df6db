"""Lesions one by one, and whether a case is known to hold any."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage, stats

_TOUCHING = np.ones((3, 3, 3), bool)


@dataclass(frozen=True)
class LesionScore:
    """How well one lesion was found.

    Args:
        ml: true volume.
        dice: of the lesion with all found pieces that touch it; 0 if it was missed.
    """

    ml: float
    dice: float


def lesion_scores(found: np.ndarray, truth: np.ndarray, voxel_ml: float, *, least_ml: float = 2.0) -> list[LesionScore]:
    """Dice of every true lesion above a volume, as in BraTS 2023 (Moawad et al., arXiv 2306.00838) without dilation.

    A lesion is a piece of the truth connected by faces, edges or corners. It is compared with the whole found pieces
    that touch it, apart from what belongs to other lesions.

    Args:
        found: bool (k, j, i).
        truth: bool of the same shape.
        voxel_ml: volume of a voxel.
        least_ml: smaller lesions are left out.
    """
    pieces, count = ndimage.label(truth, _TOUCHING)
    guesses, _ = ndimage.label(found, _TOUCHING)
    scores = []
    for number, size in enumerate(np.bincount(pieces.ravel(), minlength=count + 1)[1:], start=1):
        if size * voxel_ml < least_ml:
            continue
        here = pieces == number
        touched = np.unique(guesses[here])
        answer = np.isin(guesses, touched[touched > 0]) & ((pieces == 0) | here)
        scores.append(
            LesionScore(float(size * voxel_ml), 2.0 * float((answer & here).sum()) / float(size + answer.sum()))
        )
    return scores


@dataclass(frozen=True)
class LesionCounts:
    """Lesions of a case, one by one.

    Args:
        true: lesions of the truth that count.
        hit: those of them that a found piece touches in at least one voxel.
        found: found pieces that count: those that hit, and the false ones.
        false: found pieces that touch no lesion at all.
    """

    true: int
    hit: int
    found: int
    false: int

    @property
    def sensitivity(self) -> float:
        """Part of the lesions that was found; NaN where there is none."""
        return self.hit / self.true if self.true else math.nan

    @property
    def precision(self) -> float:
        """Part of the found pieces that touches a lesion; NaN where nothing was found."""
        return 1 - self.false / self.found if self.found else math.nan


def lesion_counts(found: np.ndarray, truth: np.ndarray, voxel_ml: float, *, least_ml: float = 0.0) -> LesionCounts:
    """How many lesions were found, and how many are false.

    Pieces are connected by faces, edges or corners. Those of the truth that are smaller than ``least_ml`` count neither
    as found nor as missed, and a piece that touches only them counts not at all; found pieces that are smaller are not
    false, but may hit a lesion.

    Args:
        found: bool (k, j, i).
        truth: bool of the same shape.
        voxel_ml: volume of a voxel.
        least_ml: smaller pieces do not count.

    Example:
        >>> truth, found = np.zeros((2, 1, 1, 5), bool)
        >>> truth[0, 0, 0] = found[0, 0, 0] = found[0, 0, 4] = True
        >>> lesion_counts(found, truth, 0.001)
        LesionCounts(true=1, hit=1, found=2, false=1)
    """
    pieces, count = ndimage.label(truth, _TOUCHING)
    guesses, guessed = ndimage.label(found, _TOUCHING)
    large = np.bincount(pieces.ravel(), minlength=count + 1) * voxel_ml >= least_ml
    pairs = np.unique(np.stack([pieces[truth & found], guesses[truth & found]]), axis=1)
    hit = np.unique(pairs[0])
    right = np.unique(pairs[1][large[pairs[0]]])
    sizes = np.bincount(guesses.ravel(), minlength=guessed + 1)
    false = np.setdiff1d(np.flatnonzero(sizes[1:] * voxel_ml >= least_ml) + 1, pairs[1])
    return LesionCounts(int(large[1:].sum()), int(large[hit].sum()), len(right) + len(false), len(false))


def roc_auc(scores: Sequence[float], positive: Sequence[bool]) -> float:
    """Area under the receiver operating curve: the chance that a positive case scores higher than a negative one.

    Args:
        scores: one a case, such as the presence probability of a lesion.
        positive: which cases are.

    Returns:
        0 to 1, ties count one half; NaN where all cases are of one kind.

    Example:
        >>> roc_auc([0.9, 0.6, 0.2], [True, False, False])
        1.0
    """
    mask = np.asarray(positive, bool)
    yes, no = np.asarray(scores, float)[mask], np.asarray(scores, float)[~mask]
    if not len(yes) or not len(no):
        return math.nan
    return float(stats.mannwhitneyu(yes, no).statistic / (len(yes) * len(no)))
