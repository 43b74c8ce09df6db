"""A whole evaluation: the scores of every case, and what they are summed up to."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypedDict

from ..errors import InputError
from .lesion_summary import Detection, LesionSummary, detection, lesion_summary
from .matching import Matching
from .modality_error import Gain, ModalityError, fusion_gains, modality_errors
from .presence import PresenceScore, presence_score
from .score import CaseScore, Settings, presence_structures
from .structure_list import Structure
from .summary import Comparison, Stratum, Summary, compare, strata, summarize


@dataclass(frozen=True)
class EvaluationOptions:
    """What is evaluated, and how.

    Args:
        structures: which label values belong together; found out from names or values if empty.
        only: names of the structures to compare; all if empty.
        lesions: names of structures that are lesions, besides those with the word in their name.
        settings: how scores are computed.
        presence_threshold: probability from which on a case is called one with a lesion.
        level: of intervals.
        seed: of their draws.
        leave_out: cases that cannot be read or compared are left out, with a warning, instead of ending the evaluation.
    """

    structures: tuple[Structure, ...] = ()
    only: tuple[str, ...] = ()
    lesions: tuple[str, ...] = ()
    settings: Settings = Settings()
    presence_threshold: float = 0.5
    level: float = 0.95
    seed: int = 0
    leave_out: bool = False

    def __post_init__(self) -> None:
        checks = {
            "level of the intervals": (self.level, 0 < self.level < 1, "between 0 and 1"),
            "threshold of the presence": (self.presence_threshold, 0 <= self.presence_threshold <= 1, "0 to 1"),
            "tolerance of surface Dice": (
                self.settings.tolerance_mm,
                0 <= self.settings.tolerance_mm < math.inf,
                "0 mm or more",
            ),
            "volume of the smallest lesion": (
                self.settings.least_lesion_ml,
                0 <= self.settings.least_lesion_ml < math.inf,
                "0 ml or more",
            ),
        }
        for name, (given, right, wanted) in checks.items():
            if not right:
                raise InputError(f"The {name} is {given:g}.", f"Give {wanted}.")


class Draws(TypedDict):
    """How intervals are drawn."""

    level: float
    seed: int


@dataclass(frozen=True)
class Evaluation:
    """Scores of all cases, and what follows from them.

    Args:
        scores: one a prediction.
        matching: the structures and how they were matched.
        options: how it was done.
        sentences: what the reader has to know.
    """

    scores: tuple[CaseScore, ...]
    matching: Matching
    options: EvaluationOptions
    sentences: tuple[str, ...]

    @cached_property
    def strata(self) -> dict[Stratum, list[CaseScore]]:
        """Scores by model, modalities and group."""
        return strata(self.scores)

    @property
    def whole(self) -> dict[Stratum, list[CaseScore]]:
        """The strata of all groups together."""
        return {stratum: scores for stratum, scores in self.strata.items() if not stratum.group}

    @cached_property
    def summaries(self) -> dict[Stratum, dict[tuple[str, str], Summary]]:
        """By stratum, and by names of structure and measure."""
        return {s: summarize(scores, **self._draws) for s, scores in self.strata.items()}

    @cached_property
    def comparisons(self) -> list[Comparison]:
        """Models against one another; empty with one model."""
        return compare(self.strata, **self._draws)

    @cached_property
    def lesions(self) -> dict[tuple[Stratum, str], LesionSummary]:
        """By stratum and structure."""
        names = [structure.name for structure in self.matching.structures if structure.lesion]
        return {(s, n): lesion_summary(scores, n, **self._draws) for s, scores in self.strata.items() for n in names}

    @cached_property
    def detections(self) -> dict[Stratum, Detection]:
        """Cases with and without lesions, by the masks; empty if no structure is a lesion."""
        known = any(structure.lesion for structure in self.matching.structures)
        return {s: detection(scores, **self._draws) for s, scores in self.strata.items()} if known else {}

    @cached_property
    def presence(self) -> dict[Stratum, PresenceScore]:
        """By the presence probabilities, where they are given."""
        if not presence_structures(self.matching.structures):
            return {}
        threshold = self.options.presence_threshold
        return {
            stratum: presence_score(*presence_pairs(scores), threshold=threshold, **self._draws)
            for stratum, scores in self.strata.items()
            if presence_pairs(scores)[0]
        }

    @cached_property
    def modality_errors(self) -> list[ModalityError]:
        """Of every pair of single modalities."""
        return modality_errors(self.strata, **self._draws)

    @cached_property
    def gains(self) -> list[Gain]:
        """Of several modalities together."""
        return fusion_gains(self.strata, **self._draws)

    @property
    def _draws(self) -> Draws:
        return {"level": self.options.level, "seed": self.options.seed}


def presence_pairs(scores: Sequence[CaseScore]) -> tuple[list[float], list[bool], list[str]]:
    """Presence probabilities that are known, whether these cases hold a lesion, and their patients."""
    known = [score for score in scores if not math.isnan(score.entry.presence)]
    chances, true = [score.entry.presence for score in known], [score.lesion_true for score in known]
    return chances, true, [score.entry.patient for score in known]
