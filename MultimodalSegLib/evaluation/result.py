"""A whole evaluation: every case scored, then summed up."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypedDict

from ..errors import InputError
from ..progress import Event, Progress, silent
from .cases import CaseList, EvaluationCase
from .lesion_summary import Detection, LesionSummary, detection, lesion_summary
from .matching import Contents, Matching, match, select
from .modality_error import Gain, ModalityError, fusion_gains, modality_errors
from .presence import PresenceScore, presence_score
from .score import CaseScore, Settings, contents, presence_structures, score_cases
from .structure_list import Structure
from .summary import Comparison, Stratum, Summary, compare, strata, summarize

MOST_NAMED = 5


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
        leave_out: cases that cannot be read are left out, with a warning, instead of ending the evaluation.
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
        return fusion_gains(self.strata)

    @property
    def _draws(self) -> Draws:
        return {"level": self.options.level, "seed": self.options.seed}


def presence_pairs(scores: Sequence[CaseScore]) -> tuple[list[float], list[bool]]:
    """Presence probabilities that are known, and whether these cases hold a lesion."""
    known = [score for score in scores if not math.isnan(score.entry.presence)]
    return [score.entry.presence for score in known], [score.lesion_true for score in known]


def evaluate(cases: CaseList, options: EvaluationOptions | None = None, progress: Progress = silent) -> Evaluation:
    """Compare label maps with references.

    All files are looked at before anything is scored, so that a file that cannot be read is told early.

    Args:
        cases: what to compare.
        options: how.
        progress: takes the events of the stages ``"look"`` and ``"score"``.

    Raises:
        InputError: a file cannot be read, or nothing can be compared.

    Example:
        >>> found = evaluate(read_cases(Path("cases.csv")))                            # doctest: +SKIP
        >>> found.summaries[Stratum("", "")]["left kidney", "dice"].mean               # doctest: +SKIP
        Interval(mean=0.94, low=0.92, high=0.95, count=20)
    """
    options = options or EvaluationOptions()
    known, kept, left_out = _look(cases.cases, options.leave_out, progress)
    predictions = [known[case.prediction] for case in kept]
    references = [known[path] for case in kept for path in case.references]
    if options.structures:
        matching = Matching(select(options.structures, options.lesions, options.only), False, ())
        matching = Matching(matching.structures, False, _strange(matching.structures, predictions, references))
    else:
        matching = match(predictions, references, options.lesions, options.only)
    scores: list[CaseScore] = []

    def tell(case: EvaluationCase) -> None:
        progress(
            Event("score", len(scores), len(kept), " ".join(filter(None, (case.case, case.model, case.modalities))))
        )

    for score in score_cases(kept, matching, known, options.settings, tell):
        scores.append(score)
    progress(Event("score", len(kept), len(kept)))
    place = {id(case): n for n, case in enumerate(kept)}
    scores.sort(key=lambda score: place[id(score.entry)])
    sentences = (*cases.sentences, *left_out, *matching.sentences, *_about(scores, matching))
    return Evaluation(tuple(scores), matching, options, sentences)


def _look(
    cases: Sequence[EvaluationCase], leave_out: bool, progress: Progress
) -> tuple[dict[Path, Contents], list[EvaluationCase], list[str]]:
    """Contents of every label map, the cases that can be read, and sentences about the others."""
    known: dict[Path, Contents] = {}
    kept, wrong = [], []
    for number, case in enumerate(cases):
        progress(Event("look", number, len(cases), case.case))
        try:
            for path in (case.prediction, *case.references):
                if path not in known:
                    known[path] = contents(path)
            if case.probability and not case.probability.is_file():
                raise InputError(f"There is no file {case.probability}.", "Check the name.")
            kept.append(case)
        except InputError as error:
            if not leave_out:
                raise InputError(
                    f"The case {case.case!r} cannot be read: {error.message}",
                    f"{error.hint} --leave-out goes on without it.",
                ) from error
            wrong.append(f"Left out, because it cannot be read: the case {case.case!r}. {error.message}")
    progress(Event("look", len(cases), len(cases)))
    if not kept:
        raise InputError("No case can be read.", wrong[0] if wrong else "Give at least one case.")
    return known, kept, wrong


def _strange(
    structures: Sequence[Structure], predictions: Sequence[Contents], references: Sequence[Contents]
) -> tuple[str, ...]:
    """Sentences about label values that the list of structures does not name."""
    sentences = []
    for title, files, listed in (
        ("predictions", predictions, frozenset[int]().union(*(s.prediction for s in structures))),
        ("references", references, frozenset[int]().union(*(s.reference for s in structures))),
    ):
        more = sorted(frozenset[int]().union(*(file.held for file in files)) - listed)
        if more:
            values = ", ".join(map(str, more[:20])) + (" and more" if len(more) > 20 else "")
            sentences.append(f"Label values of the {title} that no structure names, taken as background: {values}.")
    return tuple(sentences)


def _about(scores: Sequence[CaseScore], matching: Matching) -> list[str]:
    """Sentences about grids, cases that are alone, and what could not be told."""
    found = []
    moved = list(dict.fromkeys(path.name for score in scores for path in score.resampled))
    if moved:
        more = f" and {len(moved) - MOST_NAMED} more" if len(moved) > MOST_NAMED else ""
        found.append(
            "Files with another grid than their reference, resampled onto it in patient space: "
            f"{', '.join(moved[:MOST_NAMED])}{more}."
        )
    found += list(dict.fromkeys(sentence for score in scores for sentence in score.outside))
    patients = {score.entry.patient for score in scores}
    if len(patients) == 1:
        found.append("There is one patient only: no interval and no test is given.")
    has_maps = any(score.entry.probability or not math.isnan(score.entry.presence) for score in scores)
    if has_maps and not presence_structures(matching.structures):
        found.append(
            "Presence and probability are not evaluated, because no structure is a lesion; name it with --lesion."
        )
    return found


def model_names(parts: Mapping[Stratum, object]) -> tuple[str, ...]:
    """Models in the order of the cases."""
    return tuple(dict.fromkeys(stratum.model for stratum in parts))
