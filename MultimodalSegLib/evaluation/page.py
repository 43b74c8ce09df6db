"""An evaluation as one document: facts, warnings, tables and plots."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from ..inference.uncertainty.calibration import Reliability, pooled
from ..notice import RESEARCH_USE
from ..report.document.content import (
    Block,
    Cell,
    Document,
    Facts,
    Notices,
    Paragraph,
    Picture,
    Pictures,
    Section,
    Table,
)
from .bootstrap import Interval
from .measures import COMPARED, MEASURES
from .page_pairs import modality_sections, model_sections, rater_sections
from .plots import measure_plot, reliability_picture, roc_plot, volume_plot
from .result import Evaluation, presence_pairs
from .score import CaseScore
from .summary import Stratum, structure_names, value

MOST_CURVES = 3
WORST = 10
HOW = (
    "Intervals are percentile bootstraps over patients; cases of one patient are averaged first.",
    "A structure that is neither true nor found in a case has no Dice, IoU or surface Dice there, and the case is left "
    "out of their means. One that is only true or only found has 0.",
    "HD95 is the larger of both directions, over the voxels of the borders (as MONAI). It is not defined where either "
    "side is empty; such cases are counted as undefined in summary.csv, and their Dice is 0.",
    "Surface Dice weights elements of the surface by area (as DeepMind's surface-distance).",
    "Volume error is found minus true. Specificity is counted over all voxels of the reference's image.",
    "A lesion is a piece connected by faces, edges or corners. It is found if one voxel of the prediction lies in it; "
    "a found piece that touches no lesion is false.",
    "Label maps on another grid than their reference are sampled on it in patient space, by the nearest voxel.",
)


def page(found: Evaluation, facts: Sequence[tuple[str, str]] = ()) -> Document:
    """Put the page together; what there is nothing to say about is left out.

    Args:
        found: the evaluation.
        facts: pairs of a title and a text about how it was called.
    """
    patients = len({score.entry.patient for score in found.scores})
    sections = [
        Section("What was compared", tuple(_overview(found, facts))),
        *_structures(found),
        *_lesions(found),
        *_calibration(found),
        *modality_sections(found),
        *model_sections(found),
        *rater_sections(found),
        _weakest(found),
        Section("How it was measured", tuple(Paragraph(sentence) for sentence in HOW)),
    ]
    people = f"{patients} patient{'s' if patients > 1 else ''}"
    lead = f"{len(found.scores)} predictions of {people}, made by SlicerMultimodalSeg."
    return Document("Evaluation", RESEARCH_USE, lead, tuple(sections))


def _overview(found: Evaluation, facts: Sequence[tuple[str, str]]) -> Iterator[Block]:
    raters = {len(score.entry.references) for score in found.scores}
    several = f"consensus (STAPLE) of {max(raters)} raters" if max(raters) > 1 else "one label map a case"
    options = found.options
    names = [structure.name + (" (lesion)" if structure.lesion else "") for structure in found.matching.structures]
    yield Facts(
        (
            *facts,
            ("Predictions", ", ".join(f"{s.title} ({len(scores)})" for s, scores in _whole(found).items())),
            ("Reference", several),
            ("Structures", ", ".join(names)),
            ("Matched by", "names in the files" if found.matching.by_name else "label values"),
            ("Tolerance of surface Dice", f"{options.settings.tolerance_mm:g} mm"),
            ("Smallest lesion that counts", f"{options.settings.least_lesion_ml:g} ml"),
            ("Intervals", f"{100 * options.level:g} %, seed {options.seed}"),
        )
    )
    if found.sentences:
        yield Notices(tuple(("warning", sentence) for sentence in found.sentences))


def _structures(found: Evaluation) -> Iterator[Section]:
    blocks: list[Block] = []
    for stratum, summaries in found.summaries.items():
        rows = []
        for structure in structure_names(found.scores):
            cells = [Cell(structure)]
            for name in MEASURES:
                interval = summaries[structure, name].mean
                plain = replace(interval, low=float("nan"), high=float("nan"))
                cells.append(Cell(interval_text(plain if name == "specificity" else interval, name)))
            rows.append((*cells, Cell(str(summaries[structure, "dice"].mean.count))))
        head = ("Structure", *(measure.heading for measure in MEASURES.values()), "Patients")
        blocks.append(Table(f"{stratum.title}: mean and interval over patients.", head, tuple(rows)))
    yield Section("Structures", tuple(blocks))
    plots = [
        measure_plot(_whole(found), found.summaries, name)
        for name in ("dice", "surface_dice", "hd95_mm")
        if any(
            not _nan(found.summaries[s][structure, name].mean)
            for s in _whole(found)
            for structure in structure_names(found.scores)
        )
    ]
    shown = [structure.name for structure in found.matching.structures]
    plots.append(volume_plot(_whole(found), shown))
    yield Section("Plots", tuple(Pictures((picture,), 1, 1, picture_caption(picture)) for picture in plots), level=3)


def _lesions(found: Evaluation) -> Iterator[Section]:
    blocks: list[Block] = []
    rows = [
        (
            Cell(f"{structure}, {stratum.title}"),
            Cell(_text(s.sensitivity)),
            Cell(_text(s.precision)),
            Cell(_text(s.false_per_case)),
            Cell(f"{s.total.hit} of {s.total.true}"),
            Cell(f"{s.total.false} of {s.total.found}"),
        )
        for (stratum, structure), s in found.lesions.items()
    ]
    if rows:
        head = ("Lesions", "Sensitivity", "Precision", "False per case", "Found", "False pieces")
        blocks.append(Table("Lesions one by one, over all cases.", head, tuple(rows)))
    head = ("Cases", "AUC", "Sensitivity", "Specificity", "With lesion", "Without")
    by_mask = [
        (
            Cell(s.title),
            Cell("–"),
            Cell(_text(d.sensitivity)),
            Cell(_text(d.specificity)),
            *_two(d.positive, d.negative),
        )
        for s, d in found.detections.items()
    ]
    if by_mask:
        blocks.append(Table("Cases with and without a lesion, told by the mask: any voxel.", head, tuple(by_mask)))
    told = [
        (
            Cell(s.title),
            Cell(_text(p.auc)),
            Cell(_text(p.sensitivity)),
            Cell(_text(p.specificity)),
            *_two(p.positive, p.negative),
        )
        for s, p in found.presence.items()
    ]
    if told:
        limit = found.options.presence_threshold
        blocks.append(Table(f"The same by the presence probability, from {limit:g} on.", head, tuple(told)))
        curves = {
            stratum.title: presence_pairs(found.strata[stratum])
            for stratum, score in found.presence.items()
            if not stratum.group and not _nan(score.auc)
        }
        areas = {stratum.title: score.auc.mean for stratum, score in found.presence.items()}
        if curves:
            picture = roc_plot(curves, {title: areas[title] for title in curves})
            blocks.append(Pictures((picture,), 2, 1, picture_caption(picture)))
        else:
            blocks.append(Paragraph("There is no AUC, because all cases are of one kind."))
    if blocks:
        yield Section("Lesions and their presence", tuple(blocks))


def _calibration(found: Evaluation) -> Iterator[Section]:
    every: dict[Stratum, tuple[Reliability, Reliability]] = {}
    for stratum, scores in found.strata.items():
        parts = [(s.calibration, s.calibration_near) for s in scores if s.calibration and s.calibration_near]
        if parts:
            all_voxels, near = zip(*parts, strict=True)
            every[stratum] = pooled(all_voxels), pooled(near)
    if not every:
        return
    rows = tuple((Cell(s.title), Cell(f"{a.error:.4f}"), Cell(f"{b.error:.4f}")) for s, (a, b) in every.items())
    head = ("Probability maps", "Expected calibration error", "Where there is something to decide")
    caption = "Voxels of all cases. Decided is where the voxel is true or its probability at least 1 %."
    whole = {s.title: near for s, (_, near) in every.items() if not s.group}
    names = list(whole)[:MOST_CURVES]
    picture = reliability_picture({name: whole[name] for name in names}, "Voxels where there is something to decide")
    pictures = Pictures((picture,), 2, 1, picture_caption(picture))
    yield Section("Calibration", (Table(caption, head, rows), pictures))


def _weakest(found: Evaluation) -> Section:
    name = structure_names(found.scores)[-1]
    order = sorted(found.scores, key=lambda score: (_nan_last(value(score, name, "dice")), score.entry.case))[:WORST]
    rows = tuple(
        (Cell(_case_title(score)), *(Cell(MEASURES[m].text(value(score, name, m))) for m in COMPARED))
        for score in order
    )
    head = ("Case", *(MEASURES[measure].heading for measure in COMPARED))
    caption = f"The {len(rows)} cases with the lowest Dice, {name}. All cases are in cases.csv."
    return Section("Weakest cases", (Table(caption, head, rows),))


def interval_text(interval: Interval, measure: str) -> str:
    """``mean (low to high)`` with the digits of a measure."""
    text = MEASURES[measure].text
    if _nan(interval) or interval.low != interval.low:
        return text(interval.mean)
    return f"{text(interval.mean)} ({text(interval.low)} to {text(interval.high)})"


def picture_caption(picture: Picture) -> str:
    """The first sentence of a picture's text."""
    return picture.alt.split(". ")[0].rstrip(".") + "."


def _whole(found: Evaluation) -> Mapping[Stratum, Sequence[CaseScore]]:
    return {stratum: scores for stratum, scores in found.strata.items() if not stratum.group}


def _text(interval: Interval) -> str:
    return interval_text(interval, "dice")


def _two(positive: int, negative: int) -> tuple[Cell, Cell]:
    return Cell(str(positive)), Cell(str(negative))


def _case_title(score: CaseScore) -> str:
    return ", ".join(filter(None, (score.entry.case, score.entry.model, score.entry.modalities)))


def _nan(interval: Interval) -> bool:
    return interval.mean != interval.mean


def _nan_last(number: float) -> float:
    return number if number == number else 2.0
