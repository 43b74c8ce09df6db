"""Stand-ins for the CTK widgets that the panel may use; properties and signals are those of the CTK headers."""

from __future__ import annotations

import enum

from dialogs import recorder
from PySide6 import QtCore, QtWidgets
from pythonqt import as_pythonqt, properties
from uiloader import double_classes

Property, Signal = QtCore.Property, QtCore.Signal
Widget = as_pythonqt(QtWidgets.QWidget)


def offered(cls: type) -> type:
    """Class decorator: a stand-in that ``.ui`` files may name."""
    double_classes[cls.__name__] = cls
    return cls


@offered
class ctkSliderWidget(Widget, strict=True):
    """A slider and a spin box that show one number."""

    valueChanged = Signal(float)
    valueIsChanging = Signal(float)
    vars().update(
        properties(
            decimals=(int, 2),
            singleStep=(float, 1.0),
            pageStep=(float, 10.0),
            minimum=(float, 0.0),
            maximum=(float, 99.0),
            prefix=(str, ""),
            suffix=(str, ""),
            tickInterval=(float, 0.0),
            tracking=(bool, True),
            spinBoxVisible=(bool, True),
            popupSlider=(bool, False),
            autoSpinBoxWidth=(bool, False),
        )
    )

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        slider, box = QtWidgets.QSlider(QtCore.Qt.Orientation.Horizontal, self), QtWidgets.QDoubleSpinBox(self)
        row = QtWidgets.QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(slider, 1)
        row.addWidget(box)
        self._d = {"slider": slider, "box": box}
        slider.setRange(0, 1000)
        slider.sliderMoved.connect(lambda position: self._slide(position))
        box.valueChanged.connect(lambda value: self._show(value))
        self.setFocusProxy(box)
        self._changed("maximum")

    def _changed(self, name: str) -> None:
        box = self._d["box"]
        box.setDecimals(self.decimals)
        box.setRange(self.minimum, max(self.minimum, self.maximum))
        box.setSingleStep(self.singleStep)
        box.setPrefix(self.prefix)
        box.setSuffix(self.suffix)
        box.setVisible(self.spinBoxVisible)
        self._place()

    def _place(self) -> None:
        span = self.maximum - self.minimum
        self._d["slider"].setValue(round(1000 * (self.value - self.minimum) / span) if span else 0)

    def _slide(self, position: int) -> None:
        self.setValue(self.minimum + position / 1000 * (self.maximum - self.minimum))

    def _show(self, value: float) -> None:
        self._place()
        self.valueChanged.emit(value)

    def setValue(self, value: float) -> None:
        self._d["box"].setValue(value)

    def reset(self) -> None:
        self.setValue(0.0)

    value = Property(float, lambda self: self._d["box"].value, setValue, notify=valueChanged)


@offered
class ctkPathLineEdit(Widget, strict=True):
    """A path to type or to browse for."""

    currentPathChanged = Signal(str)
    validInputChanged = Signal(bool)

    class Filters(enum.Flag):
        Dirs, Files, Drives, Readable, Writable, Executable = 1, 2, 4, 16, 32, 64
        Hidden, NoDotAndDotDot, NoDot, NoDotDot = 0x100, 0x1000, 0x2000, 0x4000

    QtCore.QFlag(Filters)
    Dirs, Files, Drives, Readable = Filters.Dirs, Filters.Files, Filters.Drives, Filters.Readable
    Writable, Executable, Hidden = Filters.Writable, Filters.Executable, Filters.Hidden
    NoDotAndDotDot, NoDot, NoDotDot = Filters.NoDotAndDotDot, Filters.NoDot, Filters.NoDotDot
    vars().update(
        properties(
            label=(str, ""),
            filters=(Filters, Filters.Dirs | Filters.Files | Filters.Drives),
            options=(int, 0),
            settingKey=(str, ""),
            nameFilters=("QStringList", []),
            showBrowseButton=(bool, True),
            showHistoryButton=(bool, True),
            minimumContentsLength=(int, 0),
        )
    )

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        line, button = QtWidgets.QLineEdit(self), QtWidgets.QToolButton(self)
        button.setText("...")
        row = QtWidgets.QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(line, 1)
        row.addWidget(button)
        self._d = {"line": line, "button": button, "history": []}
        line.textChanged.connect(lambda path: self.currentPathChanged.emit(path))
        button.clicked.connect(lambda: self.browse())
        self.setFocusProxy(line)

    def _changed(self, name: str) -> None:
        self._d["button"].setVisible(self.showBrowseButton)

    def setCurrentPath(self, path: str) -> None:
        self._d["line"].setText(str(path))

    def browse(self) -> None:
        path = recorder.note("file" if self.filters & self.Files else "folder", self.label, default="")
        if path:
            self.setCurrentPath(path)

    def addCurrentPathToHistory(self) -> None:
        self._d["history"].append(self.currentPath)

    def retrieveHistory(self) -> None:
        """Nothing was ever kept."""

    currentPath = Property(str, lambda self: self._d["line"].text, setCurrentPath, notify=currentPathChanged)
