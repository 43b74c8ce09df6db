"""What every backend's registration looks like from outside, whoever computes it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from ...errors import Cancelled, InputError, MultimodalSegError
from ..packages import slicer
from ..process.child import RunProgress
from ..process.failures import Failure
from ..signal import Signal
from ..text import _

Node = Any

STAGE = "register"


class RegistrationRun:
    """One registration that is on; nothing of it blocks, :meth:`poll` has to be called now and then.

    Signals: ``progress(RunProgress)``, ``finished(transformNode)``, ``failed(kind, message, hint)``, ``cancelled()``.
    The transform node carries the moving volume, taken out of its parent transform, to the reference in the scene; no
    volume is put under it. Where the reference has a parent transform, the node lies under that one too.

    Args:
        reference: volume node that stays.
        moving: volume node that is brought onto it.
        kind: ``"rigid"``, ``"affine"`` or ``"bspline"``.
        modalities: names of the modalities of both; may be empty.
        initial: transform node to start from, or None.
    """

    backend = ""

    def __init__(
        self,
        reference: Node,
        moving: Node,
        kind: str = "rigid",
        *,
        modalities: tuple[str, str] = ("", ""),
        initial: Node | None = None,
    ) -> None:
        self.progress, self.finished, self.failed, self.cancelled = Signal(), Signal(), Signal(), Signal()
        self.reference, self.moving, self.kind = reference, moving, kind
        self.modalities, self.initial = modalities, initial
        self._running = False
        self._log: list[str] = []

    def start(self) -> None:
        """Begin; call it once."""
        raise NotImplementedError

    def poll(self) -> bool:
        """Emit what has happened since the last call; True while the registration is on."""
        raise NotImplementedError

    def cancel(self, *, wait_s: float = 0.0) -> None:
        """Stop; nothing is left in the scene. ``cancelled`` is emitted by a later :meth:`poll` or at once."""
        raise NotImplementedError

    @property
    def running(self) -> bool:
        """True from :meth:`start` until one of the last three signals."""
        return self._running

    @property
    def log(self) -> str:
        """What the backend wrote, for the panel."""
        return "\n".join(self._log)

    @property
    def name(self) -> str:
        """Name for the transform node."""
        moving = self.modalities[1] or self.moving.GetName()
        return _("{moving} to {reference}").format(
            moving=moving, reference=self.modalities[0] or self.reference.GetName()
        )

    def wait(self, timeout_s: float = 3600.0, process_events: Callable[[], None] | None = None) -> Node:
        """Run to the end, for scripts and tests.

        Raises:
            MultimodalSegError: as ``failed`` tells.
            Cancelled: by the user, or because the time was over.
        """
        ends: list[Any] = []
        self.finished.connect(lambda node: ends.append(node))
        self.failed.connect(lambda kind, message, hint: ends.append(Failure(kind, message, hint).error()))
        self.cancelled.connect(lambda: ends.append(Cancelled("The registration was cancelled.")))
        if not self._running:
            self.start()
        deadline = time.monotonic() + timeout_s
        while not ends and self.poll():
            if time.monotonic() > deadline:
                self.cancel(wait_s=2.0)
                raise Cancelled(f"The registration took longer than {timeout_s:.0f} s.")
            (process_events or _process_events)()
            time.sleep(0.02)
        if isinstance(ends[0], MultimodalSegError):
            raise ends[0]
        return ends[0]

    def _tell(self, percent: float, message: str = "") -> None:
        self.progress.emit(RunProgress(STAGE, percent, 100.0, message))

    def _end(self, signal: Signal, *arguments: Any) -> None:
        """Emit one of the last signals, once."""
        if self._running:
            self._running = False
            signal.emit(*arguments)


def check_nodes(reference: Node, moving: Node, kind: str) -> None:
    """Refuse what no backend can register.

    Raises:
        InputError: a volume without voxels, or twice the same volume.
        ValueError: an unknown kind.
    """
    if kind not in ("rigid", "affine", "bspline"):
        raise ValueError(f"kind {kind!r} is none of rigid, affine, bspline")
    for node in (reference, moving):
        if node is None or node.GetImageData() is None:
            name = node.GetName() if node is not None else ""
            raise InputError(
                _("The volume {name!r} has no voxels.").format(name=name), _("Choose a volume that is loaded.")
            )
    if reference.GetID() == moving.GetID():
        raise InputError(
            _("The volume {name!r} is chosen twice.").format(name=moving.GetName()), _("Choose two volumes.")
        )


def linear_if_possible(node: Node, name: str) -> Node:
    """The same transform as a vtkMRMLLinearTransformNode if it does not bend; the given node is replaced then."""
    from ..packages import vtk

    if node.IsA("vtkMRMLLinearTransformNode") or not node.IsLinear():
        node.SetName(name)
        return node
    parent = node.GetTransformNodeID()
    matrix = vtk.vtkMatrix4x4()
    node.GetMatrixTransformToParent(matrix)
    linear = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode", name)
    linear.SetMatrixTransformToParent(matrix)
    linear.SetAndObserveTransformNodeID(parent)
    slicer.mrmlScene.RemoveNode(node)
    return linear


def without_parent(node: Node) -> Node:
    """The volume node itself, or a twin outside its parent transform if it has one; remove such a twin later."""
    return node if node.GetParentTransformNode() is None else twin(node, None)


def twin(node: Node, transform: Node | None) -> Node:
    """A hidden volume node with the same voxels (not copied) and grid under another transform; remove it later."""
    other = slicer.mrmlScene.AddNewNodeByClass(node.GetClassName(), f"{node.GetName()} in place")
    other.SetHideFromEditors(True)
    other.SetSaveWithScene(False)
    other.CopyOrientation(node)
    other.SetAndObserveImageData(node.GetImageData())
    other.SetAndObserveTransformNodeID(transform.GetID() if transform is not None else None)
    return other


def start_transform(reference: Node, moving: Node, initial: Node | None) -> Node | None:
    """The transform to start from: the given one, else a copy of where the scene has the moving volume, else None.

    A copy is to be removed later. It goes from the moving volume's own space to the reference's own space.
    """
    if initial is not None:
        return initial
    parents = moving.GetParentTransformNode(), reference.GetParentTransformNode()
    if parents == (None, None):
        return None
    from ..packages import vtk

    general = vtk.vtkGeneralTransform()
    slicer.vtkMRMLTransformNode.GetTransformBetweenNodes(*parents, general)
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTransformNode", f"{moving.GetName()} in place")
    node.SetHideFromEditors(True)
    node.SetAndObserveTransformToParent(general)
    return linear_if_possible(node, node.GetName())


def finished_node(output: Node, run: RegistrationRun) -> Node:
    """What all backends leave: a linear node if nothing bends, under the reference's transform, saying who made it."""
    node = linear_if_possible(output, run.name)
    node.SetAndObserveTransformNodeID(run.reference.GetTransformNodeID())
    for key, value in {"Backend": run.backend, "Registration": run.kind}.items():
        node.SetAttribute(f"MultimodalSeg.{key}", value)
    return node


def remove(node: Node | None) -> None:
    """Take a node out of the scene, if it still is there."""
    if node is not None and slicer.mrmlScene.IsNodePresent(node):
        slicer.mrmlScene.RemoveNode(node)


def _process_events() -> None:
    application = getattr(slicer, "app", None)
    if application is not None and hasattr(application, "processEvents"):
        application.processEvents()
