"""The structures: volumes with intervals, differences of the sides, mean intensities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..document.content import Block, Cell, Section, Table
from ..findings import Findings, Row, number
from .figures import bars, shown, span

GROUPS = {"brain": "Brain", "csf": "Cerebrospinal fluid", "bone": "Bone", "soft tissue": "Soft tissue"}
OTHER = "Other structures"
UNITS = {"CT": "HU"}


def structures(findings: Findings) -> list[Section]:
    """A table for each group of structures; none without measurements."""
    classes = {entry.value: entry for entry in findings.segmentation.classes}
    known = [(row, classes.get(int(number(row.get("value")) or 0))) for row in findings.structures]
    groups: dict[str, list[Row]] = {title: [] for title in (*GROUPS.values(), OTHER)}
    for row, entry in known:
        if entry is not None and entry.group != "lesion" and row.get("name") == entry.name:
            groups[GROUPS.get(entry.group, OTHER)].append(row)
    tables: list[Block] = [_table(findings, title, rows) for title, rows in groups.items() if rows]
    return [Section("Structures", tuple(tables))] if tables else []


def volume_interval(findings: Findings, value: str) -> tuple[float, float] | None:
    """The interval of a structure's volume, ml, if it was computed."""
    entry = findings.uncertainty.get("volumes", {}).get(str(value), {})
    low, high = number(entry.get("low_ml")), number(entry.get("high_ml"))
    return None if low is None or high is None else (low, high)


def interval_title(findings: Findings) -> str:
    """Title of a column of intervals, with their level."""
    levels = [number(entry.get("level")) for entry in findings.uncertainty.get("volumes", {}).values()]
    level = next((level for level in levels if level is not None), None)
    return "Interval (ml)" if level is None else f"{100 * level:.0f} % interval (ml)"


def asymmetries(rows: Sequence[Row]) -> dict[str, float]:
    """By name of a structure the difference of left and right, in percent of their mean; positive if left is larger."""
    volumes = {row["name"]: number(row.get("volume_ml")) for row in rows}
    found = {}
    for name, left in volumes.items():
        partner = name.replace("Left ", "Right ", 1)
        right = volumes.get(partner) if partner != name else None
        if left is not None and right is not None and left + right > 0:
            found[name] = found[partner] = 100 * (left - right) / (0.5 * (left + right))
    return found


def _table(findings: Findings, title: str, rows: Sequence[Row]) -> Table:
    colors = {str(entry.value): entry.color for entry in findings.segmentation.classes}
    volumes = [number(row.get("volume_ml")) for row in rows]
    intervals = [volume_interval(findings, row["value"]) for row in rows]
    differences = asymmetries(rows)
    means = [name for name in findings.modalities if any(row.get(f"mean_{name}") for row in rows)]
    columns: Mapping[str, list[Cell]] = {
        "Structure": [Cell(row["name"], color=colors.get(row["value"])) for row in rows],
        "Volume (ml)": [
            Cell(shown(volume), bar) for volume, bar in zip(volumes, bars(volumes, intervals), strict=True)
        ],
        **({interval_title(findings): [Cell(span(interval)) for interval in intervals]} if any(intervals) else {}),
        **(
            {"Left to right (%)": [Cell(_signed(differences.get(row["name"]))) for row in rows]} if differences else {}
        ),
        **{
            f"Mean {name}" + (f" ({UNITS[name]})" if name in UNITS else ""): [
                Cell(shown(number(row.get(f"mean_{name}")))) for row in rows
            ]
            for name in means
        },
    }
    caption = f"{title}. Bars are to one scale within the table"
    caption += ", the line on a bar is the interval." if any(intervals) else "."
    return Table(caption, tuple(columns), tuple(zip(*columns.values(), strict=True)))


def _signed(value: float | None) -> str:
    return "" if value is None else f"{value:+.0f}".replace("-", "\N{MINUS SIGN}")
