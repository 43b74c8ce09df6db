"""Stand-in for the list of nodes with a check mark each."""

from __future__ import annotations

from PySide6 import QtCore
from widgets_ctk import Signal, offered
from widgets_mrml import Node, qMRMLNodeComboBox


@offered
class qMRMLCheckableNodeComboBox(qMRMLNodeComboBox, strict=True):
    """A list of nodes with a check mark each."""

    checkedNodesChanged = Signal()

    def _checked(self) -> set[str]:
        return self._d.setdefault("checked", set())

    def checkedNodes(self) -> list[Node]:
        return [node for node in self.nodes() if node.GetID() in self._checked()]

    def uncheckedNodes(self) -> list[Node]:
        return [node for node in self.nodes() if node.GetID() not in self._checked()]

    def allChecked(self) -> bool:
        return not self.uncheckedNodes()

    def noneChecked(self) -> bool:
        return not self.checkedNodes()

    def checkState(self, node: Node) -> QtCore.Qt.CheckState:
        checked = node is not None and node.GetID() in self._checked()
        return QtCore.Qt.CheckState.Checked if checked else QtCore.Qt.CheckState.Unchecked

    def setCheckState(self, node: Node, state: QtCore.Qt.CheckState) -> None:
        before = self.checkedNodes()
        (self._checked().add if QtCore.Qt.CheckState(state).value else self._checked().discard)(node.GetID())
        if self.checkedNodes() != before:
            self.checkedNodesChanged.emit()

    def check(self, node: Node) -> None:
        self.setCheckState(node, QtCore.Qt.CheckState.Checked)

    def uncheck(self, node: Node) -> None:
        self.setCheckState(node, QtCore.Qt.CheckState.Unchecked)
