"""Which programs can register here, and one function for all of them.

BRAINSFit and elastix run where the application has them. Elsewhere, and on demand, this library's own registration
with SimpleITK runs in a child process. All give the same kind of transform node.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk

from ..errors import InputError
from ..registration.transform_file import read_transform, write_transform
from .nodes import LPS_TO_RAS
from .packages import slicer, vtk
from .registration_run import Node, RegistrationRun, check_nodes
from .text import _

BACKENDS = ("brainsfit", "elastix", "simpleitk")
"""In the order in which ``"auto"`` looks for them."""


def available() -> tuple[str, ...]:
    """Backends that can be used here, the preferred one first; never empty."""
    modules = getattr(slicer, "modules", None)
    found = [name for name in BACKENDS[:2] if hasattr(modules, name)]
    return (*found, BACKENDS[2])


def shown_name(backend: str) -> str:
    """Name of a backend for the panel."""
    names = {
        "auto": _("Automatic"),
        "brainsfit": _("General Registration (BRAINS)"),
        "elastix": _("Elastix"),
        "simpleitk": _("SimpleITK"),
    }
    return names[backend]


def choose(backend: str = "auto") -> str:
    """The backend that is used for a choice.

    Raises:
        InputError: it is not installed, or there is none of this name.
    """
    usable = available()
    if backend == "auto":
        return usable[0]
    if backend not in usable:
        raise InputError(
            _("The registration backend {name!r} is not available.").format(name=backend),
            _("Use one of {names}.").format(names=", ".join(("auto", *usable))),
        )
    return backend


def registration_run(
    reference: Node,
    moving: Node,
    kind: str = "rigid",
    *,
    backend: str = "auto",
    modalities: tuple[str, str] = ("", ""),
    initial: Node | None = None,
) -> RegistrationRun:
    """A registration that is ready to be started; connect to its signals, then call ``start()``.

    Args:
        reference: volume node that stays.
        moving: volume node that is brought onto it; a parent transform of it is where the search starts.
        kind: ``"rigid"``, ``"affine"`` or ``"bspline"``.
        backend: ``"auto"`` or one of :func:`available`.
        modalities: names of the modalities of both.
        initial: transform node (moving volume's own space to the reference's own space) to start from.

    Raises:
        InputError: the backend is not available, or a volume cannot be used.

    Example:
        >>> run = registration_run(ct, t1, modalities=("CT", "T1"))
        >>> node = run.wait()
        >>> t1.SetAndObserveTransformNodeID(node.GetID())
    """
    name = choose(backend)
    check_nodes(reference, moving, kind)
    return _run_class(name)(reference, moving, kind, modalities=modalities, initial=initial)


def _run_class(backend: str) -> type[RegistrationRun]:
    if backend == "brainsfit":
        from .brainsfit import BrainsFitRun

        return BrainsFitRun
    if backend == "elastix":
        from .elastix import ElastixRun

        return ElastixRun
    from .simpleitk_run import SimpleItkRun

    return SimpleItkRun


def transform_from_node(node: Node, reference: Node | None = None) -> sitk.Transform:
    """The transform of a node as the library knows it: reference points to moving points, LPS mm.

    Args:
        node: transform node under which the moving volume lies, or would lie.
        reference: volume whose space counts, for one that lies under a transform itself.

    Raises:
        InputError: the transform cannot be inverted or handed over.
    """
    general, linear = vtk.vtkGeneralTransform(), vtk.vtkTransform()
    parent = reference.GetParentTransformNode() if reference is not None else None
    slicer.vtkMRMLTransformNode.GetTransformBetweenNodes(node, parent, general)
    if slicer.vtkMRMLTransformNode.IsGeneralTransformLinear(general, linear):
        to_parent = slicer.util.arrayFromVTKMatrix(linear.GetMatrix())
        if abs(np.linalg.det(to_parent)) < 1e-9:
            raise InputError(
                _("The transform {name} cannot be inverted.").format(name=node.GetName()), _("Choose another one.")
            )
        return affine_from_ras(np.linalg.inv(to_parent))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "transform.h5"
        _write_bent(general, node.GetName(), path)
        return read_transform(path)


def transform_file(node: Node, path: str | Path, reference: Node | None = None) -> Path:
    """Write a transform node as the file that ``--transform MODALITY=FILE`` takes.

    Args:
        node: transform node under which the moving volume lies, or would lie.
        path: a name ending in ``.h5`` or ``.tfm``.
        reference: volume whose space counts, for one that lies under a transform itself.

    Raises:
        InputError: the transform cannot be handed over.
        OutputError: the file cannot be written.
    """
    write_transform(transform_from_node(node, reference), Path(path))
    return Path(path)


def _write_bent(general: Any, name: str, path: Path) -> None:
    node, storage = slicer.vtkMRMLTransformNode(), slicer.vtkMRMLTransformStorageNode()
    node.SetAndObserveTransformToParent(general)
    storage.SetFileName(str(path))
    if not storage.WriteData(node) or not path.is_file():
        raise InputError(
            _("The transform {name} cannot be handed over.").format(name=name),
            _("Choose another transform, or a registration."),
        )


def affine_from_ras(ras: np.ndarray) -> sitk.AffineTransform:
    """A 4x4 matrix (RAS) as a transform of LPS points."""
    lps = LPS_TO_RAS @ ras @ LPS_TO_RAS
    return sitk.AffineTransform(lps[:3, :3].ravel().tolist(), lps[:3, 3].tolist())
