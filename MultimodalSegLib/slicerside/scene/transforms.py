"""Transform nodes as the library knows transforms, reference points to moving points in LPS, and as their files."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import InputError
from ..packages import slicer, vtk
from ..text import _
from .nodes import LPS_TO_RAS, Node

if TYPE_CHECKING:
    import SimpleITK as sitk


def matrix_between(source: Node | None, target: Node | None) -> np.ndarray | None:
    """4x4 (RAS) from the space under one transform node to that under another, None if it is not linear."""
    return _matrix(_general(source, target))


def transform_from_node(node: Node, reference: Node | None = None) -> sitk.Transform:
    """The transform of a node as the library knows it: reference points to moving points, LPS mm.

    Args:
        node: transform node under which the moving volume lies, or would lie.
        reference: volume whose space counts, for one that lies under a transform itself.

    Raises:
        InputError: the transform cannot be inverted or handed over.
    """
    return transform_later(node, reference)()


def transform_later(node: Node | None, reference: Node | None = None) -> Callable[[], sitk.Transform]:
    """Look at a transform node now, in milliseconds; the rest, which needs SimpleITK, is left to a thread.

    Args:
        node: as in :func:`transform_from_node`; None for a volume under no transform.
        reference: as in :func:`transform_from_node`.

    Returns:
        A function that gives the transform, to be called once; it touches no node.

    Raises:
        InputError: the transform cannot be inverted or handed over.
    """
    matrix = matrix_between(node, _space(reference))
    if matrix is not None:
        inverse = _inverse(matrix, node if node is not None else _space(reference))
        return lambda: affine_from_ras(inverse)
    folder = tempfile.TemporaryDirectory()
    path = transform_file(node, Path(folder.name) / "transform.h5", reference)

    def read() -> sitk.Transform:
        from ...registration.transform_file import read_transform

        with folder:
            return read_transform(path)

    return read


def transform_file(node: Node, path: str | Path, reference: Node | None = None) -> Path:
    """Write a transform node as the file that ``--transform MODALITY=FILE`` takes.

    Args:
        node: transform node under which the moving volume lies, or would lie.
        path: a name ending in ``.h5`` or ``.tfm``.
        reference: volume whose space counts, for one that lies under a transform itself.

    Raises:
        InputError: the transform cannot be inverted or handed over.
    """
    general, target = _general(node, _space(reference)), Path(path)
    matrix = _matrix(general)
    if matrix is not None:
        _inverse(matrix, node)
    written, storage = slicer.vtkMRMLTransformNode(), slicer.vtkMRMLTransformStorageNode()
    written.SetAndObserveTransformToParent(general)
    storage.SetFileName(str(target))
    target.parent.mkdir(parents=True, exist_ok=True)
    if not storage.WriteData(written) or not target.is_file():
        raise InputError(
            _("The transform {name} cannot be handed over.").format(name=node.GetName()),
            _("Choose another transform, or a registration."),
        )
    return target


def affine_from_ras(ras: np.ndarray) -> sitk.AffineTransform:
    """A 4x4 matrix (RAS) as a transform of LPS points."""
    import SimpleITK as sitk

    lps = LPS_TO_RAS @ ras @ LPS_TO_RAS
    return sitk.AffineTransform(lps[:3, :3].ravel().tolist(), lps[:3, 3].tolist())


def _space(volume: Node | None) -> Node | None:
    """The transform node under which a volume lies."""
    return volume.GetParentTransformNode() if volume is not None else None


def _general(source: Node | None, target: Node | None) -> Any:
    general = vtk.vtkGeneralTransform()
    slicer.vtkMRMLTransformNode.GetTransformBetweenNodes(source, target, general)
    return general


def _matrix(general: Any) -> np.ndarray | None:
    linear = vtk.vtkTransform()
    if not slicer.vtkMRMLTransformNode.IsGeneralTransformLinear(general, linear):
        return None
    found: np.ndarray = slicer.util.arrayFromVTKMatrix(linear.GetMatrix())
    return found


def _inverse(matrix: np.ndarray, node: Node) -> np.ndarray:
    if abs(np.linalg.det(matrix)) < 1e-9:
        raise InputError(
            _("The transform {name} cannot be inverted.").format(name=node.GetName()), _("Choose another one.")
        )
    return np.linalg.inv(matrix)
