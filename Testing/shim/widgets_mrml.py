"""Stand-ins for the MRML widgets that the panel may use; they follow the real scene."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import shiboken6
import slicer
import vtk
from PySide6 import QtCore, QtWidgets
from pythonqt import properties
from widgets_ctk import Property, Signal, Widget, offered

Scene = slicer.vtkMRMLScene
Node = Any
CHANGES = (Scene.NodeAddedEvent, Scene.NodeRemovedEvent, Scene.EndCloseEvent, Scene.EndImportEvent)
CHANGES += (Scene.EndRestoreEvent, Scene.EndBatchProcessEvent)


def observe(widget: QtCore.QObject, subject: Any, events: tuple[int, ...], react: Callable[[], None]) -> None:
    """Call ``react`` after events of a MRML object, for as long as the widget lives; replaces earlier ones."""
    stop_observing(widget, subject)

    def deliver(caller: Any, event: str) -> None:
        if shiboken6.isValid(widget):
            react()

    widget._d["observed"][subject] = [subject.AddObserver(event, deliver) for event in events]


def stop_observing(widget: QtCore.QObject, subject: Any) -> None:
    for tag in widget._d["observed"].pop(subject, ()):
        subject.RemoveObserver(tag)


@offered
class qMRMLWidget(Widget, strict=True):
    """A widget that knows the scene and hands it on to its children."""

    mrmlSceneChanged = Signal(object)
    signalAliases = {"mrmlSceneChanged(vtkMRMLScene*)": "mrmlSceneChanged(PyObject)"}

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self._d = {"scene": None, "observed": {}}

    def mrmlScene(self) -> Any:
        return self._d["scene"]

    def setMRMLScene(self, scene: Any) -> None:
        if scene is not self._d["scene"]:
            self._d["scene"] = scene
            self.mrmlSceneChanged.emit(scene)


NODE_SIGNALS = {
    f"{name}(vtkMRMLNode*)": f"{name}(PyObject)"
    for name in ("nodeActivated", "nodeAdded", "nodeAddedByUser", "nodeAddedByUserAction", "nodeAboutToBeRemoved")
    + ("nodeAboutToBeEdited", "currentNodeRenamed")
} | {"currentNodeChanged(vtkMRMLNode*)": "currentNodeChanged(PyObject)", "currentNodeChanged(bool)": "_validNode(bool)"}


@offered
class qMRMLNodeComboBox(Widget, strict=True):
    """A list of the scene's nodes of some classes, disabled until it has a scene."""

    currentNodeChanged, currentNodeIDChanged, _validNode = Signal(object), Signal(str), Signal(bool)
    nodeActivated, nodeAdded, nodeAddedByUser = Signal(object), Signal(object), Signal(object)
    nodeAddedByUserAction, nodeAboutToBeRemoved, nodeAboutToBeEdited = Signal(object), Signal(object), Signal(object)
    currentNodeRenamed = Signal(object)
    signalAliases = NODE_SIGNALS
    vars().update(
        properties(
            nodeTypes=("QStringList", []),
            hideChildNodeTypes=("QStringList", []),
            showHidden=(bool, False),
            showChildNodeTypes=(bool, True),
            noneEnabled=(bool, False),
            noneDisplay=(str, "None"),
            addEnabled=(bool, True),
            removeEnabled=(bool, True),
            editEnabled=(bool, False),
            renameEnabled=(bool, False),
            selectNodeUponCreation=(bool, True),
            baseName=(str, ""),
            interactionNodeSingletonTag=(str, "Singleton"),
        )
    )

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        box = QtWidgets.QComboBox(self)
        row = QtWidgets.QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(box)
        self._d = {"scene": None, "observed": {}, "nodes": [], "id": "", "attributes": {}, "box": box}
        self._d["enabled"] = True
        box.setSizeAdjustPolicy(QtWidgets.QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        box.setMinimumContentsLength(8)
        box.activated.connect(lambda index: self._activate(index))
        box.setEnabled(False)
        self.setFocusProxy(box)

    # The scene

    def mrmlScene(self) -> Any:
        return self._d["scene"]

    def setMRMLScene(self, scene: Any) -> None:
        if self._d["scene"] is not None:
            stop_observing(self, self._d["scene"])
        self._d["scene"] = scene
        self._d["box"].setEnabled(scene is not None)
        if scene is not None:
            observe(self, scene, CHANGES, self._follow)
        self._follow()

    def _changed(self, name: str) -> None:
        self._follow()

    def _is_of_a_wanted_class(self, node: Node) -> bool:
        if not any(node.IsA(kind) for kind in self.nodeTypes):
            return False
        return self.showChildNodeTypes or node.GetClassName() in self.nodeTypes

    def _accepts(self, node: Node) -> bool:
        if node.GetHideFromEditors() and not self.showHidden:
            return False
        if any(node.IsA(hidden) for hidden in self.hideChildNodeTypes):
            return False
        for (of, attribute), value in self._d["attributes"].items():
            has = node.GetAttribute(attribute)
            if node.IsA(of) and (has is None or (value is not None and has != str(value))):
                return False
        return True

    def _follow(self) -> None:
        scene = self._d["scene"]
        if scene is not None and scene.IsBatchProcessing():
            return
        every = [scene.GetNthNode(index) for index in range(scene.GetNumberOfNodes())] if scene is not None else []
        candidates = [node for node in every if self._is_of_a_wanted_class(node)]
        for node in candidates:  # also of those that a filter hides now: what it looks at may change
            if node not in self._d["observed"]:
                observe(self, node, (vtk.vtkCommand.ModifiedEvent,), self._follow)
        for gone in set(self._d["observed"]) - {*candidates, scene}:
            stop_observing(self, gone)
        before, nodes = self._d["nodes"], [node for node in candidates if self._accepts(node)]
        self._d["nodes"] = nodes
        identifiers = [node.GetID() for node in nodes]
        wanted = self._d["id"] if self._d["id"] in identifiers else ""
        if not wanted and not self.noneEnabled and identifiers:
            wanted = identifiers[0]
        self._show()
        self._select(wanted)
        for node in nodes:
            if node not in before:
                self.nodeAdded.emit(node)

    def _show(self) -> None:
        box = self._d["box"]
        items = [(self.noneDisplay, "")] if self.noneEnabled else []
        items += [(node.GetName() or "", node.GetID()) for node in self._d["nodes"]]
        box.blockSignals(True)
        if items != [(box.itemText(index), box.itemData(index)) for index in range(box.count)]:
            box.clear()
            for text, identifier in items:
                box.addItem(text, identifier)
        box.setCurrentIndex(box.findData(self._d["id"]))
        box.blockSignals(False)

    # The choice

    def _select(self, identifier: str) -> None:
        if identifier == self._d["id"]:
            return
        self._d["id"] = identifier
        self._show()
        node = self.currentNode()
        self.currentNodeChanged.emit(node)
        self._validNode.emit(node is not None)
        self.currentNodeIDChanged.emit(identifier)

    def _activate(self, index: int) -> None:
        self._select(self._d["box"].itemData(index) or "")
        self.nodeActivated.emit(self.currentNode())

    def currentNode(self) -> Node:
        return next((node for node in self._d["nodes"] if node.GetID() == self._d["id"]), None)

    def setCurrentNode(self, node: Node) -> None:
        self.setCurrentNodeID(node if isinstance(node, str) else node.GetID() if node is not None else "")

    def setCurrentNodeID(self, identifier: str) -> None:
        known = any(node.GetID() == identifier for node in self._d["nodes"])
        self._select(identifier if known else "")

    def setCurrentNodeIndex(self, index: int) -> None:
        self.setCurrentNode(self.nodeFromIndex(index))

    currentNodeID = Property(str, lambda self: self._d["id"], setCurrentNodeID, notify=currentNodeIDChanged)

    def nodes(self) -> list[Node]:
        return list(self._d["nodes"])

    def nodeCount(self) -> int:
        return len(self._d["nodes"])

    def nodeFromIndex(self, index: int) -> Node:
        return self._d["nodes"][index] if 0 <= index < len(self._d["nodes"]) else None

    # What may be chosen

    def addAttribute(self, nodeType: str, name: str, value: Any = None) -> None:
        self._d["attributes"][nodeType, name] = value
        self._follow()

    def removeAttribute(self, nodeType: str, name: str) -> None:
        self._d["attributes"].pop((nodeType, name), None)
        self._follow()

    def addNode(self, nodeType: str = "") -> Node:
        """Create a node as the menu entry does; the attributes to filter by are set on it."""
        kind = nodeType or self.nodeTypes[0]
        node = self._d["scene"].AddNewNodeByClass(kind, self._d["scene"].GenerateUniqueName(self.baseName or kind))
        for (of, name), value in self._d["attributes"].items():
            if node.IsA(of):
                node.SetAttribute(name, str(value))
        self._follow()
        if self.selectNodeUponCreation:
            self.setCurrentNode(node)
        self.nodeAddedByUserAction.emit(node)
        return node

    def removeCurrentNode(self) -> None:
        self._d["scene"].RemoveNode(self.currentNode())
