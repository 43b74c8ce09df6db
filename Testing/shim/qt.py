"""The flat module ``qt`` of Slicer's Python: every class of QtCore, QtGui, QtWidgets and QtNetwork by its own name."""

from typing import Any

import dialogs
from pythonqt import SOURCES, as_pythonqt, is_object_class, turn_properties_into_attributes
from uiloader import UiLoader as QUiLoader  # noqa: F401

turn_properties_into_attributes()

QMessageBox = dialogs.RecordedMessageBox
QFileDialog = dialogs.RecordedFileDialog
QInputDialog = dialogs.RecordedInputDialog
QDesktopServices = dialogs.RecordedDesktopServices


def __getattr__(name: str) -> Any:
    if name == "Signal" or name.startswith("Q"):
        for module in SOURCES:
            found = getattr(module, name, None)
            if found is not None:
                found = as_pythonqt(found) if is_object_class(found) else found
                globals()[name] = found
                return found
    raise AttributeError(f"Slicer's module qt has no {name!r}, or the shim lacks it")
