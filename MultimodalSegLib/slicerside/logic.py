"""What the panel and scripts call: volumes of the scene in, segmentation, transforms and tables in the scene out.

There is no GUI in here and no dialog ever: what goes wrong is raised or emitted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..errors import InputError
from ..registration.landmarks import Landmarks
from .packages import slicer
from .process.child import RunProgress
from .run.request import Request
from .run.result import Result
from .run.run import Run
from .scene.landmarks import taken
from .scene.nodes import MODALITY_ATTRIBUTE, Node
from .scene.slice_views import composite_nodes
from .text import _

__all__ = ["MultimodalSegLogic", "Result", "Run", "RunProgress"]

POLL_MS = 50


class MultimodalSegLogic:
    """Registers and segments volumes of the scene in a child process, one run at a time.

    Where there is Qt a timer moves a started run on; elsewhere the caller polls it.

    Args:
        python: interpreter of the child process; PythonSlicer or the running Python if None.

    Example:
        >>> logic = MultimodalSegLogic()
        >>> result = logic.process(getNode("CTBrain"), {"T1": getNode("MRBrainT1")}, referenceModality="CT")
        >>> result.segmentationNode.GetSegmentation().GetNumberOfSegments()
    """

    def __init__(self, *, python: str | None = None) -> None:
        self._python = python
        self._run: Run | None = None
        self._timer: Any = None
        self._scene: Any = None
        self._observer: int | None = None

    @property
    def run(self) -> Run | None:
        """The run that is on, or None."""
        return self._run if self._run is not None and self._run.running else None

    def start(
        self,
        referenceNode: Node,
        movingNodes: Mapping[str, Node] | None = None,
        *,
        referenceModality: str = "",
        registration: str = "rigid",
        transforms: Mapping[str, Node | str | Path] | None = None,
        landmarks: Mapping[str, Landmarks | tuple[Node, Node]] | None = None,
        backend: str = "auto",
        model: str = "default",
        device: str = "auto",
        threads: int | None = None,
        memoryLimitMb: int | None = None,
        roiNode: Node | None = None,
        probabilities: Sequence[str] = (),
        outputSegmentation: Node | None = None,
        keepFiles: bool = False,
        keepRun: bool = False,
        syntheticDetail: bool = False,
    ) -> Run:
        """Start a run and return at once; connect to the signals of what is returned.

        Args:
            referenceNode: volume on whose grid the result is given.
            movingNodes: further volumes by modality, see :data:`~MultimodalSegLib.images.case.MODALITIES`; they are put
                under the transforms that are found.
            referenceModality: modality of the reference; its attribute ``MultimodalSeg.Modality``, or CT, if empty.
            registration: ``"none"`` (the volumes lie right in the scene), ``"rigid"``, ``"affine"`` or ``"bspline"``.
            transforms: known transforms by modality instead of a registration: transform nodes under which the volume
                lies right, or files as the command line takes them.
            landmarks: by modality two point lists, in the reference and in that volume: the registration starts from
                their best fit, and the run keeps their error. The second list goes along with its volume.
            backend: ``"auto"``, or one of ``backend.available()``.
            model: name or folder of a model bundle.
            device: ``"auto"``, ``"cpu"`` or ``"cuda"``.
            threads: processor threads; None leaves it to the engines.
            memoryLimitMb: memory the network may use, MiB; None for what is free.
            roiNode: markups ROI; only the part of the reference inside it is segmented.
            probabilities: names of classes whose probability maps are loaded.
            outputSegmentation: segmentation node whose segments are *replaced*; None makes a new node.
            keepFiles: keep the temporary folder with the run folder, however the run ends.
            keepRun: keep the run folder of a result, to be explained; the caller removes it.
            syntheticDetail: use volumes whose detail was made up (by Enhance) all the same.

        Raises:
            MultimodalSegError: something given cannot be used, or a run is on already; nothing was started.
        """
        run = self._begun(
            referenceNode,
            movingNodes or {},
            referenceModality,
            registration=registration,
            transforms=dict(transforms or {}),
            landmarks=dict(landmarks or {}),
            backend=backend,
            model=str(model),
            device=device,
            threads=threads,
            memory_limit_mb=memoryLimitMb,
            roi=roiNode,
            probabilities=tuple(probabilities),
            output=outputSegmentation,
            keep_files=keepFiles,
            keep_run=keepRun,
            synthetic_detail=syntheticDetail,
        )
        self._timer = _timer(self._tick)
        return run

    def process(
        self,
        referenceNode: Node,
        movingNodes: Mapping[str, Node] | None = None,
        *,
        blocking: bool = True,
        onProgress: Callable[[RunProgress], object] | None = None,
        **options: Any,
    ) -> Result | Run:
        """Run to the end and return the result; the application stays alive meanwhile.

        Args:
            referenceNode: as in :meth:`start`.
            movingNodes: as in :meth:`start`.
            blocking: False is the same as :meth:`start`.
            onProgress: called with every :class:`~MultimodalSegLib.slicerside.process.child.RunProgress`.
            **options: the other arguments of :meth:`start`.

        Returns:
            The result, or the started run if not ``blocking``.

        Raises:
            MultimodalSegError: the run has failed or was cancelled; the message says why, the hint what to do.
        """
        run = self.start(referenceNode, movingNodes, **options)
        if onProgress is not None:
            run.progress.connect(onProgress)
        if not blocking:
            return run
        self._stop_timer()
        try:
            return run.wait(processEvents=slicer.app.processEvents)
        finally:
            self._ended()

    def cancel(self, *, waitSeconds: float = 0.0) -> None:
        """Cancel the run that is on, if there is one."""
        if self._run is not None:
            self._run.cancel(waitSeconds=waitSeconds)

    def close(self) -> None:
        """Cancel and leave no process behind; for module reload and the end of the application."""
        self.cancel(waitSeconds=2.0)
        self._ended()

    def showSurfaces(self, segmentationNode: Node, visible: bool = True) -> None:
        """Show or hide the segments in 3D; the first time this takes seconds."""
        if visible:
            segmentationNode.CreateClosedSurfaceRepresentation()
        segmentationNode.GetDisplayNode().SetVisibility3D(visible)

    def showMap(self, volumeNode: Node | None, opacity: float = 0.6, referenceNode: Node | None = None) -> None:
        """Lay a map over the reference in every slice view, with its color legend; None takes it away.

        Args:
            volumeNode: one of a result's ``volumeNodes``.
            opacity: of the map, 0 to 1.
            referenceNode: volume to show below it; what is shown now if None.
        """
        for composite in composite_nodes():
            if referenceNode is not None:
                composite.SetBackgroundVolumeID(referenceNode.GetID())
            composite.SetForegroundVolumeID(volumeNode.GetID() if volumeNode is not None else None)
            composite.SetForegroundOpacity(opacity)
        for node in slicer.util.getNodesByClass("vtkMRMLColorLegendDisplayNode"):
            owner = node.GetDisplayableNode()
            if owner is not None and owner.GetAttribute("MultimodalSeg.Map"):
                node.SetVisibility(owner is volumeNode)

    def _begun(self, reference: Node, moving: Mapping[str, Node], modality: str, **options: Any) -> Run:
        if self.run is not None:
            raise InputError(_("A run is on already."), _("Wait for its end, or cancel it."))
        if reference is None:
            raise InputError(_("No reference volume is chosen."), _("Choose one in the section Inputs."))
        if moving and options["registration"] != "none":
            from .registration.backend import choose

            options["backend"] = choose(options["backend"])
        for which, given in options["landmarks"].items():
            if not isinstance(given, Landmarks):
                fixed, points = given
                options["landmarks"][which] = taken(fixed, points, reference, moving.get(which))
        self._ended()  # of an earlier run that nobody followed to its end
        name = modality or reference.GetAttribute(MODALITY_ATTRIBUTE) or "CT"
        self._run = Run(Request((name, reference), dict(moving), **options), python=self._python)
        self._scene = reference.GetScene()
        self._observer = self._scene.AddObserver(slicer.vtkMRMLScene.StartCloseEvent, lambda *_: self.cancel())
        return self._run

    def _tick(self) -> None:
        """Called by the timer."""
        try:
            if self._run is not None:
                self._run.poll()
        finally:
            if self.run is None:
                self._ended()

    def _ended(self) -> None:
        self._stop_timer()
        if self._observer is not None:
            self._scene.RemoveObserver(self._observer)
            self._observer = self._scene = None

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.stop()
            self._timer = None


def _timer(call: Callable[[], None]) -> Any:
    """A running Qt timer, or None where there is no Qt: then the caller polls."""
    try:
        import qt
    except ImportError:
        return None
    timer = qt.QTimer()
    timer.setInterval(POLL_MS)
    timer.connect("timeout()", call)
    timer.start()
    return timer
