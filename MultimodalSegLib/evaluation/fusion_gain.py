"""What several modalities together give beyond the best of them alone."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from .bootstrap import Interval, bootstrap_interval


@dataclass(frozen=True)
class FusionGain:
    """All modalities minus the better single one.

    Args:
        gain: mean difference over patients with its interval; positive if fusion helps.
        better: the single modality with the higher mean.
    """

    gain: Interval
    better: str


def fusion_gain(
    together: Sequence[float],
    alone: Mapping[str, Sequence[float]],
    *,
    groups: Sequence[Hashable] | None = None,
    level: float = 0.95,
    seed: int = 0,
) -> FusionGain:
    """Compare all modalities with the one that does best alone, patient by patient.

    Args:
        together: score of each patient with all modalities; NaN where there is none.
        alone: by modality, the score of the same patients in the same order.
        groups: of the patients; see :func:`~.bootstrap.bootstrap_statistic`.
        level: of the interval.
        seed: of its draws.

    Raises:
        ValueError: no single modality, or another number of patients.

    Example:
        >>> fusion_gain([0.8, 0.9], {"CT": [0.7, 0.8], "MR": [0.5, 0.6]}).better
        'CT'
    """
    if not alone or any(len(scores) != len(together) for scores in alone.values()):
        raise ValueError("give the scores of the same patients for at least one single modality")
    means = {name: bootstrap_interval(scores, resamples=1).mean for name, scores in alone.items()}
    better = max(means, key=lambda name: -math.inf if math.isnan(means[name]) else means[name])
    gain = bootstrap_interval(np.subtract(together, alone[better]), groups=groups, level=level, seed=seed)
    return FusionGain(gain, better)


def cross_modality_error(first: Mapping[str, float], second: Mapping[str, float]) -> float:
    """Mean over structures of the distance between the Dice on one modality alone and on the other alone.

    Args:
        first: Dice by structure on one modality, NaN where unknown.
        second: the same on the other.

    Returns:
        0 if both do equally well everywhere; NaN if no structure is known in both.
    """
    apart = [abs(first[name] - second[name]) for name in first if name in second]
    known = [value for value in apart if not math.isnan(value)]
    return float(np.mean(known)) if known else math.nan
