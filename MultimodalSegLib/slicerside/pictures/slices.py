"""One slice view without a screen: what Slicer's slice viewer would show, as an array of colors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..packages import slicer, vtk
from ..scene.nodes import Node

ORIENTATIONS = ("Axial", "Coronal", "Sagittal")
SEGMENTATION_MANAGER = "vtkMRMLSegmentationsDisplayableManager2D"
OUTLINE_PIXELS = 1


@dataclass(frozen=True)
class Panel:
    """One view of a picture.

    Args:
        image: uint8 (rows, columns, 3), first row on top.
        title: one line above it.
        letters: patient directions (R, L, A, P, S, I, or two of them) at the left, right, top and bottom edge.
        mm_per_pixel: scale, or None where there is none (perspective).
    """

    image: np.ndarray
    title: str
    letters: tuple[str, str, str, str]
    mm_per_pixel: float | None = None


class SliceView:
    """Draws slices of one reference volume, with another one over it and segment outlines on top.

    Use it through :func:`slice_view`, which takes its nodes out of the scene again.

    Args:
        pixels: width and height of the square picture.
    """

    def __init__(self, pixels: int) -> None:
        self.pixels = pixels
        self.window = vtk.vtkRenderWindow()
        self.window.SetOffScreenRendering(1)
        self.window.SetMultiSamples(0)
        self.window.SetSize(pixels, pixels)
        renderer = vtk.vtkRenderer()
        self.window.AddRenderer(renderer)
        self.interactor = vtk.vtkRenderWindowInteractor()  # never started; the outlines' manager crashes without it
        self.interactor.SetRenderWindow(self.window)
        self.image = vtk.vtkImageMapper()  # the slice logic answers RGBA, so the mapper must not change it
        self.image.SetColorWindow(255)
        self.image.SetColorLevel(127.5)
        actor = vtk.vtkActor2D()
        actor.SetMapper(self.image)
        actor.GetProperty().SetDisplayLocationToBackground()
        renderer.AddViewProp(actor)  # before the displayable managers, or the image covers the outlines
        self.managers = _outline_managers(renderer)
        self.logic = slicer.vtkMRMLSliceLogic()
        self.logic.SetMRMLApplicationLogic(slicer.app.applicationLogic())
        self.logic.SetMRMLScene(slicer.mrmlScene)
        slicer.app.applicationLogic().GetSliceLogics().AddItem(self.logic)
        self.node = self.logic.AddSliceNode("MultimodalSegPicture")
        self.managers.SetMRMLDisplayableNode(self.node)
        self.logic.ResizeSliceNode(pixels, pixels)

    def show(self, reference: Node, moving: Node | None, opacity: float) -> None:
        """Choose the volume below, and the one over it at an opacity of 0 to 1."""
        composite = self.logic.GetSliceCompositeNode()
        composite.SetBackgroundVolumeID(reference.GetID())
        composite.SetForegroundVolumeID(moving.GetID() if moving is not None else None)
        composite.SetForegroundOpacity(opacity)
        composite.SetLabelVolumeID(None)

    def draw(self, orientation: str, center: np.ndarray, width_mm: float, title: str) -> Panel:
        """Draw one slice.

        Args:
            orientation: one of :data:`ORIENTATIONS`.
            center: RAS point, shape (3,), in the middle of the picture.
            width_mm: width and height of what is seen.
            title: one line for the panel.
        """
        self.node.SetOrientation(orientation)
        for axis in range(3):
            self.node.GetSliceToRAS().SetElement(axis, 3, float(center[axis]))
        self.node.SetXYZOrigin(0, 0, 0)
        self.node.SetFieldOfView(width_mm, width_mm, self.node.GetFieldOfView()[2])
        self.node.UpdateMatrices()
        self.image.SetInputConnection(self.logic.GetImageDataConnection())
        self.window.Render()
        return Panel(grab(self.window), title, self._letters(), width_mm / self.pixels)

    def remove(self) -> None:
        """Take everything that the view added out of the scene."""
        slicer.app.applicationLogic().GetSliceLogics().RemoveItem(self.logic)
        self.managers.SetMRMLDisplayableNode(None)
        composite = self.logic.GetSliceCompositeNode()
        model = [self.logic.GetSliceModelDisplayNode(), self.logic.GetSliceModelNode()]
        model.append(self.logic.GetSliceModelTransformNode())
        self.logic.SetMRMLScene(None)
        for node in (*model, composite, self.node):
            if node is not None:
                slicer.mrmlScene.RemoveNode(node)
        self.window.Finalize()

    def _letters(self) -> tuple[str, str, str, str]:
        matrix = slicer.util.arrayFromVTKMatrix(self.node.GetSliceToRAS())
        right, up = matrix[:3, 0], matrix[:3, 1]
        return direction_letters(-right), direction_letters(right), direction_letters(up), direction_letters(-up)


@contextmanager
def slice_view(pixels: int) -> Iterator[SliceView]:
    """A slice view that leaves the scene as it found it."""
    view = SliceView(pixels)
    try:
        yield view
    finally:
        view.remove()


@contextmanager
def outlines_only(segmentation: Node | None) -> Iterator[None]:
    """Show segments as outlines without fill, and restore the display afterwards."""
    if segmentation is None:
        yield
        return
    display = segmentation.GetDisplayNode()
    before = display.GetVisibility2DFill(), display.GetVisibility2DOutline(), display.GetSliceIntersectionThickness()
    try:
        _set_outlines(display, False, True, OUTLINE_PIXELS)
        yield
    finally:
        _set_outlines(display, *before)


@contextmanager
def air_hidden(volume: Node, above: float) -> Iterator[None]:
    """Hide values up to ``above``, so that air does not darken what lies below; restore the display afterwards."""
    display = volume.GetDisplayNode()
    before = display.GetApplyThreshold(), display.GetLowerThreshold(), display.GetUpperThreshold()
    try:
        display.SetThreshold(above, float(np.max(slicer.util.arrayFromVolume(volume))))
        display.ApplyThresholdOn()
        yield
    finally:
        display.SetThreshold(*before[1:])
        display.SetApplyThreshold(before[0])


def direction_letters(direction: np.ndarray) -> str:
    """The patient side that a RAS direction, shape (3,), points to: one letter, or two where it lies between sides."""
    strength = np.abs(direction)
    axes = [int(axis) for axis in np.argsort(-strength, kind="stable") if strength[axis] > 0.5 * strength.max()]
    return "".join(("RL", "AP", "SI")[axis][int(direction[axis] < 0)] for axis in axes)


def grab(window: Any) -> np.ndarray:
    """Colors of a window just drawn, uint8 (rows, columns, 3), first row on top."""
    from vtk.util.numpy_support import vtk_to_numpy

    reader = vtk.vtkWindowToImageFilter()
    reader.SetInput(window)
    reader.ReadFrontBufferOff()
    reader.Update()
    image = reader.GetOutput()
    columns, rows, _ = image.GetDimensions()
    colors = vtk_to_numpy(image.GetPointData().GetScalars()).reshape(rows, columns, -1)
    return np.ascontiguousarray(colors[::-1, :, :3])


def _set_outlines(display: Any, fill: bool, outline: bool, thickness: int) -> None:
    display.SetVisibility2DFill(fill)
    display.SetVisibility2DOutline(outline)
    display.SetSliceIntersectionThickness(thickness)


def _outline_managers(renderer: Any) -> Any:
    factory = slicer.vtkMRMLSliceViewDisplayableManagerFactory.GetInstance()
    if not factory.IsDisplayableManagerRegistered(SEGMENTATION_MANAGER):
        factory.RegisterDisplayableManager(SEGMENTATION_MANAGER)
    managers = slicer.vtkMRMLDisplayableManagerGroup()
    managers.SetRenderer(renderer)
    managers.Initialize(factory, renderer)
    return managers
