"""Stand-ins for the base classes of scripted modules, and for what Slicer makes around a module."""

from __future__ import annotations

import os
import sys
import unittest
from typing import Any

import qt
import slicer
from PySide6 import QtCore
from widgets_mrml import qMRMLWidget


class ModuleDescription:
    """``qSlicerScriptedLoadableModule``: what a module tells about itself, and its one panel."""

    __slots__ = (
        *("title", "categories", "dependencies", "contributors", "helpText", "acknowledgementText", "icon", "index"),
        *("hidden", "associatedNodeTypes", "widgetRepresentationCreationEnabled", "version", "extensionName"),
        *("name", "path", "holder", "testModule"),
    )

    def __init__(self, name: str, path: str) -> None:
        self.name, self.path, self.holder, self.testModule = name, path, None, False
        self.title, self.hidden, self.index = name, False, -1
        self.categories, self.dependencies, self.contributors = [], [], []
        self.helpText = self.acknowledgementText = ""

    def widgetRepresentation(self) -> PanelHolder:
        """The panel, made when it is first asked for."""
        if self.holder is None:
            self.holder = PanelHolder(self)
            self.holder.make()
        return self.holder

    def logic(self) -> None:
        """A scripted module has no C++ logic."""


class PanelHolder(qMRMLWidget):
    """``qSlicerScriptedLoadableModuleWidget``: the parent of a module's widget."""

    def __init__(self, module: ModuleDescription) -> None:
        super().__init__()
        self.module, self.instance = module, None
        self.setLayout(qt.QVBoxLayout())
        self.setMRMLScene(slicer.mrmlScene)

    def make(self) -> None:
        """Make the module's widget and set it up, as opening the module for the first time does."""
        cls = getattr(sys.modules[self.module.name], f"{self.module.name}Widget")
        self.instance = cls(self)
        setattr(slicer.modules, f"{self.module.name}Widget", self.instance)
        self.instance.setup()

    reload = make

    def self(self) -> Any:
        return self.instance


class ScriptedLoadableModule:
    def __init__(self, parent: Any) -> None:
        self.parent = parent
        self.moduleName = type(self).__name__

    def resourcePath(self, filename: str) -> str:
        return os.path.join(os.path.dirname(self.parent.path), "Resources", filename)

    def getDefaultModuleDocumentationLink(self, docPage: str | None = None) -> str:
        return (
            f'<p>For more information see the <a href="https://slicer.invalid/{docPage or self.moduleName}">page</a>.'
        )

    def runTest(self, msec: int = 100, **kwargs: Any) -> None:
        case = getattr(sys.modules[self.moduleName], f"{self.moduleName}Test")()
        case.messageDelay = msec
        case.runTest(**kwargs)


class ScriptedLoadableModuleWidget:
    def __init__(self, parent: Any = None) -> None:
        self.moduleName = type(self).__name__.removesuffix("Widget")
        self.developerMode = False
        if parent is None:
            parent = qMRMLWidget()
            parent.setLayout(qt.QVBoxLayout())
            parent.setMRMLScene(slicer.mrmlScene)
        self.parent = parent
        self.layout = parent.layout()
        slicer.app.moduleManager().connect("moduleAboutToBeUnloaded(QString)", self._onModuleAboutToBeUnloaded)

    def resourcePath(self, filename: str) -> str:
        folder = os.path.dirname(slicer.util.modulePath(self.moduleName))
        return os.path.join(folder, "Resources", filename)

    def setup(self) -> None:
        """The application adds its Reload and Test section here, in developer mode."""

    def cleanup(self) -> None:
        pass

    def enter(self) -> None:
        pass

    def exit(self) -> None:
        pass

    def onReload(self) -> None:
        """The Reload button of developer mode."""
        slicer.util.reloadScriptedModule(self.moduleName)

    def _onModuleAboutToBeUnloaded(self, moduleName: str) -> None:
        if moduleName == self.moduleName:
            self.cleanup()
            manager = slicer.app.moduleManager()
            manager.disconnect("moduleAboutToBeUnloaded(QString)", self._onModuleAboutToBeUnloaded)


class ScriptedLoadableModuleLogic:
    def __init__(self, parent: Any = None) -> None:
        self.moduleName = type(self).__name__.removesuffix("Logic")
        self.isSingletonParameterNode = True

    def createParameterNode(self) -> Any:
        node = slicer.mrmlScene.CreateNodeByClass("vtkMRMLScriptedModuleNode")
        node.UnRegister(None)
        node.SetModuleName(self.moduleName)
        node.SetAttribute("ModuleName", self.moduleName)
        node.SetName(slicer.mrmlScene.GenerateUniqueName(self.moduleName))
        if self.isSingletonParameterNode:
            node.SetSingletonTag(self.moduleName)
        return node

    def getAllParameterNodes(self) -> list[Any]:
        nodes = slicer.util.getNodesByClass("vtkMRMLScriptedModuleNode")
        return [node for node in nodes if node.GetAttribute("ModuleName") == self.moduleName]

    def getParameterNode(self) -> Any:
        found = self.getAllParameterNodes()
        return found[0] if found else slicer.mrmlScene.AddNode(self.createParameterNode())


class ScriptedLoadableModuleTest(unittest.TestCase):
    """Slicer makes an instance without arguments and calls ``runTest``."""

    messageDelay = 0

    def __init__(self, methodName: str = "runTest") -> None:
        super().__init__(methodName)

    def runTest(self) -> None:
        raise NotImplementedError

    def delayDisplay(self, message: str, requestedDelay: int | None = None, msec: int | None = None) -> None:
        print(message)
        QtCore.QCoreApplication.processEvents(QtCore.QEventLoop.ProcessEventsFlag.AllEvents, 10)
