"""The lesions: a table of all, pictures of the largest."""

from __future__ import annotations

from collections.abc import Iterator

from ..document.content import Block, Cell, Paragraph, Pictures, Section, Table
from ..findings import Findings, Row, number
from ..lesion_parts import LesionPart
from ..pictures.planes import planes
from .figures import bars, shown
from .views import Views, close_up, outline_of

PICTURED = 8
"""Lesions with pictures; the table has the others too."""
LISTED = 100
"""Rows of the table; lesions.csv has the others too."""
SCANS = 3
"""Scans drawn for a lesion."""
PIXELS = 256

COLUMNS = {
    "longest_diameter_mm": "Longest diameter (mm)",
    "in_plane_diameter_mm": "Longest in a slice (mm)",
    "perpendicular_mm": "Its perpendicular (mm)",
    "sphericity": "Sphericity",
    "side": "Side",
    "location": "Location",
    "nearest": "Nearest structure",
    "enhancement_percent": "Enhancement (%)",
    "change": "Change",
    "volume_change_percent": "Change of volume (%)",
}
"""Columns of lesions.csv that are shown, with their titles; those that are missing or empty are left out."""


def lesions(findings: Findings, views: Views) -> list[Section]:
    """The section, and a smaller one for each of the largest lesions; none without lesions."""
    if not findings.parts:
        return []
    blocks: list[Block] = [_table(findings)]
    if len(findings.parts) > LISTED:
        blocks.append(Paragraph(f"The table holds {LISTED} of {len(findings.parts)} lesions, the largest."))
    if len(findings.parts) > PICTURED:
        blocks.append(Paragraph(f"Pictures show the largest {PICTURED} lesions."))
    return [Section("Lesions", tuple(blocks)), *_pictured(findings, views)]


def lesion_row(findings: Findings, part: LesionPart) -> Row:
    """The measures of a lesion: of lesions.csv if it is there, else of measurements.csv."""
    name = findings.lesion_name(part)
    rows = [row for row in (*findings.lesions, *findings.structures) if row.get("name") == name]
    return rows[0] if rows else {}


def _table(findings: Findings) -> Table:
    parts = findings.parts[:LISTED]
    rows = [lesion_row(findings, part) for part in parts]
    columns = [key for key in COLUMNS if any(row.get(key) for row in rows)]
    lengths = bars([part.volume_ml for part in parts])
    cells = []
    for part, row, bar in zip(parts, rows, lengths, strict=True):
        more = [Cell(_text(row.get(key, ""))) for key in columns]
        cells.append((Cell(findings.lesion_name(part)), Cell(shown(part.volume_ml), bar), *more))
    head = ("Lesion", "Volume (ml)", *(COLUMNS[key] for key in columns))
    return Table("Connected lesions, the largest first.", head, tuple(cells))


def _text(cell: str) -> str:
    """A number with its digits; of a list, its first entry."""
    value = number(cell)
    return cell.partition(";")[0] if value is None else shown(value)


def _pictured(findings: Findings, views: Views) -> Iterator[Section]:
    labels = findings.segmentation.labels
    for part in findings.parts[:PICTURED]:
        points = findings.aligned.grid.points(part.index[:, ::-1])
        name = findings.lesion_name(part)
        overlays = [(None, ", scan alone"), (outline_of(labels, part.value, part.index), ", lesion outlined in yellow")]
        blocks = []
        for modality in findings.modalities[:SCANS]:
            cuts = planes(part.center, close_up(points), PIXELS)
            drawn = views.pictures(modality, cuts, f"through {name.lower()}", overlays=overlays)
            blocks.append(Pictures(tuple(drawn), columns=6, narrow=2))
        size = f"{name}, {shown(part.volume_ml)} ml"
        yield Section(size, tuple(blocks), level=3)
