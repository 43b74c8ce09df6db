"""Two-way binding of parameters and widgets: which widget may show which type, as Slicer documents it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import vtk
from PySide6 import QtCore

# Widget class: types that it may be bound to, its property, and the signal of a change.
CONNECTORS: dict[str, tuple[tuple[type, ...], str, str]] = {
    "QCheckBox": ((bool,), "checked", "toggled(bool)"),
    "QPushButton": ((bool,), "checked", "toggled(bool)"),
    "QSlider": ((int,), "value", "valueChanged(int)"),
    "QSpinBox": ((int,), "value", "valueChanged(int)"),
    "QDoubleSpinBox": ((float,), "value", "valueChanged(double)"),
    "ctkSliderWidget": ((float,), "value", "valueChanged(double)"),
    "QLineEdit": ((str,), "text", "textChanged(QString)"),
    "QLabel": ((str,), "text", ""),
    "QComboBox": ((str, int, float, bool), "currentText", "currentIndexChanged(int)"),
    "qMRMLNodeComboBox": ((), "currentNode", "currentNodeChanged(vtkMRMLNode*)"),
}


@dataclass
class Binding:
    """One widget bound to one parameter."""

    wrapper: Any
    parameter: Any
    widget: Any
    busy: bool = False

    def __post_init__(self) -> None:
        name = self.widget.className()
        if name not in CONNECTORS:
            raise TypeError(f"{name} {self.widget.name!r} cannot be bound to a parameter in Slicer")
        types, self.property, self.signal = CONNECTORS[name]
        right = self.parameter.is_node if name == "qMRMLNodeComboBox" else self.parameter.kind in types
        if not right:
            raise TypeError(f"{name} {self.widget.name!r} cannot show {self.parameter.name}: {self.parameter.kind}")
        if name == "QPushButton" and not self.widget.checkable:
            raise TypeError(f"the button {self.widget.name!r} is not checkable: it cannot be bound")
        self._apply_annotations(name)

    def _apply_annotations(self, name: str) -> None:
        from parameter_node import Choice, Decimals, Maximum, Minimum, SingleStep, WithinRange

        choices = [note for note in self.parameter.notes if isinstance(note, Choice)]
        if name == "QComboBox":
            if not choices:
                raise TypeError(
                    f"{self.parameter.name} needs a Choice to be bound to the QComboBox {self.widget.name!r}"
                )
            self.widget.clear()
            for choice in choices[0].choices:
                self.widget.addItem(str(choice), choice)
        if self.property != "value":
            return
        for note in self.parameter.notes:
            if isinstance(note, (Minimum, WithinRange)):
                self.widget.minimum = note.minimum
            if isinstance(note, (Maximum, WithinRange)):
                self.widget.maximum = note.maximum
            if isinstance(note, SingleStep):
                self.widget.singleStep = note.value
            if isinstance(note, Decimals):
                self.widget.decimals = note.value

    def read(self) -> Any:
        if self.property == "currentNode":
            return self.widget.currentNode()
        if self.property == "currentText":
            return self.widget.itemData(self.widget.currentIndex)
        return getattr(self.widget, self.property)

    def show(self) -> None:
        value = getattr(self.wrapper, self.parameter.name)
        self.busy = True
        try:
            if self.property == "currentNode":
                self.widget.setCurrentNode(value)
            elif self.property == "currentText":
                self.widget.currentIndex = self.widget.findData(value)
            elif getattr(self.widget, self.property) != value:
                setattr(self.widget, self.property, value)
        finally:
            self.busy = False

    def keep(self) -> None:
        if not self.busy:
            setattr(self.wrapper, self.parameter.name, self.read())

    def start(self) -> None:
        self.show()
        if self.parameter.is_node:  # a selector without "None" has chosen by itself: the parameter follows it
            self.keep()
        if self.signal:
            self.widget.connect(self.signal, self.keep)

    def stop(self) -> None:
        if self.signal:
            self.widget.disconnect(self.signal, self.keep)


class Connections:
    """All bindings of one parameter node wrapper, by the tag that ``connectGui`` answered."""

    def __init__(self, wrapper: Any) -> None:
        self.wrapper, self.next_tag = wrapper, 1
        self.active: dict[int, tuple[list[Binding], int]] = {}

    def connect_named(self, gui: Any) -> int:
        widgets = gui.findChildren(QtCore.QObject) if isinstance(gui, QtCore.QObject) else vars(gui).values()
        named = {widget.property("SlicerParameterName"): widget for widget in widgets}
        named.pop(None, None)
        return self.connect(named)

    def connect(self, mapping: dict[str, Any]) -> int:
        known = self.wrapper.allParameters
        unknown = [name for name in mapping if name not in known]
        if unknown:
            raise ValueError(f"no parameter named {', '.join(unknown)}; there are {', '.join(known)}")
        bindings = [Binding(self.wrapper, known[name], widget) for name, widget in mapping.items()]
        for binding in bindings:
            binding.start()

        def follow(caller: Any, event: str) -> None:
            for binding in bindings:
                if not binding.busy:
                    binding.show()

        observer = self.wrapper.parameterNode.AddObserver(vtk.vtkCommand.ModifiedEvent, follow)
        tag, self.next_tag = self.next_tag, self.next_tag + 1
        self.active[tag] = (bindings, observer)
        return tag

    def disconnect(self, tag: int) -> None:
        bindings, observer = self.active.pop(tag)
        self.wrapper.parameterNode.RemoveObserver(observer)
        for binding in bindings:
            binding.stop()
