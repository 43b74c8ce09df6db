"""How far several raters agree, and the consensus of what they drew."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import SimpleITK as sitk

from .overlap import count


def cohen_kappa(first: np.ndarray, second: np.ndarray) -> float:
    """Agreement of two raters beyond chance (Cohen, Educ Psychol Meas 20:37, 1960).

    Args:
        first: bool of any shape, one rater's mask.
        second: the other's, of the same shape.

    Returns:
        1 for raters that agree everywhere, 0 for chance; NaN where both masks are empty or both full.

    Example:
        >>> a = np.repeat([True, True, False, False], [20, 5, 10, 15])
        >>> b = np.repeat([True, False, True, False], [20, 5, 10, 15])
        >>> round(cohen_kappa(a, b), 3)
        0.4
    """
    counts = count(first, second)
    total = first.size
    found, true = (counts.hits + counts.false) / total, (counts.hits + counts.missed) / total
    chance = found * true + (1 - found) * (1 - true)
    return _beyond(float((counts.hits + counts.rest) / total), chance)


def fleiss_kappa(ratings: np.ndarray, items: np.ndarray | None = None) -> float:
    """Agreement of several raters beyond chance (Fleiss, Psychol Bull 76:378, 1971).

    Args:
        ratings: (n, categories), how many raters put an item into a category; the same number for every item.
        items: (n,) how many items were rated like each row; one each if None.

    Returns:
        As :func:`cohen_kappa`; NaN where all raters put everything into one category.

    Raises:
        ValueError: items with different numbers of raters, or with fewer than two.
    """
    table = np.asarray(ratings, float)
    raters = table.sum(axis=1)
    if not len(raters) or raters.min() != raters.max() or raters[0] < 2:
        raise ValueError("every item must be rated by the same number of raters, two at least")
    n = float(raters[0])
    each = ((table**2).sum(axis=1) - n) / (n * (n - 1))
    share = np.average(table, axis=0, weights=items) / n
    return _beyond(float(np.average(each, weights=items)), float((share**2).sum()))


@dataclass(frozen=True)
class RaterAgreement:
    """What several raters drew of one structure in one case. Counted over all voxels of the first rater's image.

    Args:
        cohen: kappa of each pair of raters, by their numbers from 0.
        fleiss: kappa of all of them.
        sensitivity: of each rater, as STAPLE estimates it.
        specificity: the same.
        dice: of each rater with the consensus.
    """

    cohen: dict[tuple[int, int], float]
    fleiss: float
    sensitivity: tuple[float, ...]
    specificity: tuple[float, ...]
    dice: tuple[float, ...]


def rater_agreement(masks: Sequence[np.ndarray]) -> tuple[RaterAgreement, np.ndarray]:
    """Compare the raters of one structure, and find their consensus.

    The consensus is STAPLE's (Warfield et al., IEEE Trans Med Imaging 23:903, 2004), by SimpleITK; voxels on which all
    raters agree stay as they are, also where all drew everything, which STAPLE cannot compute. Where nobody drew
    anything it is empty, as it may be where no two drew the same; what cannot be told is NaN.

    Args:
        masks: bool (k, j, i), one a rater, at least two, on the same grid.

    Returns:
        The agreement, and the consensus (k, j, i), bool: where STAPLE's probability is at least one half,
        or all agree.

    Raises:
        ValueError: fewer than two raters.
    """
    if len(masks) < 2:
        raise ValueError("agreement needs at least two raters")
    cohen = {(a, b): cohen_kappa(masks[a], masks[b]) for a, b in combinations(range(len(masks)), 2)}
    votes = np.arange(len(masks) + 1)
    voxels = np.bincount(np.sum(masks, axis=0, dtype=np.uint8).ravel(), minlength=len(votes))
    fleiss = fleiss_kappa(np.stack([votes, len(masks) - votes], axis=1), voxels)
    if not any(mask.any() for mask in masks):
        unknown = (math.nan,) * len(masks)
        return RaterAgreement(cohen, fleiss, unknown, unknown, unknown), np.zeros(masks[0].shape, bool)
    staple = sitk.STAPLEImageFilter()
    probability = staple.Execute([sitk.GetImageFromArray(mask.astype(np.uint8)) for mask in masks])
    somebody, everybody = np.any(masks, axis=0), np.all(masks, axis=0)
    consensus = (sitk.GetArrayFromImage(probability) >= 0.5) & somebody | everybody  # NaN where all drew all
    dice = tuple(count(mask, consensus).dice for mask in masks)
    estimated = tuple(staple.GetSensitivity()), tuple(staple.GetSpecificity())
    return RaterAgreement(cohen, fleiss, *estimated, dice), consensus


def _beyond(observed: float, chance: float) -> float:
    return (observed - chance) / (1 - chance) if chance < 1 else math.nan
