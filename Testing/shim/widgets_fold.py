"""Stand-ins for the two CTK widgets that fold a section of the panel away."""

from __future__ import annotations

from typing import Any

from PySide6 import QtCore, QtGui, QtWidgets
from pythonqt import as_pythonqt, properties
from widgets_ctk import Property, Signal, offered


class _Fold(QtCore.QObject):
    """Hides the children of a folded section and remembers which of them would be visible."""

    def __init__(self, section: QtWidgets.QWidget) -> None:
        super().__init__(section)
        self.section, self.folded, self.working = section, False, False
        self.wanted: dict[QtWidgets.QWidget, bool] = {}
        section.installEventFilter(self)

    def set(self, folded: bool) -> None:
        if folded == self.folded:
            return
        self.working = True
        children = [c for c in self.section.children() if isinstance(c, QtWidgets.QWidget)]
        if folded:
            self.wanted = {child: not child.isHidden() for child in children}
        for child in children:
            child.setVisible(not folded and self.wanted.get(child, True))
        self.folded, self.working = folded, False

    def eventFilter(self, watched: QtCore.QObject, event: QtCore.QEvent) -> bool:
        kind = event.type()
        if watched is self.section:
            if kind == QtCore.QEvent.Type.ChildPolished and isinstance(event.child(), QtWidgets.QWidget):
                event.child().installEventFilter(self)
                if self.folded and not self.working:
                    self.wanted.setdefault(
                        event.child(),
                        not event.child().testAttribute(QtCore.Qt.WidgetAttribute.WA_WState_ExplicitShowHide),
                    )
                    self.working = True
                    event.child().hide()
                    self.working = False
        elif (
            self.folded
            and not self.working
            and kind
            in (
                QtCore.QEvent.Type.ShowToParent,
                QtCore.QEvent.Type.HideToParent,
            )
        ):
            self.wanted[watched] = kind == QtCore.QEvent.Type.ShowToParent
            self.working = True
            watched.hide()
            self.working = False
        return False


@offered
class ctkCollapsibleButton(as_pythonqt(QtWidgets.QAbstractButton), strict=True):
    """A header that folds the section below it; checked means open."""

    contentsCollapsed = Signal(bool)

    def __init__(self, text: Any = "", parent: QtWidgets.QWidget | None = None) -> None:
        text, parent = (text, parent) if isinstance(text, str) else ("", text)
        super().__init__(parent)
        self._d = {"fold": _Fold(self)}
        self.setText(text)
        self.setCheckable(True)
        self.setChecked(True)
        self.setContentsMargins(0, self._header(), 0, 0)
        self.setSizePolicy(QtWidgets.QSizePolicy.Policy.Preferred, QtWidgets.QSizePolicy.Policy.Preferred)
        self.toggled.connect(lambda opened: self._open(opened))

    def _header(self) -> int:
        return self.fontMetrics().height() + 10

    def _open(self, opened: bool) -> None:
        self._d["fold"].set(not opened)
        self.setMaximumHeight(16777215 if opened else self._header() + self.collapsedHeight)
        self.contentsCollapsed.emit(not opened)

    def setCollapsed(self, collapsed: bool) -> None:
        self.setChecked(not collapsed)

    collapsed = Property(bool, lambda self: not self.isChecked(), setCollapsed, notify=contentsCollapsed)

    vars().update(
        properties(
            collapsedHeight=(int, 10),
            contentsFrameShape=(QtWidgets.QFrame.Shape, QtWidgets.QFrame.Shape.NoFrame),
            contentsFrameShadow=(QtWidgets.QFrame.Shadow, QtWidgets.QFrame.Shadow.Plain),
            contentsLineWidth=(int, 1),
            contentsMidLineWidth=(int, 0),
            buttonTextAlignment=(QtCore.Qt.AlignmentFlag, QtCore.Qt.AlignmentFlag.AlignLeft),
            indicatorAlignment=(QtCore.Qt.AlignmentFlag, QtCore.Qt.AlignmentFlag.AlignLeft),
        )
    )

    def hitButton(self, position: QtCore.QPoint) -> bool:
        return position.y() < self._header()

    def sizeHint(self) -> QtCore.QSize:
        inside = self.layout().totalSizeHint() if self.layout() and self.isChecked() else QtCore.QSize(0, 0)
        width = self.fontMetrics().horizontalAdvance(self.text) + 40
        return QtCore.QSize(max(width, inside.width()), max(self._header(), inside.height()))

    def minimumSizeHint(self) -> QtCore.QSize:
        inside = self.layout().totalMinimumSize() if self.layout() and self.isChecked() else QtCore.QSize(0, 0)
        return QtCore.QSize(max(60, inside.width()), max(self._header(), inside.height()))

    def paintEvent(self, event: QtGui.QPaintEvent) -> None:
        painter = QtGui.QPainter(self)
        header = QtCore.QRect(0, 0, self.width, self._header())
        painter.fillRect(header, self.palette.color(QtGui.QPalette.ColorRole.Button).darker(108))
        sign = "\N{BLACK DOWN-POINTING TRIANGLE}" if self.isChecked() else "\N{BLACK RIGHT-POINTING TRIANGLE}"
        painter.setPen(self.palette.color(QtGui.QPalette.ColorRole.ButtonText))
        painter.drawText(header.adjusted(8, 0, -8, 0), QtCore.Qt.AlignmentFlag.AlignVCenter, f"{sign}  {self.text}")
        painter.end()


@offered
class ctkCollapsibleGroupBox(as_pythonqt(QtWidgets.QGroupBox), strict=True):
    """A group box whose contents fold away; checked means open."""

    def __init__(self, title: Any = "", parent: QtWidgets.QWidget | None = None) -> None:
        title, parent = (title, parent) if isinstance(title, str) else ("", title)
        super().__init__(title, parent)
        self._d = {"fold": _Fold(self)}
        self.setCheckable(True)
        self.setChecked(True)
        self.toggled.connect(lambda opened: self._open(opened))

    def _open(self, opened: bool) -> None:
        self._d["fold"].set(not opened)
        self.setMaximumHeight(16777215 if opened else self.fontMetrics().height() + self.collapsedHeight)

    def paintEvent(self, event: QtGui.QPaintEvent) -> None:
        if self.isChecked():
            super().paintEvent(event)
            return
        option, controls = QtWidgets.QStyleOptionGroupBox(), QtWidgets.QStyle.SubControl
        self.initStyleOption(option)
        option.subControls = controls.SC_GroupBoxCheckBox | controls.SC_GroupBoxLabel  # no frame around nothing
        painter = QtWidgets.QStylePainter(self)
        painter.drawComplexControl(QtWidgets.QStyle.ComplexControl.CC_GroupBox, option)
        painter.end()

    def setCollapsed(self, collapsed: bool) -> None:
        self.setChecked(not collapsed)

    collapsed = Property(bool, lambda self: not self.isChecked(), setCollapsed)
    vars().update(properties(collapsedHeight=(int, 14)))
