"""The shim's entry: a Slicer without the application, on a real MRML scene and real Qt widgets.

Example:
    >>> import application            # with Testing/shim on sys.path
    >>> application.start()
    >>> widget = application.open_module("MultimodalSeg")
    >>> widget.ui.applyButton.click()
    >>> application.wait(lambda: done, seconds=10)
    >>> application.grab(widget.parent, "panel.png")
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6 import QtCore, QtWidgets  # noqa: E402

errors: list[str] = []
"""Tracebacks of what was raised in a slot or a VTK observer, where no caller can catch it."""

_kept_alive: list[Any] = []


def start() -> None:
    """Make ``slicer``, ``qt``, ``ctk`` and the sub-modules of ``slicer`` importable; later calls do nothing."""
    if "slicer.ScriptedLoadableModule" in sys.modules:
        return
    for folder in (str(ROOT), str(Path(__file__).parent)):
        if folder not in sys.path:
            sys.path.insert(0, folder)
    _keep_none_alive()
    qt_application = QtWidgets.QApplication.instance() or QtWidgets.QApplication(["Slicer"])
    qt_application.setQuitOnLastWindowClosed(False)
    _kept_alive.append(qt_application)
    _settings_of_their_own()
    QtCore.qInstallMessageHandler(_only_what_matters)

    from MultimodalSegLib.slicerside.headless import start_scene

    start_scene()
    import slicer
    import slicer_modules  # noqa: I001

    slicer_modules.install(qt_application)
    assert slicer.app is not None


@contextmanager
def listening() -> Iterator[list[str]]:
    """Collect in :data:`errors` what slots and observers raise meanwhile.

    For each test anew, as any command line that a test runs in this process takes the hook for itself (typer does).
    """
    previous = sys.excepthook

    def note(kind: type[BaseException], error: BaseException, trace: Any) -> None:
        errors.append("".join(traceback.format_exception(kind, error, trace)))
        previous(kind, error, trace)

    errors.clear()
    sys.excepthook = note
    try:
        yield errors
    finally:
        sys.excepthook = previous


def open_module(name: str, folder: Path | None = None) -> Any:
    """Load a scripted module's file, make its panel, enter it; answers the module's widget object."""
    import slicer_modules

    module = slicer_modules.load(name, folder or ROOT / name)
    holder = module.widgetRepresentation()
    holder.resize(400, 900)
    holder.show()
    process_events()
    holder.instance.enter()
    process_events()
    return holder.instance


def close_modules() -> None:
    """End every open panel as the application does when it quits: exit, clean up, gone."""
    import slicer_modules

    slicer_modules.unload_all()
    process_events()


def load_module_file(name: str, folder: Path) -> ModuleType:
    """Import a module's file under its own name, anew."""
    spec = importlib.util.spec_from_file_location(name, folder / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def process_events(seconds: float = 0.0) -> None:
    """Let Qt work: what is due now, or everything that comes within some seconds."""
    end = time.monotonic() + seconds
    while True:
        QtWidgets.QApplication.processEvents(QtCore.QEventLoop.ProcessEventsFlag.AllEvents, 50)
        QtWidgets.QApplication.sendPostedEvents(None, QtCore.QEvent.Type.DeferredDelete)
        if time.monotonic() >= end:
            return
        time.sleep(0.005)


def wait(condition: Callable[[], Any], seconds: float = 10.0) -> None:
    """Run the event loop until a condition holds.

    Raises:
        TimeoutError: it did not hold in time.
    """
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"nothing came of it within {seconds} s")
        process_events(0.005)


def grab(widget: QtWidgets.QWidget, path: str | Path, width: int | None = None) -> None:
    """Write a picture of a widget with all its contents, whatever the height.

    Raises:
        OSError: the file could not be written.
    """
    width = width or QtWidgets.QWidget.size(widget).width() if width is None else width
    widget.ensurePolished()
    height = (
        widget.layout().totalHeightForWidth(width) if widget.layout() and widget.layout().hasHeightForWidth() else 0
    )
    widget.resize(width, max(height, widget.sizeHint().height()))
    process_events()
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    if not widget.grab().save(str(path)):
        raise OSError(f"{path} could not be written")


def _keep_none_alive() -> None:
    """Give None references that cannot be used up.

    Functions of PySide6 without a result give back a None that they do not own. Since Python 3.12 None is immortal;
    before, thousands of turns of the event loop end the process with "none_dealloc".
    """
    if sys.version_info < (3, 12):
        ctypes.c_ssize_t.from_address(id(None)).value += 1 << 40


def _settings_of_their_own() -> None:
    """Tests neither read nor change the settings of a person."""
    folder = tempfile.TemporaryDirectory(prefix="MultimodalSeg-settings-")
    _kept_alive.append(folder)
    QtCore.QSettings.setDefaultFormat(QtCore.QSettings.Format.IniFormat)
    QtCore.QSettings.setPath(QtCore.QSettings.Format.IniFormat, QtCore.QSettings.Scope.UserScope, folder.name)
    QtCore.QCoreApplication.setOrganizationName("NA-MIC")
    QtCore.QCoreApplication.setApplicationName("Slicer")


def _only_what_matters(kind: Any, context: Any, text: str) -> None:
    if "propagateSizeHints" not in text:
        print(text, file=sys.stderr)
