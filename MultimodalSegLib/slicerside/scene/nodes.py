"""MRML nodes from volumes, transforms and segmentations, and volumes from nodes.

Works on ``slicer.mrmlScene``, in the Slicer application as well as headless after
:func:`~MultimodalSegLib.slicerside.headless.start_scene`. The library thinks in LPS, MRML in RAS: x and y change sign.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import InputError
from ...images.grid import Grid
from ...images.synthetic import MARK, TAG, UNNAMED
from ...images.volume import Volume
from ...inference.segmentation import Segmentation
from ...report.seg_nrrd import GROUP_TAG, present_classes, segment_id
from ..packages import slicer, vtk

if TYPE_CHECKING:
    import SimpleITK as sitk

Node = Any
"""A MRML node; slicer-core has no type information."""

LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
MODALITY_ATTRIBUTE = "MultimodalSeg.Modality"
BRAIN_WINDOW, BRAIN_LEVEL = 80.0, 40.0  # HU


def volume_node(volume: Volume, name: str, modality: str = "") -> Node:
    """Put a volume into the scene.

    Args:
        volume: values are copied; their type is kept (64-bit integers become 32-bit).
        name: name of the node.
        modality: ``"CT"`` shows the brain window, anything else the middle 99 % of the values inside the head;
            also kept as the node attribute ``MultimodalSeg.Modality``.

    Returns:
        A vtkMRMLScalarVolumeNode with a display node.
    """
    array = volume.array.astype(np.int32) if volume.array.dtype in (np.int64, np.uint64) else volume.array
    node = slicer.util.addVolumeFromArray(array, LPS_TO_RAS @ volume.grid.affine, name)
    display = node.GetDisplayNode()
    display.AutoWindowLevelOff()
    if modality == "CT":
        display.SetWindowLevel(BRAIN_WINDOW, BRAIN_LEVEL)
    else:
        low, high = head_range(volume.array)
        display.SetWindowLevelMinMax(low, high)
    if modality == "PET":
        display.SetAndObserveColorNodeID("vtkMRMLColorTableNodeIron")
    node.SetAttribute(MODALITY_ATTRIBUTE, modality)
    if volume.synthetic_detail:
        node.SetAttribute(TAG, volume.synthetic_detail)
    return node


def synthetic_detail(node: Node) -> str:
    """Who made the detail of a volume up, empty for a scan; 3D Slicer keeps the attribute in NRRD files."""
    return str(node.GetAttribute(TAG) or "") or (UNNAMED if MARK in (node.GetName() or "") else "")


def air_limit(array: np.ndarray) -> float:
    """Value below which a voxel is likely air: a little above the darkest values."""
    air, bright = np.percentile(_sample(array), (1.0, 99.5))
    return float(air + 0.05 * (bright - air))


def head_range(array: np.ndarray) -> tuple[float, float]:
    """Lowest and highest value to show: percentiles 0.5 and 99.5 of the values that are not air."""
    sample = _sample(array)
    inside = sample[sample > air_limit(array)]
    low, high = np.percentile(inside if inside.size else sample, (0.5, 99.5))
    return float(low), float(max(high, low + 1e-3))


def _sample(array: np.ndarray) -> np.ndarray:
    """An eighth of the finite values or so, enough for percentiles."""
    sample = array[:: max(1, array.shape[0] // 64), ::2, ::2].astype(np.float32)
    sample = sample[np.isfinite(sample)]
    return sample if sample.size else np.zeros(1, np.float32)


def volume_from_node(node: Node) -> Volume:
    """The volume of a node on its own grid, float32, or as it is for a label map; a parent transform is not applied.

    Raises:
        InputError: the node has no voxels.
    """
    if node.GetImageData() is None:
        raise InputError(f"The volume {node.GetName()!r} has no voxels.", "Load the volume again.")
    matrix = vtk.vtkMatrix4x4()
    node.GetIJKToRASMatrix(matrix)
    affine = LPS_TO_RAS @ slicer.util.arrayFromVTKMatrix(matrix)
    array = slicer.util.arrayFromVolume(node)
    array = array.copy() if node.IsA("vtkMRMLLabelMapVolumeNode") else array.astype(np.float32)
    k, j, i = array.shape
    spacing = np.array(node.GetSpacing())
    direction = affine[:3, :3] / spacing
    cosines = tuple(map(float, direction.ravel()))
    grid = Grid((i, j, k), _triple(spacing), _triple(affine[:3, 3]), cosines)
    return Volume(array, grid, synthetic_detail=synthetic_detail(node))


def transform_node(transform: sitk.Transform, name: str) -> Node:
    """Put a registration into the scene: a moving volume placed under it appears in the reference volume's space.

    Args:
        transform: maps reference points to moving points (LPS mm), as registration gives it.
        name: name of the node.

    Returns:
        A vtkMRMLLinearTransformNode, or a vtkMRMLTransformNode (or subclass) for a transform that bends.
    """
    import SimpleITK as sitk

    if not transform.IsLinear():
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "transform.h5"
            sitk.WriteTransform(transform, str(path))
            node = slicer.util.loadTransform(str(path))
        slicer.mrmlScene.RemoveNode(node.GetStorageNode())
        node.SetName(name)
        return node
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode", name)
    from_parent = LPS_TO_RAS @ _matrix(transform) @ LPS_TO_RAS
    node.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(np.linalg.inv(from_parent)))
    return node


def segmentation_node(segmentation: Segmentation, reference_node: Node, name: str) -> Node:
    """Put a segmentation into the scene: one segment for each class present, voxels exactly as they are.

    Args:
        segmentation: labels on the grid of the reference volume.
        reference_node: volume that gives the reference geometry and the place in the subject hierarchy.
        name: name of the node.

    Returns:
        A vtkMRMLSegmentationNode whose attributes ``MultimodalSeg.*`` say which model made it.
    """
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", name)
    node.CreateDefaultDisplayNodes()
    shared = _oriented_image(segmentation.labels)
    for segment_class in present_classes(segmentation):
        segment = slicer.vtkSegment()
        segment.SetName(segment_class.name)
        segment.SetColor(*(component / 255 for component in segment_class.color))
        segment.SetLabelValue(segment_class.value)
        if segment_class.terminology:
            segment.SetTerminology(segment_class.terminology)
        segment.SetTag(GROUP_TAG, segment_class.group)
        segment.SetTag("Segmentation.Status", "completed")
        segment.AddRepresentation("Binary labelmap", shared)
        node.GetSegmentation().AddSegment(segment, segment_id(segment_class))
    attach_to_reference(node, reference_node)
    seconds = round(segmentation.seconds, 3)
    set_provenance(node, {**segmentation.model, "device": segmentation.device, "seconds": seconds})
    return node


def attach_to_reference(node: Node, reference_node: Node) -> None:
    """Give a segmentation the geometry, parent transform and subject hierarchy folder of its reference volume."""
    node.SetReferenceImageGeometryParameterFromVolumeNode(reference_node)
    node.SetAndObserveTransformNodeID(reference_node.GetTransformNodeID())
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    hierarchy.SetItemParent(hierarchy_item(node), hierarchy.GetItemParent(hierarchy_item(reference_node)))


def hierarchy_item(node: Node) -> int:
    """Subject hierarchy item of a node, made where the application has not made it."""
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    item: int = hierarchy.GetItemByDataNode(node)
    return item or hierarchy.CreateItem(hierarchy.GetSceneItemID(), node)


def set_provenance(node: Node, facts: Mapping[str, Any]) -> None:
    """Keep as attributes how a node was made: ``MultimodalSeg.Version`` for ``version``; empty facts are left out."""
    for key, value in facts.items():
        if value not in (None, ""):
            node.SetAttribute(f"MultimodalSeg.{'Model' if key == 'name' else key.capitalize()}", str(value))


def _matrix(transform: sitk.Transform) -> np.ndarray:
    """4x4 of a linear transform, read off from where it takes the origin and three unit points."""
    origin = np.array(transform.TransformPoint((0.0, 0.0, 0.0)))
    matrix = np.eye(4)
    for axis in range(3):
        matrix[:3, axis] = np.array(transform.TransformPoint(tuple(np.eye(3)[axis]))) - origin
    matrix[:3, 3] = origin
    return matrix


def _oriented_image(labels: Volume) -> Any:
    """The label map as the image that all segments share."""
    from vtk.util.numpy_support import numpy_to_vtk

    image = slicer.vtkOrientedImageData()
    image.SetDimensions(labels.grid.size)
    flat = np.ascontiguousarray(labels.array, np.uint16).ravel()
    scalars = numpy_to_vtk(flat, deep=True)
    scalars.SetName("labels")
    image.GetPointData().SetScalars(scalars)
    image.SetGeometryFromImageToWorldMatrix(slicer.util.vtkMatrixFromArray(LPS_TO_RAS @ labels.grid.affine))
    return image


def _triple(numbers: np.ndarray) -> tuple[float, float, float]:
    x, y, z = map(float, numbers)
    return x, y, z
