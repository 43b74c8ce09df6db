"""Fixtures of every test that runs on the shim; a conftest.py imports them after putting this folder on sys.path."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("slicer", reason="slicer-core is not installed (pip install 'multimodalseg[headless]')")
pytest.importorskip("PySide6.QtWidgets", reason="PySide6 is not installed, or the system libraries of Qt are not there")

import application  # noqa: E402


@contextmanager
def shim_in_use() -> Iterator[Any]:
    """The shim with an empty scene and nothing recorded; what a slot or a VTK observer raised fails in the end."""
    application.start()
    import dialogs
    import slicer

    slicer.mrmlScene.Clear()
    dialogs.recorder.clear()
    with application.listening():
        yield application
        application.close_modules()
        for node in slicer.util.getNodesByClass("vtkMRMLScriptedModuleNode"):  # singletons outlive a closed scene
            slicer.mrmlScene.RemoveNode(node)
        slicer.mrmlScene.Clear()
        application.process_events()
    assert not application.errors, application.errors[0]


@pytest.fixture
def shim() -> Iterator[Any]:
    """The shim for one test."""
    with shim_in_use() as used:
        yield used


@pytest.fixture(scope="module")
def shared_shim() -> Iterator[Any]:
    """The shim for all tests of a file, which share what the first of them has made; none of them may use ``shim``."""
    with shim_in_use() as used:
        yield used


@pytest.fixture
def dialogs_shown(shim: Any) -> Any:
    """The recorder of message boxes and file dialogs: ``shown`` and ``answers``."""
    import dialogs

    return dialogs.recorder


@pytest.fixture
def a_module(tmp_path: Path, shim: Any) -> Callable[..., Any]:
    """Function that writes a scripted module with a form and opens it; answers its widget object."""

    def make(name: str, code: str, form: str = "") -> Any:
        folder = tmp_path / name
        (folder / "Resources" / "UI").mkdir(parents=True)
        (folder / f"{name}.py").write_text(code, encoding="utf-8")
        if form:
            (folder / "Resources" / "UI" / f"{name}.ui").write_text(form, encoding="utf-8")
        return shim.open_module(name, folder)

    return make
