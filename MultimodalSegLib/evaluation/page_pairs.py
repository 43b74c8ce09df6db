"""Sections of the page about pairs: of modalities, of models, of raters."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import groupby

from ..report.document.content import Block, Cell, Paragraph, Pictures, Section, Table
from .agreement import RaterAgreement
from .bootstrap import bootstrap_interval
from .measures import MEASURES
from .plots import difference_plot
from .result import Evaluation
from .summary import MEAN, Comparison, mean_of_known

MOST_PAIRS = 6
"""Pairs of models of which there is a plot."""

HEAD = ("Structure", "Measure", "Difference", "Interval", "p (t)", "Holm", "p (Wilcoxon)", "Holm", "Patients")
TESTS = (
    "First minus second on the same patients, two-sided paired tests; Holm's correction over all comparisons by one "
    "measure and test. A dash: no test is possible, as with one patient. Other measures are in comparisons.csv."
)


def modality_sections(found: Evaluation) -> Iterator[Section]:
    """Cross-modality error, and what modalities gain together."""
    blocks: list[Block] = []
    errors = tuple(
        (Cell(", ".join(filter(None, (e.model, f"{e.first} and {e.second}")))), Cell(str(e.error)))
        for e in found.modality_errors
    )
    if errors:
        caption = "Cross-modality error: mean over structures of the distance of their mean Dice; 0 is best."
        blocks.append(Table(caption, ("Modalities alone", "Error"), errors))
    gains = tuple(
        (Cell(", ".join(filter(None, (g.model, g.together)))), Cell(g.gain.better), Cell(str(g.gain.gain)))
        for g in found.gains
    )
    if gains:
        caption = "What all modalities together gain in Dice over the better one alone."
        blocks.append(Table(caption, ("Together", "Better alone", "Gain"), gains))
    if blocks:
        yield Section("Modalities", tuple(blocks))


def model_sections(found: Evaluation) -> Iterator[Section]:
    """Models against one another: every structure by Dice, lesions and the mean by every measure."""
    if not found.comparisons:
        return
    blocks: list[Block] = [Paragraph(TESTS)]
    single = [structure.name for structure in found.matching.structures]
    full = {MEAN, *(s.name for s in found.matching.structures if s.lesion), *(single if len(single) == 1 else ())}
    for title, entries in groupby(found.comparisons, key=lambda c: _pair(c.first, c.second, c.modalities)):
        pair = list(entries)
        rows = tuple(_comparison(c) for c in pair if c.measure == "dice" or c.structure in full)
        blocks.append(Table(f"{title}.", HEAD, rows))
        dice = [c for c in pair if c.measure == "dice" and not math.isnan(c.test.difference.mean)]
        if dice and sum(isinstance(block, Pictures) for block in blocks) < MOST_PAIRS:
            picture = difference_plot(dice, title)
            blocks.append(Pictures((picture,), 1, 1, f"Mean differences in Dice, {title}."))
    yield Section("Models compared", tuple(blocks))


def _comparison(entry: Comparison) -> tuple[Cell, ...]:
    """A row of the table of two models."""
    measure, difference = MEASURES[entry.measure], entry.test.difference
    p_values = (entry.test.t, entry.t_holm, entry.test.wilcoxon, entry.wilcoxon_holm)
    return (
        Cell(entry.structure),
        Cell(measure.heading),
        Cell(measure.text(difference.mean)),
        Cell(_span(difference.low, difference.high, entry.measure)),
        *(Cell(p_text(p)) for p in p_values),
        Cell(str(difference.count)),
    )


def rater_sections(found: Evaluation) -> Iterator[Section]:
    """Agreement of raters, means over patients."""
    drawn = {s.entry.references: s for s in found.scores if s.raters}
    if not drawn:
        return
    structures = [structure.name for structure in found.matching.structures]
    rows = []
    for name in structures:
        figures: dict[str, dict[str, list[float]]] = {}
        for score in drawn.values():
            for title, number in _agreement(score.raters[name]) if name in score.raters else ():
                figures.setdefault(title, {}).setdefault(score.entry.patient, []).append(number)
        for title, by_patient in figures.items():
            means = [mean_of_known(numbers) for numbers in by_patient.values()]
            interval = bootstrap_interval(means, level=found.options.level, seed=found.options.seed)
            rows.append((Cell(name), Cell(title), Cell(str(interval)), Cell(str(interval.count))))
    caption = "Agreement of the references' raters, mean and interval over patients; counted over all voxels."
    yield Section("Raters", (Table(caption, ("Structure", "What", "Mean", "Patients"), tuple(rows)),))


def _agreement(part: RaterAgreement) -> Iterator[tuple[str, float]]:
    """What is told of the raters of one case."""
    yield "Fleiss' kappa, all raters", part.fleiss
    for (a, b), kappa in part.cohen.items():
        yield f"Cohen's kappa, raters {a + 1} and {b + 1}", kappa
    for title, values in (
        ("Dice with the consensus", part.dice),
        ("Sensitivity (STAPLE)", part.sensitivity),
        ("Specificity (STAPLE)", part.specificity),
    ):
        for n, number in enumerate(values):
            yield f"{title}, rater {n + 1}", number


def p_text(p: float) -> str:
    """A p value as it is shown; a dash where no test was made.

    Example:
        >>> p_text(0.00004), p_text(0.034), p_text(float("nan"))
        ('< 0.001', '0.034', '–')
    """
    return "–" if math.isnan(p) else "< 0.001" if p < 0.001 else f"{p:.3f}"


def _pair(first: str, second: str, modalities: str) -> str:
    return f"{first} − {second}" + (f", {modalities}" if modalities else "")


def _span(low: float, high: float, measure: str) -> str:
    text = MEASURES[measure].text
    return "–" if math.isnan(low) else f"{text(low)} to {text(high)}"
