"""A real MRML scene without the Slicer application, and whether pictures can be drawn here."""

from __future__ import annotations

import ctypes.util
import functools
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

from ..errors import MissingPackageError

MODULE_LOGICS = {
    "Colors": "vtkSlicerColorLogic",
    "Markups": "vtkSlicerMarkupsLogic",
    "Models": "vtkSlicerModelsLogic",
    "Segmentations": "vtkSlicerSegmentationsModuleLogic",
    "SubjectHierarchy": "vtkSlicerSubjectHierarchyModuleLogic",
    "Tables": "vtkSlicerTablesLogic",
    "Transforms": "vtkSlicerTransformLogic",
    "Volumes": "vtkSlicerVolumesLogic",
}
"""Module name in the application: class of its logic. Terminologies is left out: its lists are not in the wheel."""

_kept_alive: list[Any] = []
"""Logics and the cache folder of the one scene of this process; the scene itself holds only weak references."""

PICTURE_TRIAL = """
import vtk
window = vtk.vtkRenderWindow(); window.SetOffScreenRendering(1); window.SetSize(32, 32)
renderer = vtk.vtkRenderer(); renderer.SetBackground(0, 0, 0); window.AddRenderer(renderer)
source = vtk.vtkSphereSource(); mapper = vtk.vtkPolyDataMapper(); mapper.SetInputConnection(source.GetOutputPort())
actor = vtk.vtkActor(); actor.SetMapper(mapper); renderer.AddActor(actor); window.Render()
grab = vtk.vtkWindowToImageFilter(); grab.SetInput(window); grab.Update()
raise SystemExit(0 if grab.GetOutput().GetScalarRange()[1] > 50 else 3)
"""


def start_scene() -> None:
    """Make ``slicer.mrmlScene``, ``slicer.app`` and ``slicer.modules`` usable; the second and later calls do nothing.

    Inside the Slicer application nothing is done at all. One scene serves the whole process:
    ``slicer.mrmlScene.Clear()`` empties it.

    Raises:
        MissingPackageError: slicer-core is not installed.
    """
    from .packages import slicer

    if getattr(slicer, "mrmlScene", None) is not None:
        return
    _choose_offscreen_window(os.environ)
    from .application import HeadlessApplication, module_with_logic

    scene = slicer.vtkMRMLScene()
    scene.RegisterNodeClass(slicer.vtkMRMLColorLegendDisplayNode())  # in the application its module does
    logic = _application_logic(scene)
    slicer.mrmlScene = scene
    slicer.app = HeadlessApplication(logic)
    slicer.modules = SimpleNamespace()
    for name, class_name in MODULE_LOGICS.items():
        module_logic = logic.GetColorLogic() if name == "Colors" else getattr(slicer, class_name)()
        if name != "Colors":
            module_logic.SetMRMLApplicationLogic(logic)
            module_logic.SetMRMLScene(scene)
        logic.SetModuleLogic(name, module_logic)
        setattr(slicer.modules, name.lower(), module_with_logic(module_logic))
    _kept_alive.extend(_file_transfer(scene, logic))


def _application_logic(scene: Any) -> Any:
    from .packages import slicer, vtk

    logic = slicer.vtkSlicerApplicationLogic()
    logic.SetMRMLScene(scene)
    colors = logic.GetColorLogic()
    colors.SetMRMLScene(scene)
    colors.AddDefaultColorNodes()
    logic.SetSliceLogics(vtk.vtkCollection())
    logic.SetViewLogics(vtk.vtkCollection())
    slicer.vtkMRMLSliceViewDisplayableManagerFactory.GetInstance().SetMRMLApplicationLogic(logic)
    slicer.vtkMRMLThreeDViewDisplayableManagerFactory.GetInstance().SetMRMLApplicationLogic(logic)
    slicer.vtkMRMLSliceNode.AddDefaultSliceOrientationPresets(scene, True)
    return logic


def _file_transfer(scene: Any, logic: Any) -> list[Any]:
    """What reading an ``.mrb`` asks for, even though nothing remote is ever read."""
    from .packages import slicer

    cache = tempfile.TemporaryDirectory(prefix="MultimodalSeg-")
    remote = slicer.vtkMRMLRemoteIOLogic()
    remote.SetMRMLScene(scene)
    remote.SetMRMLApplicationLogic(logic)
    remote.GetCacheManager().SetRemoteCacheDirectory(cache.name)
    transfer = slicer.vtkDataIOManagerLogic()
    transfer.SetMRMLScene(scene)
    transfer.SetMRMLApplicationLogic(logic)
    transfer.SetAndObserveDataIOManager(remote.GetDataIOManager())
    remote.AddDataIOToScene()
    return [cache, remote, transfer]


@contextmanager
def vtk_errors() -> Iterator[list[str]]:
    """Collect the error messages that VTK and MRML write instead of raising.

    Example:
        >>> with vtk_errors() as errors:
        ...     slicer.util.loadVolume(path)
        >>> if errors: ...
    """
    from .packages import vtk

    errors: list[str] = []

    @vtk.calldata_type(vtk.VTK_STRING)
    def note(caller: Any, event: str, text: str) -> None:
        errors.append(text)

    window = vtk.vtkOutputWindow.GetInstance()
    observer = window.AddObserver("ErrorEvent", note)
    try:
        yield errors
    finally:
        window.RemoveObserver(observer)


@functools.cache
def pictures_possible() -> tuple[bool, str]:
    """Whether this machine can draw without a screen; tried once, in a child process, as a broken driver may crash.

    Returns:
        True and an empty reason, or False and one sentence that says what is missing and how to get it.
    """
    try:
        from . import packages  # noqa: F401
    except MissingPackageError as error:
        return False, error.sentences
    if sys.platform.startswith("linux") and not ctypes.util.find_library("EGL"):
        return False, "The library libegl1 is missing; install it with: apt-get install libegl1 libgl1 libgl1-mesa-dri."
    environment = dict(os.environ)
    _choose_offscreen_window(environment)
    try:
        trial = subprocess.run(
            [sys.executable, "-c", PICTURE_TRIAL],
            env=environment,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=60,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return False, f"The trial picture could not be drawn: {error}."
    if trial.returncode == 0:
        return True, ""
    last_line = (trial.stderr.strip().splitlines() or [f"exit code {trial.returncode}"])[-1]
    return False, f"The trial picture came out wrong ({last_line}); on Debian: apt-get install libegl1 libgl1-mesa-dri."


def _choose_offscreen_window(environment: Any) -> None:
    """EGL draws on a graphics card or in software, both without a screen; other systems need no choice."""
    if sys.platform.startswith("linux"):
        environment.setdefault("VTK_DEFAULT_OPENGL_WINDOW", "vtkEGLRenderWindow")
