"""Surfaces of a label map, drawn without a screen from four sides; the scene is not touched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import ndimage

from ..packages import slicer, vtk
from .slices import Panel, direction_letters, grab

Box = tuple[slice, ...]

HIDDEN_GROUPS = ("soft tissue",)
WORKING_MM = 2.0
SMOOTHING_ITERATIONS = 12
LARGE_SHARE = 0.2  # of the box of the brain
SURROUNDED_SHARE = 0.9
BACKGROUND = (0.07, 0.07, 0.09)
BONE_OPACITY, SHELL_OPACITY = 0.16, 0.12
PEELS = 4  # layers of translucent surfaces that are sorted; more cost time and are hardly seen


@dataclass(frozen=True)
class Structure:
    """How one label value is shown: name, color (0 to 255) and group (see :class:`SegmentClass`)."""

    name: str
    value: int
    color: tuple[int, int, int]
    group: str


@dataclass(frozen=True)
class _View:
    title: str
    from_ras: tuple[float, float, float]
    up_ras: tuple[float, float, float]
    inside: bool  # the large outer structures are translucent


VIEWS = (
    _View("Brain and bone, from the left front", (-1.0, 1.0, 0.45), (0, 0, 1), False),
    _View("Brain and bone, from above", (0.0, 0.0, 1.0), (0, 1, 0), False),
    _View("Deep structures, from the left front", (-1.0, 1.0, 0.45), (0, 0, 1), True),
    _View("Deep structures, from above", (0.0, 0.0, 1.0), (0, 1, 0), True),
)


def draw_surfaces(
    labels: np.ndarray, structures: Sequence[Structure], to_ras: np.ndarray, pixels: int
) -> tuple[list[Panel], list[Structure]]:
    """Draw every structure but soft tissue and the fluid around the brain.

    Args:
        labels: uint16 label map (k, j, i).
        structures: how to show each value.
        to_ras: 4x4 matrix from voxel indices (i, j, k) to RAS mm.
        pixels: width and height of each panel.

    Returns:
        One panel for each of :data:`VIEWS`, and the structures that are seen in them.
    """
    coarse, coarse_to_ras = _coarse(labels, to_ras)
    boxes = ndimage.find_objects(coarse)
    present = [s for s in structures if s.value <= len(boxes) and boxes[s.value - 1] is not None]
    large = _large(coarse, boxes, present)
    shown = [s for s in present if s.group not in HIDDEN_GROUPS and not (s.group == "csf" and s.value in large)]
    shells = {s.value for s in shown if s.group == "brain" and s.value in large}
    surrounded = _surrounded(coarse, boxes, shells)
    meshes = {s.value: _mesh(coarse, boxes[s.value - 1], s.value, coarse_to_ras) for s in shown}
    panels = []
    for view in VIEWS:
        opacities = {s.value: _opacity(s, shells, surrounded, view.inside) for s in shown}
        panels.append(_draw(view, shown, meshes, opacities, pixels))
    return panels, shown


def _coarse(labels: np.ndarray, to_ras: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Every n-th voxel, so that voxels are about 2 mm; label maps may not be averaged."""
    spacing = np.linalg.norm(to_ras[:3, :3], axis=0)
    steps = np.maximum(1, np.round(WORKING_MM / spacing)).astype(int)  # i, j, k
    return labels[:: steps[2], :: steps[1], :: steps[0]], to_ras @ np.diag([*steps, 1.0])


def _large(labels: np.ndarray, boxes: Sequence[Box], structures: Sequence[Structure]) -> set[int]:
    """Brain and fluid values whose box fills much of the brain's box: cortex, white matter, fluid around the brain."""
    inside = [s.value for s in structures if s.group in ("brain", "csf")]
    brain = np.isin(labels, [s.value for s in structures if s.group == "brain"])
    whole = ndimage.find_objects(brain.view(np.uint8))
    if not whole:
        return set()
    return {value for value in inside if _voxels(boxes[value - 1]) > LARGE_SHARE * _voxels(whole[0])}


def _opacity(structure: Structure, shells: set[int], surrounded: set[int], inside: bool) -> float:
    """From outside the brain is solid under bone; inside, cortex is a shell, and white matter within it left out."""
    if structure.group == "bone":
        return 0.0 if inside else BONE_OPACITY
    if not inside or structure.value not in shells:
        return 1.0
    return 0.0 if structure.value in surrounded else SHELL_OPACITY


def _surrounded(labels: np.ndarray, boxes: Sequence[Box], values: set[int]) -> set[int]:
    """Values of which nearly all voxels lie in the box of another one, and more so than the other way round."""

    def share(inner: int, outer: int) -> float:
        return float((labels[boxes[outer - 1]] == inner).sum() / (labels[boxes[inner - 1]] == inner).sum())

    pairs = [(inner, outer) for inner in values for outer in values if inner != outer]
    return {i for i, o in pairs if share(i, o) > SURROUNDED_SHARE and share(i, o) > share(o, i)}


def _voxels(box: Box) -> int:
    return int(np.prod([side.stop - side.start for side in box]))


def _mesh(labels: np.ndarray, box: Box, value: int, to_ras: np.ndarray) -> Any:
    """Smoothed surface of one value in RAS mm, from its box alone."""
    from vtk.util.numpy_support import numpy_to_vtk

    mask = np.pad((labels[box] == value).astype(np.uint8), 2)
    image = vtk.vtkImageData()
    image.SetDimensions(mask.shape[::-1])
    image.SetOrigin(*(side.start - 2 for side in reversed(box)))
    image.GetPointData().SetScalars(numpy_to_vtk(mask.ravel(), deep=True))
    nets = vtk.vtkSurfaceNets3D()
    nets.SetInputData(image)
    nets.SetValue(0, 1)
    nets.GetSmoother().SetNumberOfIterations(SMOOTHING_ITERATIONS)
    place = vtk.vtkTransform()
    place.SetMatrix(slicer.util.vtkMatrixFromArray(to_ras))
    placed = vtk.vtkTransformPolyDataFilter()
    placed.SetTransform(place)
    placed.SetInputConnection(nets.GetOutputPort())
    normals = vtk.vtkPolyDataNormals()  # a flipped grid turns the surface inside out
    normals.SetInputConnection(placed.GetOutputPort())
    normals.AutoOrientNormalsOn()
    normals.SplittingOff()
    normals.Update()
    return normals.GetOutput()


def _draw(
    view: _View, shown: Sequence[Structure], meshes: Mapping[int, Any], opacities: Mapping[int, float], pixels: int
) -> Panel:
    renderer = vtk.vtkRenderer()
    renderer.SetBackground(*BACKGROUND)
    renderer.SetUseDepthPeeling(True)
    renderer.SetMaximumNumberOfPeels(PEELS)
    renderer.UseFXAAOn()
    for structure in shown:
        if opacities[structure.value] > 0:
            renderer.AddActor(_actor(meshes[structure.value], structure.color, opacities[structure.value]))
    window = vtk.vtkRenderWindow()
    window.SetOffScreenRendering(1)
    window.SetMultiSamples(0)  # depth peeling, which sorts translucent surfaces, works without only
    window.SetAlphaBitPlanes(1)
    window.SetSize(pixels, pixels)
    window.AddRenderer(renderer)
    camera = renderer.GetActiveCamera()
    camera.SetPosition(*view.from_ras)
    camera.SetFocalPoint(0, 0, 0)
    camera.SetViewUp(*view.up_ras)
    renderer.ResetCamera()
    camera.Zoom(1.4)
    window.Render()
    image = grab(window)
    window.Finalize()
    return Panel(image, view.title, _letters(camera))


def _actor(mesh: Any, color: tuple[int, int, int], opacity: float) -> Any:
    mapper = vtk.vtkPolyDataMapper()
    mapper.SetInputData(mesh)
    mapper.ScalarVisibilityOff()
    actor = vtk.vtkActor()
    actor.SetMapper(mapper)
    actor.GetProperty().SetColor(*(component / 255 for component in color))
    actor.GetProperty().SetOpacity(opacity)
    actor.GetProperty().SetSpecular(0.15)
    return actor


def _letters(camera: Any) -> tuple[str, str, str, str]:
    forward, up = np.array(camera.GetDirectionOfProjection()), np.array(camera.GetViewUp())
    right = np.cross(forward, up)
    return direction_letters(-right), direction_letters(right), direction_letters(up), direction_letters(-up)
