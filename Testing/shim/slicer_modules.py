"""Puts what slicer-core lacks into the module ``slicer``: application, modules, main window, sub-modules."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from types import ModuleType
from typing import Any

import application
import ctk  # noqa: F401
import i18n
import parameter_node
import qt
import sample_data
import scripted_module
import slicer
import widgets_checkable
import widgets_mrml
import widgets_segments
from layout import LayoutManager
from PySide6 import QtCore, QtWidgets
from pythonqt import LikeTheQtClass, as_pythonqt

from MultimodalSegLib.slicerside.application import HeadlessApplication


class ModuleManager(as_pythonqt(QtCore.QObject), strict=True):
    """``slicer.app.moduleManager()``."""

    moduleAboutToBeUnloaded = QtCore.Signal(str)

    def module(self, name: str) -> Any:
        return getattr(slicer.modules, name.lower(), None)

    def modulesNames(self) -> tuple[str, ...]:
        return tuple(vars(slicer.modules))

    def isModuleLoaded(self, name: str) -> bool:
        return self.module(name) is not None

    loadedModulesNames = modulesNames


class ApplicationSignals(as_pythonqt(QtCore.QObject), strict=True):
    """The signals of ``slicer.app``; ``aboutToQuit`` and ``startupCompleted`` are given by tests."""

    startupCompleted, aboutToQuit = QtCore.Signal(), QtCore.Signal()


class Application(HeadlessApplication):
    """``slicer.app`` with its Qt side; a name that it lacks is an AttributeError."""

    applicationName, applicationVersion, majorVersion, minorVersion = "Slicer", "5.12.0-shim", 5, 12
    os = {"linux": "linux", "darwin": "macosx", "win32": "win"}.get(sys.platform, sys.platform)

    def __init__(self, logic: Any, qt_application: QtWidgets.QApplication) -> None:
        super().__init__(logic)
        self._folder = tempfile.TemporaryDirectory(prefix="MultimodalSeg-slicer-")
        self.temporaryPath = self.slicerHome = self._folder.name
        self.slicerUserSettingsFilePath = os.path.join(self._folder.name, "Slicer.ini")
        self._qt, self.testing = qt_application, False
        self.signals, self._manager = ApplicationSignals(), ModuleManager()
        self._layout = LayoutManager(logic)

    def connect(self, *arguments: Any) -> bool:
        return self.signals.connect(*arguments)

    def disconnect(self, *arguments: Any) -> bool:
        return self.signals.disconnect(*arguments)

    def testingEnabled(self) -> bool:
        """As after ``Slicer --testing``; tests set ``slicer.app.testing``."""
        return self.testing

    def processEvents(self) -> None:
        application.process_events()

    def layoutManager(self) -> LayoutManager:
        return self._layout

    def moduleManager(self) -> ModuleManager:
        return self._manager

    def mrmlScene(self) -> Any:
        return slicer.mrmlScene

    def settings(self) -> Any:
        return qt.QSettings()

    userSettings = settings

    def startupEnvironment(self) -> dict[str, str]:
        return dict(os.environ)

    def topLevelWidgets(self) -> list[Any]:
        return self._qt.topLevelWidgets()

    def setOverrideCursor(self, cursor: Any) -> None:
        self._qt.setOverrideCursor(cursor)

    def restoreOverrideCursor(self) -> None:
        self._qt.restoreOverrideCursor()

    def pauseRender(self) -> None:
        """Nothing draws."""

    def resumeRender(self) -> None:
        """Nothing draws."""


class ModuleSelector(as_pythonqt(QtWidgets.QWidget), strict=True):
    """The list of modules in the toolbar; it leaves one module and enters the other."""

    def selectModule(self, name: str) -> None:
        module = slicer.app.moduleManager().module(name)
        if module is None:
            raise ValueError(f"there is no module {name!r}")
        shown = self._d.get("instance")
        if shown is not None:
            shown.exit()
        self._d = {"name": name, "instance": module.widgetRepresentation().self()}
        self._d["instance"].enter()

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._d = {"name": "", "instance": None}

    selectedModule = QtCore.Property(str, lambda self: self._d["name"])


class MainWindow(as_pythonqt(QtWidgets.QMainWindow), strict=True):
    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("qSlicerMainWindow")
        self._d = {"selector": ModuleSelector(self)}

    def moduleSelector(self) -> ModuleSelector:
        return self._d["selector"]


class SegmentEditor(as_pythonqt(QtWidgets.QWidget), strict=True):
    """``qMRMLSegmentEditorWidget``: remembers what it was given; it edits nothing."""

    def __init__(self) -> None:
        super().__init__()
        self._d = {"segmentation": None, "source": None, "node": None}

    def setSegmentationNode(self, node: Any) -> None:
        self._d["segmentation"] = node

    def segmentationNode(self) -> Any:
        return self._d["segmentation"]

    def setSourceVolumeNode(self, node: Any) -> None:
        self._d["source"] = node

    def sourceVolumeNode(self) -> Any:
        return self._d["source"]

    def setMRMLSegmentEditorNode(self, node: Any) -> None:
        self._d["node"] = node

    def mrmlSegmentEditorNode(self) -> Any:
        return self._d["node"]


class SegmentEditorWidget(scripted_module.ScriptedLoadableModuleWidget):
    def setup(self) -> None:
        self.editor = SegmentEditor()


def submodule(name: str, source: Any, *names: str) -> None:
    """``slicer.<name>`` as a module of its own."""
    module = ModuleType(f"slicer.{name}")
    vars(module).update({each: getattr(source, each) for each in names})
    sys.modules[module.__name__] = module
    setattr(slicer, name, module)


def install(qt_application: QtWidgets.QApplication) -> None:
    """Complete ``slicer``, after the scene is there."""
    for source in (widgets_mrml, widgets_checkable, widgets_segments):
        for name, value in vars(source).items():
            if isinstance(value, LikeTheQtClass) and name.startswith("qMRML"):
                setattr(slicer, name, value)
    slicer.qMRMLSegmentEditorWidget = SegmentEditor
    slicer.qSlicerScriptedLoadableModule = scripted_module.ModuleDescription
    slicer.qSlicerScriptedLoadableModuleWidget = scripted_module.PanelHolder
    bases = [f"ScriptedLoadableModule{end}" for end in ("", "Widget", "Logic", "Test")]
    submodule("ScriptedLoadableModule", scripted_module, *bases)
    vars(sys.modules["slicer.ScriptedLoadableModule"])["__all__"] = bases
    submodule("i18n", i18n, "tr", "translate")
    submodule(
        "parameterNodeWrapper",
        parameter_node,
        *("parameterNodeWrapper", "Validator", "Default", "Minimum", "Maximum", "WithinRange", "Choice"),
        *("Decimals", "SingleStep"),
    )
    sys.modules["SampleData"] = sample_data
    slicer.modules.sampledata = scripted_module.ModuleDescription("SampleData", sample_data.__file__)
    slicer.app = Application(slicer.app.applicationLogic(), qt_application)
    application._kept_alive.append(MainWindow())
    editor = ModuleType("SegmentEditor")
    vars(editor).update(SegmentEditorWidget=SegmentEditorWidget)
    sys.modules["SegmentEditor"] = editor
    slicer.modules.segmenteditor = scripted_module.ModuleDescription("SegmentEditor", __file__)


def load(name: str, folder: Path) -> Any:
    """Register a scripted module: its description under ``slicer.modules``, its file imported, start-up completed."""
    module = scripted_module.ModuleDescription(name, str(folder / f"{name}.py"))
    module.testModule = True
    setattr(slicer.modules, name.lower(), module)
    content = application.load_module_file(name, folder)
    setattr(slicer.modules, f"{name}Instance", getattr(content, name)(module))
    slicer.app.signals.startupCompleted.emit()
    return module


def unload_all() -> None:
    """Unload every module that was loaded with :func:`load`, in the application's order: exit, cleanup, delete."""
    for module in [each for each in vars(slicer.modules).values() if getattr(each, "testModule", False)]:
        holder = module.holder
        if holder is not None:
            if holder.instance is not None:
                holder.instance.exit()
            slicer.app.moduleManager().moduleAboutToBeUnloaded.emit(module.name)
            holder.hide()
            holder.deleteLater()
        for name in (module.name.lower(), f"{module.name}Widget", f"{module.name}Instance"):
            vars(slicer.modules).pop(name, None)
        sys.modules.pop(module.name, None)
    slicer.app.signals = ApplicationSignals()
