"""Table nodes from CSV files and records."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..packages import slicer, vtk
from .nodes import Node


def table_from_csv(path: Path, name: str) -> Node:
    """A table node with the content of a CSV file; columns of numbers hold numbers, empty cells are NaN there.

    Raises:
        OSError: the file cannot be read.
    """
    return table_node(columns_of(path), name)


def columns_of(path: Path) -> dict[str, list[str]]:
    """The cells of a CSV file by title.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    head, body = (rows[0], rows[1:]) if rows else ([], [])
    return {title: [row[n] for row in body] for n, title in enumerate(head)}


def has_rows(path: Path) -> bool:
    """Whether a CSV file holds more than its titles.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open(newline="", encoding="utf-8") as file:
        return len(list(csv.reader(file))) > 1


def table_from_records(records: Mapping[str, Mapping[str, Any]], first: str, name: str) -> Node:
    """A table node with one row a record: its key in the column ``first``, then its values."""
    titles = list(dict.fromkeys(title for record in records.values() for title in record))
    columns = {title: [_text(record.get(title, "")) for record in records.values()] for title in titles}
    return table_node({first: list(records), **columns}, name)


def flat(record: Mapping[str, Any]) -> dict[str, Any]:
    """A record without records in it: their values get both keys as one, such as ``landmarks_mean_mm``."""
    found: dict[str, Any] = {}
    for key, value in record.items():
        found |= {f"{key}_{name}": each for name, each in value.items()} if isinstance(value, Mapping) else {key: value}
    return found


def table_node(columns: Mapping[str, Sequence[str]], name: str) -> Node:
    """A locked table node; every column has its title."""
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTableNode", name)
    fill_table(node, columns)
    node.SetUseColumnTitleAsColumnHeader(True)
    node.SetLocked(True)
    return node


def fill_table(node: Node, columns: Mapping[str, Sequence[str]]) -> None:
    """Replace the content of a table node."""
    table = vtk.vtkTable()
    for title, cells in columns.items():
        table.AddColumn(_column(title, cells))
    node.SetAndObserveTable(table)


def _column(title: str, cells: Sequence[str]) -> Any:
    numbers = [_number(cell) for cell in cells]
    column: Any
    if any(cells) and all(number is not None for number in numbers):
        whole = all(cell and float(cell).is_integer() and "." not in cell and "e" not in cell for cell in cells)
        column = vtk.vtkLongLongArray() if whole else vtk.vtkDoubleArray()
        for number in numbers:
            column.InsertNextValue(int(number or 0) if whole else number)
    else:
        column = vtk.vtkStringArray()
        for cell in cells:
            column.InsertNextValue(cell)
    column.SetName(title)
    return column


def _number(cell: str) -> float | None:
    try:
        return float(cell) if cell else float("nan")
    except ValueError:
        return None


def _text(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)
