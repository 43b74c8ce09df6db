"""Volume nodes as voxels on a grid: whole, the part in a region, or where a transform puts them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ...errors import InputError
from ...images.grid import Grid
from ..packages import slicer, vtk
from ..text import _
from .nodes import LPS_TO_RAS, Node
from .synthetic import is_synthetic

LEAST_REGION_MM = 16.0
"""Least extent of a region of interest along each axis of the volume; a smaller one shows nothing to segment."""
SHEAR_TOLERANCE = 1e-4


@dataclass(frozen=True)
class Input:
    """One volume to write.

    Args:
        array: the node's own voxels (not copied), shape (k, j, i).
        grid: where they are.
        synthetic: the detail was made up.
    """

    array: np.ndarray
    grid: Grid
    synthetic: bool = False


def volume_input(node: Node) -> Input:
    """A volume node's voxels and grid, parent transforms left aside.

    Raises:
        InputError: no voxels, several values a voxel, or a grid that files cannot hold.
    """
    image = None if node is None else node.GetImageData()
    name = "" if node is None else node.GetName()
    if image is None or image.GetPointData().GetScalars() is None:
        raise InputError(_("The volume {name} has no voxels.").format(name=name), _("Load the volume again."))
    if image.GetNumberOfScalarComponents() != 1:
        raise InputError(
            _("The volume {name} has several values in each voxel (colors or vectors).").format(name=name),
            _("Choose a scalar volume."),
        )
    array = slicer.util.arrayFromVolume(node)
    matrix = vtk.vtkMatrix4x4()
    node.GetIJKToRASMatrix(matrix)
    grid = _grid(LPS_TO_RAS @ slicer.util.arrayFromVTKMatrix(matrix), (array.shape[2], array.shape[1], array.shape[0]))
    if grid is None:
        raise InputError(
            _("The slices of the volume {name} are sheared (tilted gantry).").format(name=name),
            _("Resample it first, for example with the module Crop Volume."),
        )
    return Input(array, grid, is_synthetic(node))


def crop_box(points: np.ndarray, grid: Grid) -> tuple[slice, slice, slice]:
    """Slices (k, j, i) of the voxels in the smallest box around some points (n, 3), LPS mm; may be empty."""
    index = grid.indices(points)
    low = np.maximum(np.ceil(index.min(axis=0) - 1e-6), 0).astype(int)
    high = np.minimum(np.floor(index.max(axis=0) + 1e-6) + 1, grid.size).astype(int)
    i, j, k = (slice(int(a), max(int(a), int(b))) for a, b in zip(low, high, strict=True))
    return k, j, i


def cropped(volume: Input, node: Node, roi: Node | None) -> Input:
    if roi is None:
        return volume
    signs = np.array([[1.0 if (n >> axis) & 1 else -1.0 for axis in range(3)] for n in range(8)])
    in_roi = np.c_[signs * np.array(roi.GetSize()) / 2, np.ones(8)] @ _object_to_node(roi).T
    to_local = vtk.vtkGeneralTransform()
    slicer.vtkMRMLTransformNode.GetTransformBetweenNodes(
        roi.GetParentTransformNode(), node.GetParentTransformNode(), to_local
    )
    points = np.array([to_local.TransformPoint(point) for point in in_roi[:, :3].tolist()])
    box = crop_box(points @ LPS_TO_RAS[:3, :3], volume.grid)
    array = volume.array[box]
    extent = np.array(array.shape[::-1]) * volume.grid.spacing
    if min(extent) < LEAST_REGION_MM:
        raise InputError(
            _("The region {name} holds only {size} mm of the reference volume.").format(
                name=roi.GetName(), size=" x ".join(f"{length:.0f}" for length in extent)
            ),
            _("Move or enlarge the region."),
        )
    start = np.array([box[2].start, box[1].start, box[0].start, 1.0])
    origin = (volume.grid.affine @ start)[:3]
    k, j, i = array.shape
    first = (float(origin[0]), float(origin[1]), float(origin[2]))
    return replace(volume, array=array, grid=Grid((i, j, k), volume.grid.spacing, first, volume.grid.direction))


def _object_to_node(roi: Node) -> np.ndarray:
    matrix: np.ndarray = slicer.util.arrayFromVTKMatrix(roi.GetObjectToNodeMatrix())
    return matrix


def placed(grid: Grid, placement: np.ndarray) -> Grid | None:
    """The grid where a matrix (RAS) puts it, None if its axes are then no longer at right angles."""
    if np.allclose(placement, np.eye(4), atol=1e-12):
        return grid
    return _grid(LPS_TO_RAS @ placement @ LPS_TO_RAS @ grid.affine, grid.size)


def _grid(affine: np.ndarray, size: tuple[int, int, int]) -> Grid | None:
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    axes = affine[:3, :3] / spacing
    if not np.allclose(axes.T @ axes, np.eye(3), atol=SHEAR_TOLERANCE):
        return None
    x, y, z = map(float, spacing)
    p, q, r = map(float, affine[:3, 3])
    return Grid(size, (x, y, z), (p, q, r), tuple(map(float, axes.ravel())))
