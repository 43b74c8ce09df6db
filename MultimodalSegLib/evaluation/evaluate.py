"""Look at all files, match their labels, score every case."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from ..errors import InputError
from ..images.io import read_probability
from ..progress import Event, Progress, silent
from .cases import CaseList, EvaluationCase
from .matching import Contents, Matching, match, select
from .placement import check_placement
from .result import Evaluation, EvaluationOptions
from .score import CaseScore, contents, presence_structures, score_cases
from .structure_list import Structure
from .summary import different_cases

MOST_NAMED = 5


def evaluate(cases: CaseList, options: EvaluationOptions | None = None, progress: Progress = silent) -> Evaluation:
    """Compare label maps with references.

    All files are read before anything is scored, so that one that cannot be read or lies elsewhere is told early.

    Args:
        cases: what to compare.
        options: how.
        progress: takes the events of the stages ``"look"`` and ``"score"``.

    Raises:
        InputError: a file cannot be read or lies in another place than its reference, or nothing can be compared.

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
    below = _below(predictions, references)
    sentences = (*cases.sentences, *left_out, *matching.sentences, *below, *_about(scores, matching))
    return Evaluation(tuple(scores), matching, options, sentences)


def _look(
    cases: Sequence[EvaluationCase], leave_out: bool, progress: Progress
) -> tuple[dict[Path, Contents], list[EvaluationCase], list[str]]:
    """Contents of every label map, the cases that can be compared, and sentences about the others."""
    known: dict[Path, Contents] = {}
    kept, wrong = [], []
    for number, case in enumerate(cases):
        progress(Event("look", number, len(cases), case.case))
        try:
            for path in (case.prediction, *case.references):
                if path not in known:
                    known[path] = contents(path)
            check_placement(case, known, read_probability(case.probability) if case.probability else None)
            kept.append(case)
        except InputError as error:
            if not leave_out:
                raise InputError(
                    f"The case {case.case!r} cannot be compared: {error.message}",
                    f"{error.hint} --leave-out goes on without it.",
                ) from error
            wrong.append(f"Left out, because it cannot be compared: the case {case.case!r}. {error.message}")
    progress(Event("look", len(cases), len(cases)))
    if not kept:
        raise InputError("No case can be compared.", wrong[0] if wrong else "Give at least one case.")
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
        more = frozenset[int]().union(*(file.held for file in files)) - listed
        if more:
            sentences.append(
                f"Label values of the {title} that no structure names, taken as background: {_values(more)}."
            )
    return tuple(sentences)


def _below(predictions: Sequence[Contents], references: Sequence[Contents]) -> list[str]:
    """Sentences about label values below 0."""
    sentences = []
    for title, files in (("predictions", predictions), ("references", references)):
        below = frozenset[int]().union(*(file.below for file in files))
        if below:
            sentences.append(f"Label values of the {title} below 0, taken as background: {_values(below)}.")
    return sentences


def _values(values: frozenset[int]) -> str:
    return ", ".join(map(str, sorted(values)[:20])) + (" and more" if len(values) > 20 else "")


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
    found += list(dict.fromkeys(sentence for score in scores for sentence in score.sentences))
    found += different_cases(scores)
    patients = {score.entry.patient for score in scores}
    if len(patients) == 1:
        found.append("There is one patient only: no interval and no test is given.")
    has_maps = any(score.entry.probability or not math.isnan(score.entry.presence) for score in scores)
    if has_maps and not presence_structures(matching.structures):
        found.append(
            "Presence and probability are not evaluated, because no structure is a lesion; name it with --lesion."
        )
    return found
