"""What a person has corrected, and what is not told because of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..corrected import HISTORY, OUTDATED, corrected
from ..document.content import Block, Cell, Paragraph, Section, Table
from ..findings import Findings, number
from .figures import shown

NAMED = 6
"""Segments that are named in a sentence or a cell; of more the number is told."""


def corrections(findings: Findings) -> list[Section]:
    """The section; none for a result that is as the model gave it."""
    record = findings.record
    names = corrected(record)
    blocks: list[Block] = []
    if names:
        text = (
            f"A person has corrected these segments after the model had answered: {_listed(list(names.values()))}. "
            "Volumes, diameters and pictures of this report are those after the corrections."
        )
        if record.get("flags"):
            text += " What was noticed about the model's answer was noticed before."
        blocks.append(Paragraph(text))
        blocks.append(_table(record))
    if findings.left_out:
        what = ", ".join(findings.left_out)
        since = "corrected" if names else "corrected and taken back"
        blocks.append(Paragraph(f"Left out for segments that were {since} since: {what}."))
    return [Section("Corrections", tuple(blocks))] if blocks and (names or record.get(OUTDATED)) else []


def _table(record: Mapping[str, Any]) -> Block:
    rows = tuple(
        (
            Cell(_listed([str(entry["segment"]), *_others(entry)])),
            Cell(_said(entry)),
            Cell(shown(number(entry["added_ml"]))),
            Cell(shown(number(entry["removed_ml"]))),
            Cell(str(entry["when"])[:16].replace("T", ", ")),
        )
        for entry in record[HISTORY]
    )
    caption = "Corrections in their order; the first segment is the one that was meant, others gave way to it."
    return Table(caption, ("Segment", "Said", "Added (ml)", "Removed (ml)", "When"), rows)


def _others(entry: Mapping[str, Any]) -> list[str]:
    return [str(name) for name in entry["changed"].values() if name != entry["segment"]]


def _said(entry: Mapping[str, Any]) -> str:
    """How it was corrected."""
    if "positive" not in entry:
        return "edited by hand"
    parts = [f"{len(entry[key])} {what}" for key, what in _POINTS.items() if entry[key]]
    return ", ".join([*parts, *(["a box"] if entry["box"] is not None else [])])


def _listed(names: list[str]) -> str:
    more = len(names) - NAMED
    return ", ".join(names) if more <= 0 else f"{', '.join(names[:NAMED])} and {more} more"


_POINTS = {"positive": "on it", "negative": "beside it"}
