"""How sure the result is: calibration, agreement, and where the network hesitates."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from ...inference.uncertainty.calibration import Reliability
from ...inference.uncertainty.reliability_plot import write_reliability
from ..document.content import Block, Cell, Facts, Paragraph, Picture, Pictures, Section, Table
from ..findings import Findings, number
from ..pictures.drawing import stored_picture
from .figures import bars, shown
from .maps import heat_legend, read_map
from .views import Overlay, Views, heat_of

PIXELS = 300
METHODS = {"tta": "test-time augmentation", "dropout": "Monte-Carlo dropout", "ensemble": "ensemble of checkpoints"}
WORDS = {
    "entropy": "Entropy: where the network hesitates.",
    "disagreement": "Disagreement: where its runs contradict one another (mutual information).",
}


def uncertainty(findings: Findings, views: Views) -> list[Section]:
    """The section; none without figures or maps."""
    blocks: list[Block] = []
    pairs = _pairs(findings)
    blocks += [Facts(tuple(pairs))] if pairs else []
    calibration = calibration_line(findings)
    blocks += [Paragraph(calibration)] if calibration else []
    intervals = interval_line(findings)
    blocks += [Paragraph(intervals)] if intervals else []
    covered = _coverage(findings)
    blocks += [covered] if covered else []
    blocks += _reliability(findings)
    agreements = _agreements(findings)
    blocks += [agreements] if agreements else []
    blocks += _pictures(findings, views)
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


def interval_line(findings: Findings) -> str:
    """What the intervals of volumes promise; empty if there are none."""
    rows = _volume_rows(findings)
    if not rows:
        return ""
    level = next((level for row in rows if (level := number(row.get("level"))) is not None), None)
    if level is None:
        line = "The intervals of the volumes are the range of the samples: how often they hold the true volume is "
        line += "not known for this method and number of samples."
    else:
        line = f"A {100 * level:.0f} % interval was fitted to hold the true volume in {100 * level:.0f} of 100 made-up "
        line += "cases; real scans may differ from these."
    return line + " Single lesions have no interval."


def _coverage(findings: Findings) -> Table | None:
    """How often the intervals of the structures of this case held the true volume, as far as it was measured."""
    known = [(row, share) for row in _volume_rows(findings) if (share := number(row.get("coverage"))) is not None]
    if not known:
        return None
    shares: dict[str, float] = {}
    for row, share in known:  # both sides were measured together
        shares.setdefault(re.sub("^(Left|Right) ", "", str(row.get("name"))).capitalize(), share)
    ordered = sorted(shares.items(), key=lambda pair: pair[1])
    bar = bars([*(share for _, share in ordered), 1.0])[:-1]
    rows = [(Cell(name), Cell(f"{100 * share:.0f}", one)) for (name, share), one in zip(ordered, bar, strict=True)]
    caption = "How often the interval of a structure held the true volume, on made-up patients of label maps that the "
    caption += "calibration had not seen, in percent; the least reliable first. Left and right count together."
    return Table(caption, ("Structure", "Coverage (%)"), tuple(rows))


def _volume_rows(findings: Findings) -> list[Mapping[str, Any]]:
    rows = findings.uncertainty.get("volumes")
    return [row for row in rows.values() if isinstance(row, Mapping)] if isinstance(rows, Mapping) else []


def _reliability(findings: Findings) -> list[Block]:
    """How often the model's answers were right, by how sure it was; nothing if that was not measured."""
    known = findings.uncertainty.get("reliability") or {}
    drawn = []
    # without matplotlib, and where the file was changed by hand, there is no plot
    with suppress(ImportError, AttributeError, KeyError, TypeError, ValueError):
        for name, curves in known.items():
            read = {when: Reliability.from_dict(curve) for when, curve in curves.items()}
            content = io.BytesIO()
            write_reliability(read, content, f"Held-out cases, {name}")
            drawn.append(stored_picture(content.getvalue()))
    caption = "Reliability of the model: on the diagonal, answers are right as often as their probability says."
    return [Pictures(tuple(drawn), columns=2, narrow=1, caption=caption)] if drawn else []


def _pairs(findings: Findings) -> list[tuple[str, str]]:
    summary, pairs = findings.uncertainty, []
    if summary.get("method"):
        method = str(summary["method"])
        pairs.append(("Method", METHODS.get(method, method)))
    if (samples := number(summary.get("samples"))) is not None:
        pairs.append(("Samples", f"{samples:.0f}"))
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


def _pictures(findings: Findings, views: Views) -> list[Block]:
    """The maps on planes through the largest lesion, or through the middle."""
    overlays: list[tuple[Overlay | None, str]] = []
    legends: list[Picture] = []
    for name, path in findings.uncertainty_maps.items():
        values = read_map(path)
        if values is not None:
            highest = max(float(values.array.max()), 1e-6)
            overlays.append((heat_of(values, highest), f", {name} as heat"))
            legends += heat_legend(name, shown(highest, 2)).pictures
    if not overlays:
        return []
    pair = overlays if len(overlays) == 2 else [(None, ", scan alone"), *overlays]
    through = findings.parts[0].center if findings.parts else None
    where = "through the largest lesion" if findings.parts else "through the middle"
    drawn = views.pictures(findings.aligned.reference, views.whole(PIXELS, through), where, overlays=pair)
    words = " ".join(WORDS[name] for name in findings.uncertainty_maps)
    pictures = Pictures(tuple(drawn), columns=3, narrow=2, caption=f"{words} Slices {where}.", down=True)
    return [pictures, Pictures(tuple(legends), columns=4, narrow=2)]
