"""Stand-in for the table of segments; it follows the real segmentation node."""

from __future__ import annotations

import slicer
from PySide6 import QtCore, QtGui, QtWidgets
from pythonqt import properties
from widgets_ctk import Property, Signal, offered
from widgets_mrml import Node, observe, qMRMLWidget, stop_observing


@offered
class qMRMLSegmentsTableView(qMRMLWidget, strict=True):
    """A table of the segments: visibility, color, opacity, name."""

    selectionChanged = Signal(QtCore.QItemSelection, QtCore.QItemSelection)
    segmentAboutToBeModified = Signal(str)
    vars().update(
        properties(
            selectionMode=(int, 3),
            headerVisible=(bool, True),
            visibilityColumnVisible=(bool, True),
            colorColumnVisible=(bool, True),
            opacityColumnVisible=(bool, True),
            statusColumnVisible=(bool, False),
            layerColumnVisible=(bool, False),
            readOnly=(bool, False),
            filterBarVisible=(bool, False),
            textFilter=(str, ""),
            jumpToSelectedSegmentEnabled=(bool, False),
            useTerminologySelector=(bool, True),
        )
    )

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        table = QtWidgets.QTableWidget(0, 4, self)
        column = QtWidgets.QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(table)
        self._d |= {"table": table, "segmentation": None, "hidden": [], "filling": False}
        table.setHorizontalHeaderLabels(["", "", "Opacity", "Name"])
        table.horizontalHeader().setStretchLastSection(True)
        table.setSelectionBehavior(QtWidgets.QAbstractItemView.SelectionBehavior.SelectRows)
        table.verticalHeader().hide()
        table.selectionModel().selectionChanged.connect(lambda new, old: self.selectionChanged.emit(new, old))
        table.itemChanged.connect(lambda item: self._edited(item))

    def tableWidget(self) -> QtWidgets.QTableWidget:
        return self._d["table"]

    def segmentationNode(self) -> Node:
        return self._d["segmentation"]

    def setSegmentationNode(self, node: Node) -> None:
        if self._d["segmentation"] is not None:
            stop_observing(self, self._d["segmentation"])
        self._d["segmentation"] = node
        if node is not None:
            events = (slicer.vtkSegmentation.SegmentAdded, slicer.vtkSegmentation.SegmentRemoved)
            observe(self, node, (*events, slicer.vtkSegmentation.SegmentModified), self._fill)
        self._fill()

    def _changed(self, name: str) -> None:
        self._fill()

    def displayedSegmentIDs(self) -> list[str]:
        node = self._d["segmentation"]
        if node is None or node.GetSegmentation() is None:
            return []
        segmentation, wanted = node.GetSegmentation(), self.textFilter.lower()
        shown = (i for i in segmentation.GetSegmentIDs() if i not in self._d["hidden"])
        return [i for i in shown if wanted in (segmentation.GetSegment(i).GetName() or "").lower()]

    def _fill(self) -> None:
        table, node = self._d["table"], self._d["segmentation"]
        self._d["filling"] = True
        identifiers = self.displayedSegmentIDs()
        table.setRowCount(len(identifiers))
        for row, identifier in enumerate(identifiers):
            segment, display = node.GetSegmentation().GetSegment(identifier), node.GetDisplayNode()
            cells = [QtWidgets.QTableWidgetItem(text) for text in ("", "", "1.00", segment.GetName() or "")]
            visible = display is None or display.GetSegmentVisibility(identifier)
            cells[0].setCheckState(QtCore.Qt.CheckState.Checked if visible else QtCore.Qt.CheckState.Unchecked)
            cells[1].setBackground(QtGui.QColor.fromRgbF(*segment.GetColor()))
            cells[3].setData(QtCore.Qt.ItemDataRole.UserRole, identifier)
            for index, cell in enumerate(cells):
                table.setItem(row, index, cell)
        shown = (self.visibilityColumnVisible, self.colorColumnVisible, self.opacityColumnVisible)
        for index, visible in enumerate(shown):
            table.setColumnHidden(index, not visible)
            table.setColumnWidth(index, 60 if index == 2 else 28)
        table.horizontalHeader().setVisible(self.headerVisible)
        self._d["filling"] = False

    def _edited(self, item: QtWidgets.QTableWidgetItem) -> None:
        node = self._d["segmentation"]
        if self._d["filling"] or node is None:
            return
        identifier = self.segmentIDForRow(item.row())
        self.segmentAboutToBeModified.emit(identifier)
        if item.column() == 0 and node.GetDisplayNode() is not None:
            node.GetDisplayNode().SetSegmentVisibility(identifier, item.checkState() == QtCore.Qt.CheckState.Checked)
        elif item.column() == 3:
            node.GetSegmentation().GetSegment(identifier).SetName(item.text())

    segmentCount = Property(int, lambda self: len(self.displayedSegmentIDs()))

    def segmentIDForRow(self, row: int) -> str:
        return self.displayedSegmentIDs()[row]

    def rowForSegmentID(self, identifier: str) -> int:
        return self.displayedSegmentIDs().index(identifier)

    def hideSegments(self) -> list[str]:
        return list(self._d["hidden"])

    def setHideSegments(self, identifiers: list[str]) -> None:
        self._d["hidden"] = list(identifiers)
        self._fill()

    def selectedSegmentIDs(self) -> list[str]:
        rows = sorted(index.row() for index in self._d["table"].selectionModel().selectedRows())
        return [self.segmentIDForRow(row) for row in rows]

    def setSelectedSegmentIDs(self, identifiers: list[str]) -> None:
        self.clearSelection()
        model = self._d["table"].selectionModel()
        flags = QtCore.QItemSelectionModel.SelectionFlag
        for identifier in identifiers:
            index = self._d["table"].model().index(self.rowForSegmentID(identifier), 0)
            model.select(index, flags.Select | flags.Rows)

    def clearSelection(self) -> None:
        self._d["table"].clearSelection()
