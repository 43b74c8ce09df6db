"""Which scan decided: fusion weights, and what each scan contributed to each structure."""

from __future__ import annotations

from ..document.content import Block, Cell, Paragraph, Pictures, Section, Table
from ..findings import Findings, number
from ..pictures.drawing import stored_picture
from .figures import bars, percent, shown
from .maps import heat_legend, read_map
from .views import Views, heat_of

PIXELS = 256
LISTED = 60


def modalities(findings: Findings, views: Views) -> list[Section]:
    """The section; none for a single scan, which decides alone."""
    blocks: list[Block] = [Paragraph(sentence) for sentence in findings.contribution_sentences]
    blocks += _chart(findings)
    contributions = _contributions(findings)
    blocks += [contributions] if contributions else []
    if len(findings.weights) > 1:
        blocks.append(_weights(findings))
    blocks += _fusion(findings, views)
    return [Section("Which scan decided", tuple(blocks))] if blocks else []


def _weights(findings: Findings) -> Table:
    cells = [
        (Cell(name), Cell(percent(weight), bar))
        for (name, weight), bar in zip(
            findings.weights.items(), bars([*findings.weights.values(), 1.0])[:-1], strict=True
        )
    ]
    caption = "How much of each scan the network mixed in; not what the result would lose without it."
    return Table(caption, ("Scan", "Mean fusion weight"), tuple(cells))


def _chart(findings: Findings) -> list[Block]:
    """The chart that the run has drawn; a damaged one is done without, for the table says the same."""
    if findings.contribution_chart is None:
        return []
    try:
        chart = stored_picture(findings.contribution_chart.read_bytes())
    except (OSError, ValueError):
        return []
    caption = "How much of the network's score of each structure came from which scan."
    return [Pictures((chart,), columns=1, narrow=1, caption=caption)]


def _contributions(findings: Findings) -> Table | None:
    """One row a structure, one bar a scan."""
    names = list(dict.fromkeys(row.get("modality", "") for row in findings.contributions))
    subjects = list(dict.fromkeys(row.get("structure", "") for row in findings.contributions))[:LISTED]
    if not subjects:
        return None
    shares = {
        (row.get("structure", ""), row.get("modality", "")): number(row.get("shapley"))
        for row in findings.contributions
    }
    cells = [(subject, name) for subject in subjects for name in names]
    lengths = dict(zip(cells, bars([shares.get(cell) for cell in cells]), strict=True))
    rows = tuple(
        (
            Cell(subject),
            *(Cell(shown(shares.get((subject, name)), 2), lengths[(subject, name)]) for name in names),
        )
        for subject in subjects
    )
    caption = (
        "What each scan adds to the network's score of a structure (Shapley value: its mean effect over all orders in "
        "which the scans can be added). Bars are to one scale."
    )
    return Table(caption, ("Structure", *names), rows)


def _fusion(findings: Findings, views: Views) -> list[Block]:
    drawn = []
    for name, path in findings.fusion_maps.items():
        values = read_map(path)
        if values is not None and name in findings.aligned.volumes:
            words = f", weight of the {name} as heat"
            cuts = views.whole(PIXELS)
            drawn += views.pictures(name, cuts, "through the middle", overlays=[(heat_of(values), words)])
    if not drawn:
        return []
    caption = "Where the network relied on which scan: fusion weights over the scan they belong to."
    return [
        Pictures(tuple(drawn), columns=6 if len(drawn) == 6 else 3, narrow=3, caption=caption),
        heat_legend("weight"),
    ]
