"""What to be careful about, and how well the scans lie on one another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...registration.aligned import error_text
from ..document.content import LEVELS, Block, Cell, Color, Notices, Pictures, Section, Table
from ..findings import Findings, number
from ..pictures.drawing import draw
from ..pictures.looks import checkerboard, edged
from .figures import percent, shown
from .views import Views

PIXELS = 300
TILE = 20.0
"""Millimetres along a square of the checkerboard."""

LIGHTS: Mapping[str, Color] = {"green": (0, 158, 115), "amber": (230, 159, 0), "red": (213, 94, 0)}
"""Colors that the color-blind can tell apart (Okabe and Ito)."""


def quality(findings: Findings, warnings: Sequence[str]) -> list[Section]:
    """Flags and warnings; none if there are none.

    Args:
        findings: the case.
        warnings: sentences of the run, without any that name the patient.
    """
    flags = [flag for flag in findings.record.get("flags") or () if isinstance(flag, dict) and flag.get("sentence")]
    entries = [(_level(flag.get("level")), str(flag["sentence"])) for flag in flags]
    told = {sentence for _, sentence in entries}
    entries += [("warning", sentence) for sentence in warnings if sentence not in told]
    if findings.unreadable:
        names = ", ".join(findings.unreadable)
        entries.append(("warning", f"These files of the run cannot be read and are left out: {names}."))
    order = list(LEVELS)
    entries.sort(key=lambda entry: -order.index(entry[0]))
    return [Section("What to be careful about", (Notices(tuple(entries)),))] if entries else []


def _level(level: object) -> str:
    return str(level) if level in LEVELS else "warning"


def registration(findings: Findings, views: Views) -> list[Section]:
    """How each moving scan was aligned, with pictures in which a misalignment shows; none for a single scan."""
    moving = findings.modalities[1:]
    if not moving:
        return []
    reference = findings.aligned.reference
    blocks: list[Block] = []
    table = _table(findings)
    blocks += [table] if table else []
    for name in moving:
        drawn = []
        for plane in views.whole(PIXELS):
            first, second = views.slice(reference, plane), views.slice(name, plane)
            board = checkerboard(first, second, max(1, round(TILE / plane.mm_per_pixel)))
            alt = f"{reference} and {name} in alternate squares of {TILE:.0f} mm, {plane.orientation} slice."
            drawn.append(draw(board, plane, alt, f"{reference} and {name}, {plane.orientation}"))
            edges = edged(first, second, plane.mm_per_pixel)
            alt = f"{reference} with the contours of the {name} in orange, {plane.orientation} slice."
            drawn.append(draw(edges, plane, alt, f"contours of {name} on {reference}, {plane.orientation}"))
        caption = (
            f"{reference} and {name} in alternate squares, where contours run on across the squares if the two agree, "
            f"and the {reference} with the contours of the {name} in orange."
        )
        blocks.append(Pictures(tuple(drawn), columns=3, narrow=2, caption=caption, down=True))
    return [Section("How well the scans lie on one another", tuple(blocks))]


def _table(findings: Findings) -> Table | None:
    entries = findings.record.get("registration") or {}
    rows = []
    for name, entry in entries.items():
        before, after = (number(entry.get(f"mutual_information_{when}")) for when in ("before", "after"))
        cells = [str(entry.get("kind", "")), shown(before), shown(after), shown(number(entry.get("head_overlap")))]
        cells.append(percent(number((findings.record.get("coverage") or {}).get(name))))
        rows.append((Cell(f"{name} to {findings.aligned.reference}"), _error(entry), *map(Cell, cells)))
    head = (
        "Scans",
        "Estimated error",
        "Registration",
        "Mutual information before",
        "Mutual information after",
        "Overlap of the foregrounds (Dice)",
        "Reference covered",
    )
    caption = (
        "Alignment, measured on the scans alone. The estimated error is the mean distance from the true alignment over "
        "the head, calibrated with made-up CT and MRI pairs of heads; green, amber and red say what it means."
    )
    return Table(caption, head, tuple(rows)) if rows else None


def _error(entry: Mapping[str, Any]) -> Cell:
    """The light in a word and a color, with the millimetres behind it or why there are none."""
    light = str(entry.get("light") or "unknown")
    text = error_text(number(entry.get("error_mm")), number(entry.get("error_high_mm")))
    reason = str(entry.get("light_reason") or "")
    said = "; ".join(filter(None, (text, reason if light == "green" or not text else "")))
    return Cell(f"{light}: {said}" if said else light, color=LIGHTS.get(light))
