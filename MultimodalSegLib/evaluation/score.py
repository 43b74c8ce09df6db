"""Score predictions against references, case by case, on the reference's grid."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from pathlib import Path

import numpy as np
from scipy import ndimage

from ..images.grid import Grid, same_grid
from ..images.io import read_labels, read_probability
from ..images.resample import resample
from ..images.volume import Volume
from ..inference.uncertainty.calibration import Reliability, reliability
from ..report.seg_nrrd import classes_in_file
from .agreement import RaterAgreement, rater_agreement
from .cases import EvaluationCase
from .lesion_scores import LesionCounts, LesionScore, lesion_counts, lesion_scores
from .matching import Contents, Matching
from .measures import StructureScore
from .overlap import count
from .placement import outside_sentences
from .structure_list import Structure
from .surfaces import surface_score

NEAR = 0.01
"""Probability from which on a voxel is one of those where there is something to decide."""


@dataclass(frozen=True)
class Settings:
    """How scores are computed.

    Args:
        tolerance_mm: of surface Dice.
        least_lesion_ml: smaller lesions, true or found, do not count.
    """

    tolerance_mm: float = 1.0
    least_lesion_ml: float = 0.0


@dataclass(frozen=True)
class CaseScore:
    """What was measured of one prediction.

    Args:
        entry: the files.
        structures: score by structure.
        lesions: counts by structure that is a lesion.
        lesion_true: the reference holds a lesion (or the only structure).
        lesion_found: the prediction does.
        calibration: of the probability map, over all voxels; None without one.
        calibration_near: the same over the voxels that are true or have a probability of 1 % or more.
        single_lesions: every true lesion by structure that is a lesion.
        raters: agreement by structure where there are several references.
        sentences: what the reader has to know: what lies outside another image, raters without a consensus.
        resampled: which of the files had another grid than the reference.
    """

    entry: EvaluationCase
    structures: Mapping[str, StructureScore]
    lesions: Mapping[str, LesionCounts]
    lesion_true: bool
    lesion_found: bool
    calibration: Reliability | None = None
    calibration_near: Reliability | None = None
    single_lesions: Mapping[str, Sequence[LesionScore]] = field(default_factory=dict)
    raters: Mapping[str, RaterAgreement] = field(default_factory=dict)
    sentences: tuple[str, ...] = ()
    resampled: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Truth:
    """What predictions are compared with.

    Args:
        labels: the first reference.
        values: its label values by structure.
        consensus: (k, j, i) bool by structure, of several references; empty with one.
        raters: their agreement by structure.
        sentences: what the reader has to know: what lies outside another rater's image, raters without a consensus.
        resampled: references that had another grid than the first.
    """

    labels: Volume
    values: Mapping[str, frozenset[int]]
    consensus: Mapping[str, np.ndarray]
    raters: Mapping[str, RaterAgreement]
    sentences: tuple[str, ...]
    resampled: tuple[Path, ...]

    @property
    def grid(self) -> Grid:
        """On which everything is compared."""
        return self.labels.grid

    def mask(self, *structures: Structure) -> np.ndarray:
        """Where one of the structures is, (k, j, i) bool; made when it is asked for, to spare memory."""
        if self.consensus:
            return np.asarray(np.any([self.consensus[s.name] for s in structures], axis=0))
        return _mask(self.labels.array, frozenset[int]().union(*(self.values[s.name] for s in structures)))


def contents(path: Path) -> Contents:
    """Labels and names of a label map.

    Raises:
        InputError: it cannot be read, or is no label map, for example because it holds NaN.
    """
    volume = read_labels(path)
    values = frozenset(int(value) for value in np.unique(volume.array))
    classes = classes_in_file(path)
    lesions = frozenset(entry.name for entry in classes if entry.group == "lesion")
    names = {entry.value: entry.name for entry in classes if entry.name}
    held, below = (frozenset(v for v in values if v * sign > 0) for sign in (1, -1))
    return Contents(held, names, lesions, volume.grid, below)


def score_cases(
    cases: Sequence[EvaluationCase],
    matching: Matching,
    known: Mapping[Path, Contents],
    settings: Settings,
    tell: Callable[[EvaluationCase], None] = lambda case: None,
) -> Iterator[CaseScore]:
    """Score every prediction; the same references are read once for all models.

    Args:
        cases: what to compare.
        matching: the structures.
        known: contents of every label map.
        settings: how.
        tell: called before each case.
    """
    ordered = sorted(cases, key=lambda case: tuple(map(str, case.references)))
    for _, group in groupby(ordered, key=lambda case: case.references):
        same = list(group)
        truth = read_truth(same[0], matching, known)
        for case in same:
            tell(case)
            yield score_case(case, truth, matching, known, settings)


def read_truth(case: EvaluationCase, matching: Matching, known: Mapping[Path, Contents]) -> Truth:
    """The references of a case as masks; of several the consensus, structure by structure."""
    references = case.references
    volumes = [read_labels(path) for path in references]
    first = volumes[0]
    moved = [number for number, volume in enumerate(volumes) if not same_grid(volume.grid, first.grid)]
    arrays = [_on(volume, first.grid).array for volume in volumes]
    consensus, raters, apart = {}, {}, []
    for structure in matching.structures if len(references) > 1 else ():
        values = [matching.reference(structure, known[path].names) for path in references]
        drawn = [_mask(array, some) for array, some in zip(arrays, values, strict=True)]
        raters[structure.name], consensus[structure.name] = rater_agreement(drawn)
        if any(mask.any() for mask in drawn) and not consensus[structure.name].any():
            apart.append(structure.name)
    names = known[references[0]].names
    values_of_first = {s.name: matching.reference(s, names) for s in matching.structures}
    every = frozenset[int]().union(*values_of_first.values())
    true = first.with_array(_mask(first.array, every)) if moved else first
    told = [text for n in moved for text in outside_sentences(case.case, f"map of rater {n + 1}", volumes[n], true)]
    told += [
        f"{case.case}: raters drew {name}, but their consensus is empty: what predictions hold of it counts as false."
        for name in apart
    ]
    resampled = tuple(references[number] for number in moved)
    return Truth(first, values_of_first, consensus, raters, tuple(told), resampled)


def score_case(
    case: EvaluationCase, truth: Truth, matching: Matching, known: Mapping[Path, Contents], settings: Settings
) -> CaseScore:
    """Score one prediction."""
    volume = read_labels(case.prediction)
    moved = not same_grid(volume.grid, truth.grid)
    array = _on(volume, truth.grid).array
    names, unit = known[case.prediction].names, truth.grid.voxel_ml
    scores, lesions, single = {}, {}, {}
    least = settings.least_lesion_ml
    for structure in matching.structures:
        found, true = _mask(array, matching.prediction(structure, names)), truth.mask(structure)
        surface = surface_score(found, true, truth.grid.spacing, settings.tolerance_mm)
        scores[structure.name] = StructureScore(count(found, true), unit, surface)
        if structure.lesion:
            box = (ndimage.find_objects((found | true).view(np.uint8)) or [...])[0]
            lesions[structure.name] = lesion_counts(found[box], true[box], unit, least_ml=least)
            single[structure.name] = lesion_scores(found[box], true[box], unit, least_ml=least)
    asked = presence_structures(matching.structures)
    told = _outside(case, "prediction", volume, truth, matching.structures) if moved else ()
    score = CaseScore(
        case,
        scores,
        lesions,
        any(scores[s.name].true_ml > 0 for s in asked),
        any(scores[s.name].found_ml > 0 for s in asked),
        single_lesions=single,
        raters=truth.raters,
        sentences=(*truth.sentences, *told),
        resampled=(*truth.resampled, *([case.prediction] if moved else [])),
    )
    return _calibrated(score, case.probability, truth, asked) if case.probability and asked else score


def presence_structures(structures: Sequence[Structure]) -> tuple[Structure, ...]:
    """What presence and probability maps are about: the lesions, or the only structure."""
    return tuple(s for s in structures if s.lesion) or (tuple(structures) if len(structures) == 1 else ())


def _calibrated(score: CaseScore, path: Path, truth: Truth, asked: Sequence[Structure]) -> CaseScore:
    volume = read_probability(path)
    moved = not same_grid(volume.grid, truth.grid)
    chance = (resample(volume, truth.grid) if moved else volume).array
    true = truth.mask(*asked)
    near = true | (chance >= NEAR)
    told = _outside(score.entry, "probability map", volume, truth, asked) if moved else ()
    return replace(
        score,
        calibration=reliability(chance.ravel(), true.ravel()),
        calibration_near=reliability(chance[near], true[near]),
        sentences=(*score.sentences, *told),
        resampled=(*score.resampled, *([path] if moved else [])),
    )


def _outside(
    case: EvaluationCase, title: str, other: Volume, truth: Truth, structures: Sequence[Structure]
) -> Iterator[str]:
    return outside_sentences(case.case, title, other, Volume(truth.mask(*structures), truth.grid))


def _mask(array: np.ndarray, values: frozenset[int]) -> np.ndarray:
    return np.isin(array, sorted(values), kind="table") if values else np.zeros(array.shape, bool)


def _on(volume: Volume, grid: Grid) -> Volume:
    """A label map on a grid, by the nearest voxel in patient space."""
    return volume if same_grid(volume.grid, grid) else resample(volume, grid, labels=True)
