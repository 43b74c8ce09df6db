"""How the same cases come out from one modality, from another, and from both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations

import numpy as np

from .bootstrap import Interval, bootstrap_statistic
from .fusion_gain import FusionGain, cross_modality_error, fusion_gain
from .score import CaseScore
from .summary import MEAN, Stratum, patient_values, shared


@dataclass(frozen=True)
class ModalityError:
    """Two single modalities of the same cases.

    Args:
        model: what made the predictions.
        first: modality.
        second: modality.
        error: cross-modality generalisation error: mean over structures of the distance of their mean Dice.
    """

    model: str
    first: str
    second: str
    error: Interval


@dataclass(frozen=True)
class Gain:
    """What several modalities together add to the mean Dice over the better single one.

    Args:
        model: what made the predictions.
        together: the modalities, such as ``"CT+MR"``.
        gain: mean difference and the better modality.
    """

    model: str
    together: str
    gain: FusionGain


def modality_errors(
    parts: Mapping[Stratum, Sequence[CaseScore]], *, level: float = 0.95, seed: int = 0
) -> list[ModalityError]:
    """The error of every pair of single modalities that share cases."""
    single = _of(parts, several=False)
    found = []
    for one, other in combinations(single, 2):
        if one.model != other.model:
            continue
        sides = shared(single[one], single[other])
        if sides[0]:
            dice = np.stack([_dice_table(side) for side in sides], axis=-1)  # (patients, structures, 2)
            error = bootstrap_statistic(len(dice), partial(_apart, dice), level=level, seed=seed)
            found.append(ModalityError(one.model, one.modalities, other.modalities, error))
    return found


def fusion_gains(parts: Mapping[Stratum, Sequence[CaseScore]], *, level: float = 0.95, seed: int = 0) -> list[Gain]:
    """What each set of several modalities gains over its members alone, where all of them are there."""
    single, found = _of(parts, several=False), []
    for together, scores in _of(parts, several=True).items():
        alone = {m: single.get(Stratum(together.model, m), []) for m in together.modalities.split("+")}
        names = set.intersection(*({s.entry.case for s in side} for side in (scores, *alone.values())))
        if not names:
            continue
        values = {m: _mean_dice(side, names) for m, side in alone.items()}
        gain = fusion_gain(_mean_dice(scores, names), values, level=level, seed=seed)
        found.append(Gain(together.model, together.modalities, gain))
    return found


def _of(parts: Mapping[Stratum, Sequence[CaseScore]], *, several: bool) -> dict[Stratum, Sequence[CaseScore]]:
    return {
        s: scores for s, scores in parts.items() if s.modalities and not s.group and ("+" in s.modalities) == several
    }


def _dice_table(scores: Sequence[CaseScore]) -> np.ndarray:
    """Dice (patients, structures)."""
    columns = [list(patient_values(scores, name, "dice").values()) for name in scores[0].structures]
    return np.array(columns, float).T


def _mean_dice(scores: Sequence[CaseScore], names: set[str]) -> list[float]:
    """Mean Dice by patient, patients in the order of their names."""
    found = patient_values([s for s in scores if s.entry.case in names], MEAN, "dice")
    return [found[patient] for patient in sorted(found)]


def _apart(dice: np.ndarray, times: np.ndarray) -> np.ndarray:
    """The error in r sets, from Dice (patients, structures, 2) and how often each patient is in a set (r, patients)."""
    known = ~np.isnan(dice)
    with np.errstate(invalid="ignore"):
        means = np.tensordot(times, np.where(known, dice, 0), 1) / np.tensordot(times, known.astype(float), 1)
    tables = [[{str(n): one for n, one in enumerate(side)} for side in table.T.tolist()] for table in means]
    return np.array([cross_modality_error(first, second) for first, second in tables])
