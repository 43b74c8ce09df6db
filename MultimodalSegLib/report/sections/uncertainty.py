"""How sure the result is: calibration, agreement, and where the network hesitates."""

from __future__ import annotations

from pathlib import Path

from ..document.content import Block, Cell, Facts, Paragraph, Pictures, Section, Table
from ..findings import Findings, number
from ..pictures.planes import middle, planes
from .figures import bars, shown
from .maps import heat_legend, read_map
from .views import Views, heat_of

PIXELS = 300
METHODS = {"tta": "test-time augmentation", "dropout": "Monte-Carlo dropout", "ensemble": "ensemble of checkpoints"}
WORDS = {
    "entropy": "Where the network hesitates (predictive entropy).",
    "disagreement": "Where the samples contradict one another (mutual information).",
}


def uncertainty(findings: Findings, views: Views) -> list[Section]:
    """The section; none without figures or maps."""
    blocks: list[Block] = []
    pairs = _pairs(findings)
    blocks += [Facts(tuple(pairs))] if pairs else []
    calibration = calibration_line(findings)
    blocks += [Paragraph(calibration)] if calibration else []
    agreements = _agreements(findings)
    blocks += [agreements] if agreements else []
    for name, path in findings.uncertainty_maps.items():
        blocks += _pictures(findings, views, name, path)
    return [Section("How sure the result is", tuple(blocks))] if blocks else []


def calibration_line(findings: Findings) -> str:
    """How far probabilities can be taken at their word; empty if that was not measured."""
    figures = {key: number(findings.uncertainty.get(key)) for key in ("ece_before", "ece_after", "temperature")}
    before, after, temperature = figures.values()
    if after is None:
        return ""
    line = f"Probabilities were off by {100 * after:.1f} % on average on held-out cases (expected calibration error)"
    if before is not None:
        line += f", before calibration by {100 * before:.1f} %"
    return line + (f"; temperature {shown(temperature)}." if temperature is not None else ".")


def _pairs(findings: Findings) -> list[tuple[str, str]]:
    summary, pairs = findings.uncertainty, []
    if summary.get("method"):
        method = str(summary["method"])
        pairs.append(("Method", METHODS.get(method, method)))
    if number(summary.get("samples")) is not None:
        pairs.append(("Runs of the network", shown(number(summary["samples"]))))
    return pairs


def _agreements(findings: Findings) -> Table | None:
    views = {str(name): number(value) for name, value in (findings.uncertainty.get("views") or {}).items()}
    known = {name: value for name, value in views.items() if value is not None}
    if not known:
        return None
    ordered = sorted(known.items(), key=lambda pair: pair[1])
    lengths = bars([*(value for _, value in ordered), 1.0])[:-1]
    rows = tuple((Cell(name), Cell(shown(value), bar)) for (name, value), bar in zip(ordered, lengths, strict=True))
    caption = "Agreement of the axial, the coronal and the sagittal view (Dice, 1 is the same), the least first."
    return Table(caption, ("Structure", "Agreement"), rows)


def _pictures(findings: Findings, views: Views, name: str, path: Path) -> list[Block]:
    values = read_map(path)
    if values is None:
        return []
    center, side = middle(findings.segmentation.labels)
    if findings.parts:
        center = findings.parts[0].center
    highest = max(float(values.array.max()), 1e-6)
    where = "through the largest lesion" if findings.parts else "through the middle"
    drawn = views.pictures(
        findings.aligned.reference,
        planes(center, side, PIXELS),
        where,
        overlays=[(heat_of(values, highest), f", {name} as heat")],
    )
    caption = f"{WORDS[name]} Slices {where}."
    return [Pictures(tuple(drawn), columns=3, narrow=3, caption=caption), heat_legend(name, shown(highest, 2))]
