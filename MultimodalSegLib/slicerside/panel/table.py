"""A table of the result, in the panel and in Slicer's table view."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

from ..packages import slicer
from .choices import Node
from .widgets import chosen, fill

MOST_ROWS = 400
TECHNICAL = ("value", "voxels", "message")
"""Columns that only the table in the view shows."""
PERCENTILE = re.compile(r"p\d+_")
"""Begin of the names of others."""
UNITS = ("ml", "mm", "mm2", "percent")


class TableControl:
    """List of a result's tables, the chosen one below it, and the button that opens it in the view.

    Args:
        ui: the form's widgets.
    """

    def __init__(self, ui: Any) -> None:
        self.ui = ui
        ui.openTableButton.connect("clicked(bool)", lambda _checked: self.onOpenTable())
        ui.tableBox.connect("currentIndexChanged(int)", lambda _index: self.show())

    def offer(self, tables: Sequence[Node], volume: str) -> None:
        """List tables and show the chosen one.

        Args:
            tables: table nodes.
            volume: name of the reference; the tables' names begin with it, as the segmentation's does.
        """
        fill(self.ui.tableBox, {table.GetID(): _title(table, volume) for table in tables})
        self.show()

    def show(self) -> None:
        """Fill the table of the panel from the chosen table node."""
        view, node = self.ui.tableView, slicer.mrmlScene.GetNodeByID(chosen(self.ui.tableBox) or "none")
        for name in ("tableLabel", "tableBox", "openTableButton", "tableView"):
            getattr(self.ui, name).visible = node is not None
        view.setRowCount(0)
        if node is None:
            return
        import qt

        table = node.GetTable()
        names = [table.GetColumn(number).GetName() for number in range(table.GetNumberOfColumns())]
        columns = [n for n, name in enumerate(names) if name not in TECHNICAL and not PERCENTILE.match(name)]
        view.setColumnCount(len(columns))
        view.setHorizontalHeaderLabels([heading(names[number]) for number in columns])
        view.setRowCount(min(table.GetNumberOfRows(), MOST_ROWS))
        view.verticalHeader().visible = False
        for row in range(view.rowCount):
            for place, number in enumerate(columns):
                view.setItem(row, place, qt.QTableWidgetItem(cell(table.GetValue(row, number))))
        view.resizeColumnsToContents()
        view.resizeRowsToContents()

    def onOpenTable(self) -> None:
        """Show the table in Slicer's table view."""
        node = slicer.mrmlScene.GetNodeByID(chosen(self.ui.tableBox))
        if node is None:
            return
        selection = slicer.app.applicationLogic().GetSelectionNode()
        selection.SetActiveTableID(node.GetID())
        slicer.app.layoutManager().setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpTableView)
        slicer.app.applicationLogic().PropagateTableSelection()


def heading(name: str) -> str:
    """A column's name as it is shown, with its unit: ``"volume_ml"`` as ``"Volume (ml)"``."""
    words, _line, unit = name.rpartition("_")
    if unit not in UNITS:
        words, unit = name, ""
    text = words.replace("_", " ").capitalize()
    return f"{text} ({unit})" if unit else text


def cell(value: Any) -> str:
    """A table's value as it is shown: four digits, nothing for a missing number."""
    text = value.ToString() if hasattr(value, "ToString") else str(value)
    try:
        number = float(text)
    except ValueError:
        return text
    if math.isnan(number):
        return ""
    return f"{number:.0f}" if number.is_integer() and abs(number) < 1e9 else f"{number:.4g}"


def _title(table: Node, volume: str) -> str:
    return str(table.GetName().removeprefix(volume).strip() or table.GetName()).capitalize()
