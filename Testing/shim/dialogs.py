"""Message boxes and file dialogs that never wait: each is recorded, and answered as the test has arranged."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from PySide6 import QtGui, QtWidgets
from pythonqt import as_pythonqt

Button = QtWidgets.QMessageBox.StandardButton


@dataclass
class Shown:
    """One message or question that a person would have seen."""

    kind: str
    text: str
    title: str = ""
    detail: str = ""


@dataclass
class Recorder:
    """What was shown since the last ``clear()``, and the answers to come.

    ``answers`` are used up one a dialog: a button for a message box, a path for a file dialog (``""`` is Cancel), a
    text for an input dialog. Without one, a question is answered Yes, a message OK, any other dialog is canceled.
    """

    shown: list[Shown] = field(default_factory=list)
    answers: list[Any] = field(default_factory=list)

    def note(self, kind: str, text: str, title: str = "", detail: str = "", default: Any = None) -> Any:
        """Record a dialog and answer it."""
        self.shown.append(Shown(kind, text, title, detail))
        return self.answers.pop(0) if self.answers else default

    def clear(self) -> None:
        self.shown.clear()
        self.answers.clear()

    @contextmanager
    def nothing_shown(self) -> Iterator[None]:
        """Fail when anything pops up inside the block."""
        before = len(self.shown)
        yield
        assert len(self.shown) == before, f"a dialog appeared: {self.shown[before]}"


recorder = Recorder()


class RecordedMessageBox(as_pythonqt(QtWidgets.QMessageBox)):
    """``qt.QMessageBox`` and, under another name, ``ctk.ctkMessageBox``."""

    def exec_(self) -> Any:
        asked = self.standardButtons & (Button.Yes | Button.No | Button.Cancel | Button.Retry)
        usual = next((b for b in (Button.Yes, Button.Ok, Button.Retry) if b & self.standardButtons), Button.Ok)
        kind = "question" if asked else "message"
        detail = self.detailedText or self.informativeText
        return recorder.note(kind, self.text, self.windowTitle.strip(), detail, usual)

    exec = exec_

    def open(self) -> None:
        self.exec_()

    def show(self) -> None:
        recorder.note("message", self.text, self.windowTitle.strip())


def _static(kind: str, default: Button) -> Any:
    def show(parent: Any, title: str, text: str, *buttons: Any) -> Any:
        return recorder.note(kind, text, title, default=default)

    return staticmethod(show)


for _kind, _default in (
    ("information", Button.Ok),
    ("warning", Button.Ok),
    ("critical", Button.Ok),
    ("about", Button.Ok),
    ("question", Button.Yes),
):
    setattr(RecordedMessageBox, _kind, _static(_kind, _default))


class RecordedFileDialog(as_pythonqt(QtWidgets.QFileDialog)):
    """Answers the path that the test arranged; PythonQt's static functions answer the path alone, not a pair."""

    @staticmethod
    def getOpenFileName(parent: Any = None, caption: str = "", directory: str = "", *more: Any) -> str:
        return recorder.note("file", caption, default="")

    @staticmethod
    def getOpenFileNames(parent: Any = None, caption: str = "", directory: str = "", *more: Any) -> list[str]:
        return recorder.note("files", caption, default=[])

    @staticmethod
    def getSaveFileName(parent: Any = None, caption: str = "", directory: str = "", *more: Any) -> str:
        return recorder.note("save", caption, default="")

    @staticmethod
    def getExistingDirectory(parent: Any = None, caption: str = "", directory: str = "", *more: Any) -> str:
        return recorder.note("folder", caption, default="")

    def exec_(self) -> int:
        raise NotImplementedError("use the static functions of QFileDialog: they can be answered by a test")

    exec = exec_


class RecordedInputDialog(as_pythonqt(QtWidgets.QInputDialog)):
    """PythonQt answers the text alone; an empty text is Cancel."""

    @staticmethod
    def getText(parent: Any, title: str, label: str, *more: Any) -> str:
        return recorder.note("text", label, title, default="")

    def exec_(self) -> int:
        raise NotImplementedError("use the static functions of QInputDialog: they can be answered by a test")

    exec = exec_


class RecordedDesktopServices(QtGui.QDesktopServices):
    """Opens no browser and no file manager."""

    @staticmethod
    def openUrl(url: Any) -> bool:
        recorder.note("url", url.toString())
        return True


def _answer_dialog(self: QtWidgets.QDialog) -> int:
    return int(recorder.note("dialog", self.windowTitle, default=0))


def _answer_menu(self: QtWidgets.QMenu, *position: Any) -> Any:
    return recorder.note("menu", ", ".join(action.text for action in self.actions() if action.text), default=None)


for _class, _answer in ((QtWidgets.QDialog, _answer_dialog), (QtWidgets.QMenu, _answer_menu)):
    as_pythonqt(_class).exec_ = as_pythonqt(_class).exec = _answer
