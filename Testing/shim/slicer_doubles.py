"""Doubles of the few names of Slicer and PythonQt that the module file uses, for tests without the application.

``install()`` puts them in ``sys.modules``; call it in a process of its own, since it hides an installed slicer-core.
"""

import sys
import unittest
from types import ModuleType, SimpleNamespace
from typing import Any


class Layout:
    """A box layout that remembers what was added."""

    def __init__(self) -> None:
        self.widgets: list[Any] = []

    def addWidget(self, widget: Any) -> None:
        self.widgets.append(widget)

    def addStretch(self, factor: int) -> None:
        pass


class Label:
    """A QLabel as PythonQt shows it: properties are attributes; a property that Qt lacks is an error."""

    __slots__ = ("text", "textFormat", "textInteractionFlags", "wordWrap")

    def __init__(self, text: str = "") -> None:
        self.text = text


class ScriptedLoadableModule:
    def __init__(self, parent: Any) -> None:
        self.parent = parent


class ScriptedLoadableModuleWidget:
    def __init__(self, parent: Any = None) -> None:
        self.parent = parent
        self.layout = Layout()

    def setup(self) -> None:
        pass


class ScriptedLoadableModuleLogic:
    def __init__(self, parent: Any = None) -> None:
        pass


class ScriptedLoadableModuleTest(unittest.TestCase):
    """Slicer makes an instance without arguments and calls runTest."""


def _module(name: str, **content: Any) -> ModuleType:
    module = ModuleType(name)
    vars(module).update(content)
    sys.modules[name] = module
    return module


def install() -> None:
    """Make ``import slicer`` and ``import qt`` answer the doubles."""
    bases = (
        ScriptedLoadableModule,
        ScriptedLoadableModuleLogic,
        ScriptedLoadableModuleTest,
        ScriptedLoadableModuleWidget,
    )
    slicer = _module("slicer", __path__=[])
    vars(slicer).update(
        ScriptedLoadableModule=_module("slicer.ScriptedLoadableModule", **{base.__name__: base for base in bases}),
        i18n=_module("slicer.i18n", tr=lambda text: text, translate=lambda context, text: text),
    )
    _module("qt", QLabel=Label, Qt=SimpleNamespace(PlainText=0, TextSelectableByMouse=1))
