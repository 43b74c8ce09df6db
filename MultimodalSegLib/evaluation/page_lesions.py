"""Sections of the page about lesions, their presence and their probability."""

from __future__ import annotations

from collections.abc import Iterator

from ..inference.uncertainty.calibration import Reliability, pooled
from ..report.document.content import Block, Cell, Paragraph, Pictures, Section, Table
from .bootstrap import Interval
from .page_text import interval_text, picture_caption, unknown
from .plots import reliability_picture, roc_plot
from .result import Evaluation, presence_pairs
from .summary import Stratum

MOST_CURVES = 3


def lesion_sections(found: Evaluation) -> Iterator[Section]:
    """Lesions one by one, and cases by whether they hold one."""
    blocks: list[Block] = []
    rows = [
        (
            Cell(f"{structure}, {stratum.title}"),
            Cell(_text(s.sensitivity)),
            Cell(_text(s.precision)),
            Cell(_text(s.false_per_case)),
            Cell(_text(s.dice)),
            Cell(f"{s.total.hit} of {s.total.true}"),
            Cell(f"{s.total.false} of {s.total.found}"),
        )
        for (stratum, structure), s in found.lesions.items()
        if not stratum.group
    ]
    if rows:
        head = ("Lesions", "Sensitivity", "Precision", "False per case", "Dice of each", "Found", "False pieces")
        blocks.append(Table("Lesions one by one, over all cases.", head, tuple(rows)))
    columns = ("Cases", "Sensitivity", "Specificity", "With lesion", "Without")
    by_mask = [
        (
            Cell(s.title),
            Cell(_text(d.sensitivity)),
            Cell(_text(d.specificity)),
            *_two(d.positive, d.negative),
        )
        for s, d in found.detections.items()
        if not s.group
    ]
    if by_mask:
        blocks.append(Table("Cases with and without a lesion, told by the mask: any voxel.", columns, tuple(by_mask)))
    told = [
        (
            Cell(s.title),
            Cell(_text(p.sensitivity)),
            Cell(_text(p.specificity)),
            *_two(p.positive, p.negative),
            Cell(_text(p.auc)),
        )
        for s, p in found.presence.items()
        if not s.group
    ]
    if told:
        limit = found.options.presence_threshold
        blocks.append(Table(f"The same by the presence score, from {limit:g} on.", (*columns, "AUC"), tuple(told)))
        curves = {
            stratum.title: presence_pairs(found.strata[stratum])[:2]
            for stratum, score in found.presence.items()
            if not stratum.group and not unknown(score.auc)
        }
        areas = {stratum.title: score.auc.mean for stratum, score in found.presence.items()}
        if curves:
            picture = roc_plot(curves, {title: areas[title] for title in curves})
            blocks.append(Pictures((picture,), 2, 1, picture_caption(picture)))
        else:
            blocks.append(Paragraph("There is no AUC, because all cases are of one kind."))
    if blocks:
        yield Section("Lesions and their presence", tuple(blocks))


def calibration_sections(found: Evaluation) -> Iterator[Section]:
    """What the probability maps are worth."""
    every: dict[Stratum, tuple[Reliability, Reliability]] = {}
    for stratum, scores in found.whole.items():
        parts = [(s.calibration, s.calibration_near) for s in scores if s.calibration and s.calibration_near]
        if parts:
            all_voxels, near = zip(*parts, strict=True)
            every[stratum] = pooled(all_voxels), pooled(near)
    if not every:
        return
    rows = tuple((Cell(s.title), Cell(f"{a.error:.4f}"), Cell(f"{b.error:.4f}")) for s, (a, b) in every.items())
    head = ("Probability maps", "Expected calibration error", "Where there is something to decide")
    caption = "Voxels of all cases. Decided is where the voxel is true or its probability at least 1 %."
    whole = {s.title: near for s, (_, near) in every.items()}
    names = list(whole)[:MOST_CURVES]
    picture = reliability_picture({name: whole[name] for name in names}, "Voxels where there is something to decide")
    text = "How often a voxel is true, by the probability that was given to it."
    pictures = Pictures((picture,), 2, 1, text)
    yield Section("Calibration", (Table(caption, head, rows), pictures))


def _text(interval: Interval) -> str:
    return interval_text(interval, "dice")


def _two(positive: int, negative: int) -> tuple[Cell, Cell]:
    return Cell(str(positive)), Cell(str(negative))
