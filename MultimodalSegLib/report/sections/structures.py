"""The structures: volumes with intervals, differences of the sides, mean intensities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..document.content import Block, Cell, Section, Table
from ..findings import Findings, Row, number
from ..tables import interval_name
from .figures import bars, shown, span

GROUPS = {"brain": "Brain", "csf": "Cerebrospinal fluid", "bone": "Bone", "soft tissue": "Soft tissue"}
OTHER = "Other structures"
SMALLER = 8.0
"""A structure that is so many times smaller than the largest of its group is listed apart."""


def structures(findings: Findings) -> list[Section]:
    """A table for each group of structures; none without measurements."""
    classes = {entry.value: entry for entry in findings.segmentation.classes}
    known = [(row, classes.get(int(number(row.get("value")) or 0))) for row in findings.structures]
    groups: dict[str, list[Row]] = {title: [] for title in (*GROUPS.values(), OTHER)}
    for row, entry in known:
        if entry is not None and entry.group != "lesion" and row.get("name") == entry.name:
            groups[GROUPS.get(entry.group, OTHER)].append(row)
    tables: list[Block] = []
    for title, rows in groups.items():
        tables += [_table(findings, part, of_part) for part, of_part in by_size(title, rows) if of_part]
    return [Section("Structures", tuple(tables))] if tables else []


def by_size(title: str, rows: Sequence[Row]) -> list[tuple[str, list[Row]]]:
    """Small structures apart from large ones, whose scale would leave them no bar that can be seen."""
    limit = max((number(row.get("volume_ml")) or 0.0 for row in rows), default=0.0) / SMALLER
    small = [row for row in rows if (number(row.get("volume_ml")) or 0.0) < limit]
    if len(small) < 2:
        return [(title, list(rows))]
    return [(title, [row for row in rows if row not in small]), (f"{title}, smaller structures", small)]


def unit_of(rows: Sequence[Row], modality: str) -> str:
    """The unit of a modality's intensities as the table tells it, or HU for CT."""
    told = next((row[f"unit_{modality}"] for row in rows if row.get(f"unit_{modality}")), "")
    return told or ("HU" if modality == "CT" else "raw")


def volume_interval(findings: Findings, value: str) -> tuple[float, float] | None:
    """The interval of a structure's volume, ml, if it was computed."""
    entry = _interval_entry(findings, value)
    low, high = number(entry.get("low_ml")), number(entry.get("high_ml"))
    return None if low is None or high is None else (low, high)


def interval_names(findings: Findings, values: Sequence[str]) -> list[str]:
    """What the interval of each of these structures is, such as ``"90 % interval"``; empty for one without."""
    return [
        interval_name(number(_interval_entry(findings, value).get("level"))) if volume_interval(findings, value) else ""
        for value in values
    ]


def _interval_entry(findings: Findings, value: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = (findings.uncertainty.get("volumes") or {}).get(str(value), {})
    return found


def _intervals(findings: Findings, values: Sequence[str]) -> dict[str, list[Cell]]:
    """The column of intervals: what they are is its title, or said in each cell where they differ; none without."""
    names = interval_names(findings, values)
    kinds = sorted(set(filter(None, names)))
    if not kinds:
        return {}
    title = kinds[0] if len(kinds) == 1 else "interval"
    spans = [span(volume_interval(findings, value)) for value in values]
    if len(kinds) > 1:
        spans = [f"{text} ({name})" if name else text for text, name in zip(spans, names, strict=True)]
    return {f"{title[0].upper()}{title[1:]} (ml)": [Cell(text) for text in spans]}


def _table(findings: Findings, title: str, rows: Sequence[Row]) -> Table:
    colors = {str(entry.value): entry.color for entry in findings.segmentation.classes}
    volumes = [number(row.get("volume_ml")) for row in rows]
    intervals = [volume_interval(findings, row["value"]) for row in rows]
    differences = [number(row.get("asymmetry_percent")) for row in rows]
    means = [name for name in findings.modalities if any(row.get(f"mean_{name}") for row in rows)]
    columns: Mapping[str, list[Cell]] = {
        "Structure": [Cell(row["name"], color=colors.get(row["value"])) for row in rows],
        "Volume (ml)": [
            Cell(shown(volume), bar) for volume, bar in zip(volumes, bars(volumes, intervals), strict=True)
        ],
        **_intervals(findings, [row["value"] for row in rows]),
        **(
            {"Asymmetry (%)": [Cell(_signed(difference)) for difference in differences]}
            if any(difference is not None for difference in differences)
            else {}
        ),
        **{
            f"Mean {name} ({unit_of(rows, name)})": [Cell(shown(number(row.get(f"mean_{name}")))) for row in rows]
            for name in means
        },
    }
    caption = f"{title}. Bars are to one scale within the table"
    caption += ", the line on a bar is the interval." if any(intervals) else "."
    if "Asymmetry (%)" in columns:
        caption += " Asymmetry is left minus right in percent of their mean."
    return Table(caption, tuple(columns), tuple(zip(*columns.values(), strict=True)))


def _signed(value: float | None) -> str:
    return "" if value is None else f"{value:+.0f}".replace("-", "\N{MINUS SIGN}")
