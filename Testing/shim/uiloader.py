"""Loads the ``.ui`` files of Qt Designer with the widget classes of the shim, and refuses what Slicer would lack."""

from __future__ import annotations

import functools
import operator
import xml.etree.ElementTree as ElementTree
from typing import Any

import pythonqt
from PySide6 import QtCore, QtUiTools, QtWidgets
from pythonqt import as_pythonqt, signal_of

DYNAMIC = {"SlicerParameterName", "SlicerPackParameterNamePrefix"}
"""Properties that no class declares; Designer writes them with ``stdset="0"``."""

NOT_IN_META = {("QLabel", "buddy")}
"""Properties that Qt's loader knows by itself."""

double_classes: dict[str, type] = {}
"""CTK and MRML widget classes by name; filled by widgets_ctk.py and widgets_mrml.py."""


class UiError(RuntimeError):
    """A ``.ui`` file that the application would not load as it was meant."""


def widget_class(name: str) -> type | None:
    """The class that stands for a widget class of the application, or None where there is none."""
    if name in double_classes:
        return double_classes[name]
    found = getattr(QtWidgets, name, None)
    return as_pythonqt(found) if isinstance(found, type) and issubclass(found, QtWidgets.QWidget) else None


class _Builder(QtUiTools.QUiLoader):
    """Makes the shim's widgets. It must never raise: an exception that crosses C++ ends the process."""

    def __init__(self) -> None:
        super().__init__()
        self.made: list[QtWidgets.QWidget] = []
        self.problems: list[str] = []

    def createWidget(self, className: str, parent: QtWidgets.QWidget | None = None, name: str = "") -> Any:
        try:
            cls = widget_class("QFrame" if className == "Line" else className)
            if cls is None:
                self.problems.append(f"the widget class {className} of {name!r} is not one that the shim knows")
                cls = as_pythonqt(QtWidgets.QWidget)
            widget = cls(parent)
            widget.setObjectName(name)
        except Exception as error:
            self.problems.append(f"{className} {name!r}: {error}")
            widget = QtWidgets.QWidget(parent)
        self.made.append(widget)  # PySide6 would delete it before C++ has taken it over
        return widget


class UiLoader:
    """Stands for ``qt.QUiLoader``."""

    def load(self, device: QtCore.QIODevice, parent: QtWidgets.QWidget | None = None) -> QtWidgets.QWidget:
        """The root widget of the file.

        Raises:
            UiError: an unknown class or property, or a connection between things that are not there.
        """
        tree = ElementTree.fromstring(bytes(device.readAll()))
        connections, flags = _take_out_connections(tree), _take_out_flags(tree)
        builder = _Builder()
        buffer = QtCore.QBuffer()
        buffer.setData(ElementTree.tostring(tree))
        buffer.open(QtCore.QIODevice.OpenModeFlag.ReadOnly)
        pythonqt.loading = True
        try:
            root = builder.load(buffer, parent)
        finally:
            pythonqt.loading = False
        if root is None:
            raise UiError(builder.errorString())
        widgets = {widget.objectName: widget for widget in builder.made}
        for name, property_name, value in flags:
            setattr(widgets[name], property_name, value)
        problems = builder.problems + _unknown_properties(tree, widgets)
        for connection in connections:
            problems += _connect(widgets, *connection)
        if problems:
            raise UiError("; ".join(problems))
        return root


def _take_out_connections(tree: ElementTree.Element) -> list[tuple[str, str, str, str]]:
    """Sender, signal, receiver and slot of each connection; they are made in Python, as C++ knows no doubles."""
    found = []
    for group in tree.findall("connections"):
        for one in group.findall("connection"):
            found.append(tuple((one.findtext(tag) or "").strip() for tag in ("sender", "signal", "receiver", "slot")))
        tree.remove(group)
    return found


def _take_out_flags(tree: ElementTree.Element) -> list[tuple[str, str, Any]]:
    """Widget, property and value of the flags that only a double knows, such as ``ctkPathLineEdit::Dirs``."""
    found = []
    for element in tree.iter("widget"):
        for entry in element.findall("property"):
            parts = [part.strip().split("::") for part in (entry.findtext("set") or "").split("|")]
            if all(part[0] in double_classes and len(part) > 1 for part in parts):
                members = [getattr(double_classes[part[0]], part[-1]) for part in parts]
                value = functools.reduce(operator.or_, members)
                found.append((element.get("name", ""), entry.get("name", ""), value))
                element.remove(entry)
    return found


def _unknown_properties(tree: ElementTree.Element, widgets: dict[str, Any]) -> list[str]:
    """Designer's loader would make a misspelt property a dynamic one without a word."""
    problems = []
    for element in tree.iter("widget"):
        widget = widgets.get(element.get("name", ""))
        for entry in element.findall("property"):
            name = entry.get("name", "")
            declared = widget is not None and widget.metaObject().indexOfProperty(name) >= 0
            if not declared and name not in DYNAMIC and (element.get("class"), name) not in NOT_IN_META:
                problems.append(f"{element.get('class')} {element.get('name')!r} has no property {name!r}")
    return problems


def _connect(widgets: dict[str, Any], sender: str, signal: str, receiver: str, slot: str) -> list[str]:
    if sender not in widgets or receiver not in widgets:
        return [f"a connection names {sender!r} or {receiver!r}, which is not in the file"]
    source, target = widgets[sender], widgets[receiver]
    function = getattr(target, slot.split("(")[0], None)
    if not callable(function):
        return [f"{target.metaObject().className()} {receiver!r} has no slot {slot!r}"]
    try:
        signal_of(source, signal)
        source.connect(signal, function)
    except ValueError as error:
        return [str(error)]
    return []
