"""Means with intervals over patients, and comparisons of models on the same cases."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from .bootstrap import Interval, bootstrap_interval
from .measures import COMPARED, MEASURES
from .paired_tests import PairedTest, holm, paired_test
from .score import CaseScore

MEAN = "mean of structures"
"""Of each case, over the structures for which the measure is defined."""


@dataclass(frozen=True)
class Stratum:
    """Cases that are summed up together.

    Args:
        model: what made the predictions.
        modalities: what they were made from.
        group: name of the group, or empty for all cases.
    """

    model: str
    modalities: str
    group: str = ""

    @property
    def title(self) -> str:
        return ", ".join(filter(None, (self.model, self.modalities, self.group))) or "all cases"


@dataclass(frozen=True)
class Summary:
    """A measure of a structure over the patients of a stratum.

    Args:
        mean: with its interval; its count are the patients for which it is defined.
        median: over patients.
        least: over patients.
        largest: over patients.
        undefined: patients for which it is not.
    """

    mean: Interval
    median: float
    least: float
    largest: float
    undefined: int


@dataclass(frozen=True)
class Comparison:
    """Two models on one structure by one measure.

    Args:
        first: model.
        second: model.
        modalities: of both.
        structure: name.
        measure: name in :data:`~MultimodalSegLib.evaluation.measures.MEASURES`.
        test: first minus second.
        t_holm: p value of the t test, corrected over all comparisons by this measure.
        wilcoxon_holm: the same of Wilcoxon's test.
    """

    first: str
    second: str
    modalities: str
    structure: str
    measure: str
    test: PairedTest
    t_holm: float = math.nan
    wilcoxon_holm: float = math.nan


def strata(scores: Iterable[CaseScore]) -> dict[Stratum, list[CaseScore]]:
    """Scores by model and modalities, and again by group where there is more than one."""
    found: dict[Stratum, list[CaseScore]] = {}
    scores = list(scores)
    for score in scores:
        found.setdefault(Stratum(score.entry.model, score.entry.modalities), []).append(score)
    if len({score.entry.group for score in scores}) > 1:
        for score in scores:
            entry = score.entry
            found.setdefault(Stratum(entry.model, entry.modalities, entry.group or "no group"), []).append(score)
    return found


def structure_names(scores: Sequence[CaseScore]) -> tuple[str, ...]:
    """The structures, and their mean if there are several."""
    names = tuple(scores[0].structures)
    return (*names, MEAN) if len(names) > 1 else names


def value(score: CaseScore, structure: str, measure: str) -> float:
    """A measure of one case; NaN where it is not defined."""
    if structure != MEAN:
        return score.structures[structure].value(measure)
    return mean_of_known([one.value(measure) for one in score.structures.values()])


def patient_values(scores: Iterable[CaseScore], structure: str, measure: str) -> dict[str, float]:
    """A measure by patient, averaged over the cases of each; NaN where it is defined in none."""
    found: dict[str, list[float]] = {}
    for score in scores:
        found.setdefault(score.entry.patient, []).append(value(score, structure, measure))
    return {patient: mean_of_known(values) for patient, values in found.items()}


def summarize(scores: Sequence[CaseScore], *, level: float = 0.95, seed: int = 0) -> dict[tuple[str, str], Summary]:
    """Every measure of every structure over patients, by names of structure and measure.

    Args:
        scores: of one stratum.
        level: of the intervals.
        seed: of their draws.
    """
    found = {}
    for structure in structure_names(scores):
        for measure in MEASURES:
            values = np.array(list(patient_values(scores, structure, measure).values()))
            known = values[~np.isnan(values)]
            median, least, largest = np.quantile(known, (0.5, 0, 1)).tolist() if len(known) else (math.nan,) * 3
            interval = bootstrap_interval(values, level=level, seed=seed)
            found[structure, measure] = Summary(interval, median, least, largest, len(values) - len(known))
    return found


def compare(parts: Mapping[Stratum, Sequence[CaseScore]], *, level: float = 0.95, seed: int = 0) -> list[Comparison]:
    """Every pair of models on the cases that both have, with Holm's correction within each measure.

    Args:
        parts: scores by stratum; those of groups are left out.
        level: of the intervals.
        seed: of their draws.
    """
    whole = {stratum: scores for stratum, scores in parts.items() if not stratum.group}
    found: list[Comparison] = []
    for one, other in combinations(whole, 2):
        if one.modalities != other.modalities:
            continue
        first, second = shared(whole[one], whole[other])
        if not first:
            continue
        for structure in structure_names(first):
            for measure in COMPARED:
                a, b = (patient_values(side, structure, measure) for side in (first, second))
                test = paired_test(list(a.values()), [b[patient] for patient in a], level=level, seed=seed)
                found.append(Comparison(one.model, other.model, one.modalities, structure, measure, test))
    return _corrected(found)


def shared(first: Sequence[CaseScore], second: Sequence[CaseScore]) -> tuple[list[CaseScore], list[CaseScore]]:
    """Scores of the cases that are in both, in the same order."""
    a, b = ({score.entry.case: score for score in side} for side in (first, second))
    names = [name for name in a if name in b]
    return [a[name] for name in names], [b[name] for name in names]


def different_cases(scores: Sequence[CaseScore]) -> tuple[str, ...]:
    """A sentence where the means of models or modalities are over different cases; empty where all have the same."""
    whole = {s.title: {score.entry.case for score in some} for s, some in strata(scores).items() if not s.group}
    common = set.intersection(*whole.values())
    if all(cases == common for cases in whole.values()):
        return ()
    counts = ", ".join(f"{title} {len(cases)}" for title, cases in whole.items())
    return (
        f"The means are over different cases and cannot be compared directly: {counts}; {len(common)} in all of them. "
        "Tests and differences use common cases only.",
    )


def _corrected(found: Sequence[Comparison]) -> list[Comparison]:
    corrected = list(found)
    for measure in COMPARED:
        places = [n for n, entry in enumerate(found) if entry.measure == measure]
        t = holm([found[n].test.t for n in places])
        wilcoxon = holm([found[n].test.wilcoxon for n in places])
        for n, by_t, by_wilcoxon in zip(places, t, wilcoxon, strict=True):
            corrected[n] = replace(found[n], t_holm=by_t, wilcoxon_holm=by_wilcoxon)
    return corrected


def mean_of_known(values: Sequence[float]) -> float:
    """Of the values that are defined; NaN if none is."""
    known = [number for number in values if not math.isnan(number)]
    return float(np.mean(known)) if known else math.nan
