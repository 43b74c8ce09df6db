"""What spoke for the result, each map with the figures that say how far to believe it."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np

from ...explain.curve_chart import write_curves
from ...models.classes import SegmentClass
from ..document.content import Block, Cell, Notices, Paragraph, Pictures, Section, Table
from ..findings import Findings, number
from ..lesion_parts import LesionPart, central_point
from ..pictures.drawing import stored_picture
from ..pictures.planes import planes
from .figures import percent, shown
from .maps import heat_legend, read_map
from .views import Views, close_up, heat_of, outline_of

PICTURED = 6
"""Maps with pictures."""
PIXELS = 256
CHARTED = 3
"""Maps whose curves are drawn."""

TITLE = "What spoke for the result"
METHODS = {
    "gradcam": "Grad-CAM",
    "gradcam++": "Grad-CAM++",
    "hirescam": "HiResCAM",
    "integrated-gradients": "Integrated gradients",
    "occlusion": "Occlusion",
    "attention": "Attention",
}
FIGURES = {
    "insertion_area": "Insertion area (higher is better)",
    "insertion of random": "of a random map",
    "insertion of blurred mask": "of the blurred structure",
    "deletion_area": "Deletion area (lower is better)",
    "deletion of random": "of a random map",
    "deletion of blurred mask": "of the blurred structure",
    "pointing_game": "Peak inside",
    "mass_inside": "Mass inside",
    "stability": "Stability",
}

SAID = "how much a place speaks for the structure, in parts of the largest value"
VERDICTS = (
    (True, "warning", "These maps hardly depend on what the network has learned; do not explain a result with them"),
    (None, "info", "Whether these maps depend on what the network has learned cannot be told, for a map is empty"),
)
"""What ``ignores_weights`` means, with the level of the notice."""


def explanation(findings: Findings, views: Views) -> list[Section]:
    """The section with the figures, and a smaller one for each of the first maps; none without maps."""
    known = [name for name in findings.maps if findings.target(name.partition(".")[0]) is not None]
    if not known:
        return []
    blocks: list[Block] = list(_notices(findings, known))
    rated = [name for name in known if findings.faithfulness.get(name)]
    blocks += [_figures(findings, rated)] if rated else []
    blocks += _charts(findings, rated)
    if len(known) > PICTURED:
        blocks.append(Paragraph(f"Pictures show {PICTURED} of {len(known)} maps; all are in the folder of the run."))
    smaller = list(_pictured(findings, views, known[:PICTURED]))
    if smaller:
        attention = any(_parts(findings, name)[1] == "attention" for name in known)
        blocks.append(
            heat_legend("how much a place speaks for the structure, or gets attention" if attention else SAID)
        )
    return [Section(TITLE, tuple(blocks)), *smaller]


def _notices(findings: Findings, names: list[str]) -> Iterator[Notices]:
    """Which maps are not to be believed, and of which that is not known."""
    verdicts = {name: findings.faithfulness.get(name, {}).get("ignores_weights", False) for name in names}
    entries = []
    for verdict, level, sentence in VERDICTS:
        told = [_title(findings, name) for name, found in verdicts.items() if found is verdict]
        entries += [(level, f"{sentence}: {', '.join(told)}.")] if told else []
    if entries:
        yield Notices(tuple(entries))


def _charts(findings: Findings, names: list[str]) -> list[Block]:
    """Curves beside those of baselines; without matplotlib, and of a file changed by hand, there are none."""
    drawn = []
    for name in [name for name in names if findings.faithfulness[name].get("baselines")][:CHARTED]:
        with suppress(ImportError, AttributeError, KeyError, TypeError, ValueError):
            content = io.BytesIO()
            write_curves(findings.faithfulness[name], content, _title(findings, name))
            drawn.append(replace(stored_picture(content.getvalue()), label=_title(findings, name)))
    caption = "The curve of a map that explains lies above the others at the left and below them at the right."
    return [Pictures(tuple(drawn), columns=1, narrow=1, caption=caption)] if drawn else []


def _parts(findings: Findings, name: str) -> tuple[str, str, str]:
    """What a map is about, its method, and the scan that it is of, empty if it is of all: ``"lesion.gradcam-CT"``."""
    key, _, method = name.partition(".")
    before, _, modality = method.rpartition("-")
    return (key, before, modality) if modality in findings.aligned.volumes else (key, method, "")


def _title(findings: Findings, name: str) -> str:
    """Such as ``"Lesion 2, Grad-CAM"``."""
    key, method, modality = _parts(findings, name)
    target = findings.target(key)
    subject = findings.lesion_name(target) if isinstance(target, LesionPart) else target.name if target else key
    return ", ".join(filter(None, (subject, METHODS.get(method, method), modality)))


def _figures(findings: Findings, names: list[str]) -> Table:
    columns = [key for key in FIGURES if any(_figure(findings.faithfulness[name], key) for name in names)]
    rows = tuple(
        (Cell(_title(findings, name)), *(Cell(_figure(findings.faithfulness[name], key)) for key in columns))
        for name in names
    )
    caption = "How far the maps can be believed: what adding or removing the marked places does to the result."
    return Table(caption, ("Map", *(FIGURES[key] for key in columns)), rows)


def _figure(figures: Mapping[str, Any], key: str) -> str:
    area, _, baseline = key.partition(" of ")
    value = _baseline(figures, baseline).get(f"{area}_area") if baseline else figures.get(key)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return percent(number(value)) if key == "mass_inside" else shown(number(value), 2)


def _baseline(figures: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Figures of a baseline; none where it was not measured or the file was changed by hand."""
    known = figures.get("baselines")
    found = known.get(name) if isinstance(known, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def _pictured(findings: Findings, views: Views, names: list[str]) -> Iterator[Section]:
    labels = findings.segmentation.labels
    for name in names:
        values, target = read_map(findings.maps[name]), findings.target(name.partition(".")[0])
        if values is None or target is None:
            continue
        value, index = _voxels(findings, target)
        if not len(index):
            continue
        points = labels.grid.points(index[:, ::-1])
        cuts = planes(central_point(index, labels), max(close_up(points), 140.0), PIXELS)
        outline = outline_of(labels, value, index)
        title = _title(findings, name)
        subject = title.partition(",")[0].lower()
        drawn = views.pictures(
            _parts(findings, name)[2] or findings.aligned.reference,
            cuts,
            f"through {subject}",
            overlays=[
                (outline, ", outlined in yellow"),
                (_both(heat_of(values), outline), f", outlined in yellow, with the map {title} as heat"),
            ],
        )
        yield Section(title, (Pictures(tuple(drawn), columns=6, narrow=2),), level=3)


def _voxels(findings: Findings, target: SegmentClass | LesionPart) -> tuple[int, np.ndarray]:
    """Label value and (n, 3) array indices of what a map is about; of a lesion class its largest lesion."""
    if isinstance(target, LesionPart):
        return target.value, target.index
    largest = next((part for part in findings.parts if part.value == target.value), None)
    if largest is not None:
        return target.value, largest.index
    return target.value, np.argwhere(findings.segmentation.labels.array == target.value)


def _both(first: Any, second: Any) -> Any:
    return lambda image, plane: second(first(image, plane), plane)
