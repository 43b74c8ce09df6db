"""An evaluation as one document: facts, warnings, tables and plots."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ..notice import RESEARCH_USE
from ..report.document.content import (
    Block,
    Cell,
    Document,
    Facts,
    Notices,
    Paragraph,
    Pictures,
    Section,
    Table,
)
from .measures import COMPARED, MEASURES
from .page_lesions import calibration_sections, lesion_sections
from .page_pairs import modality_sections, model_sections, rater_sections
from .page_text import interval_text, picture_caption, unknown
from .plots import measure_plot, volume_plot
from .result import Evaluation
from .score import CaseScore
from .summary import Summary, structure_names, value

BRIEF = ("dice", "surface_dice", "hd95_mm", "volume_error_percent")
WITH_INTERVAL = ("dice", "hd95_mm")
MEANS = (
    *("surface_dice", "iou", "volume_error_ml", "volume_error_percent"),
    *("sensitivity", "precision", "specificity"),
)
PLOTTED = BRIEF[:3]
WORST = 10
HOW = (
    "Intervals are percentile bootstraps over patients; cases of one patient are averaged first or drawn together. "
    "Every measure with its interval, and every figure of each group of cases, is in summary.csv.",
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
        *lesion_sections(found),
        *calibration_sections(found),
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
    names = [
        s.name + (" (lesion)" if s.lesion and "lesion" not in s.name.lower() else "") for s in found.matching.structures
    ]
    yield Facts(
        (
            *facts,
            ("Predictions", ", ".join(f"{s.title} ({len(scores)})" for s, scores in found.whole.items())),
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
    names = structure_names(found.scores)
    blocks: list[Block] = []
    if len(found.strata) > 1:
        head = ("Predictions", *(MEASURES[name].heading for name in BRIEF), "Patients")
        rows = [(Cell(s.title), *_cells(summaries, names[-1], BRIEF)) for s, summaries in found.summaries.items()]
        blocks.append(Table(f"All at a glance: {names[-1]}, mean and interval over patients.", head, tuple(rows)))
    head = ("Structure", *(MEASURES[name].heading for name in (*WITH_INTERVAL, *MEANS)), "Patients")
    for stratum in found.whole:
        summaries = found.summaries[stratum]
        rows = [(Cell(name), *_cells(summaries, name, WITH_INTERVAL, MEANS)) for name in names]
        blocks.append(Table(f"{stratum.title}: mean over patients, of the first two with interval.", head, tuple(rows)))
    yield Section("Structures", tuple(blocks))
    plots = [
        measure_plot(found.whole, found.summaries, measure)
        for measure in PLOTTED
        if any(not unknown(found.summaries[s][name, measure].mean) for s in found.whole for name in names)
    ]
    volumes = volume_plot(found.whole, [structure.name for structure in found.matching.structures])
    pictures = [*((picture, 1) for picture in plots), (volumes, 2)]
    yield Section("Plots", tuple(Pictures((p,), columns, 1, picture_caption(p)) for p, columns in pictures), level=3)


def _cells(
    summaries: Mapping[tuple[str, str], Summary], structure: str, intervals: Sequence[str], means: Sequence[str] = ()
) -> Iterator[Cell]:
    """Measures with their intervals, measures without, and the number of patients."""
    for name in intervals:
        yield Cell(interval_text(summaries[structure, name].mean, name))
    for name in means:
        yield Cell(MEASURES[name].text(summaries[structure, name].mean.mean))
    yield Cell(str(summaries[structure, intervals[0]].mean.count))


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


def _case_title(score: CaseScore) -> str:
    return ", ".join(filter(None, (score.entry.case, score.entry.model, score.entry.modalities)))


def _nan_last(number: float) -> float:
    return number if number == number else 2.0
