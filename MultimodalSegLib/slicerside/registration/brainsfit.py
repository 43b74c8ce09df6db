"""Registration by BRAINSFit, the module "General Registration (BRAINS)" that Slicer users know."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...errors import RegistrationError
from ..packages import slicer
from ..text import _
from .running import Node, RegistrationRun, check_nodes, finished_node, remove, start_transform, without_parent

SAMPLES = 200_000
"""Points at which mutual information is measured; BRAINSFit's default of 0.2 % of the voxels is far too few."""
LEAST_SAMPLING, MOST_SAMPLING = 0.02, 0.3
KNOTS_MM = 45.0
LEAST_KNOTS = 3
AIR_AROUND_MM = 10.0
"""Some air around the head tells where the skin is."""


def brainsfit_parameters(
    fixed: str,
    moving: str,
    output: str,
    kind: str,
    *,
    size: Sequence[int],
    spacing: Sequence[float],
    start: str = "useGeometryAlign",
    initial: str = "",
    threads: int | None = None,
) -> dict[str, Any]:
    """Parameters of the BRAINSFit module for two volumes of one head, whatever their modalities.

    Mattes mutual information, a dense sample of the voxels in and around the head, and never histogram matching, which
    makes no sense between modalities.

    Args:
        fixed: ID of the reference volume node.
        moving: ID of the moving volume node.
        output: ID of the transform node that takes the result.
        kind: ``"rigid"``, ``"affine"`` or ``"bspline"``; the later ones go through the earlier.
        size: voxels of the fixed volume along i, j, k.
        spacing: mm along i, j, k.
        start: a value of ``initializeTransformMode``; ignored when ``initial`` is given.
        initial: ID of the transform node to start from.
        threads: processor threads; BRAINSFit's choice if None.

    Raises:
        ValueError: an unknown kind.
    """
    if kind not in ("rigid", "affine", "bspline"):
        raise ValueError(f"kind {kind!r} is none of rigid, affine, bspline")
    voxels = float(size[0]) * size[1] * size[2]
    parameters: dict[str, Any] = {
        "fixedVolume": fixed,
        "movingVolume": moving,
        "samplingPercentage": round(min(MOST_SAMPLING, max(LEAST_SAMPLING, SAMPLES / voxels)), 4),
        "bsplineTransform" if kind == "bspline" else "linearTransform": output,
        "initializeTransformMode": "Off" if initial else start,
        "useRigid": True,
        "useAffine": kind != "rigid",
        "useBSpline": kind == "bspline",
        "costMetric": "MMI",
        "numberOfHistogramBins": 50,
        "histogramMatch": False,
        "maskProcessingMode": "ROIAUTO",
        "ROIAutoDilateSize": AIR_AROUND_MM,
        "interpolationMode": "Linear",
    }
    if initial:
        parameters["initialTransform"] = initial
    if kind == "bspline":
        knots = (max(LEAST_KNOTS, round(n * step / KNOTS_MM)) for n, step in zip(size, spacing, strict=True))
        parameters["splineGridSize"] = ",".join(map(str, knots))
    if threads:
        parameters["numberOfThreads"] = threads
    return parameters


def start_modes(modalities: tuple[str, str]) -> tuple[str, ...]:
    """Starts to try one after the other, values of ``initializeTransformMode``.

    The centre of mass of a CT is that of its air, at -1000; between two MRI it is that of the head.
    """
    centre_of_mass_says_something = "CT" not in modalities and "" not in modalities
    geometry_first = ("useGeometryAlign", "useCenterOfHeadAlign", "useMomentsAlign")
    return ("useMomentsAlign", "useGeometryAlign") if centre_of_mass_says_something else geometry_first


class BrainsFitRun(RegistrationRun):
    """A registration by the asynchronous command-line module; see :class:`RegistrationRun`.

    A start that brings the heads nowhere near each other ("all samples map outside") is followed by the next one.
    """

    backend = "brainsfit"

    def start(self) -> None:
        check_nodes(self.reference, self.moving, self.kind)
        self._initial = start_transform(self.reference, self.moving, self.initial)
        self._fixed, self._placed = without_parent(self.reference), without_parent(self.moving)
        self._starts = [""] if self._initial is not None else list(start_modes(self.modalities))
        self._cli: Node | None = None
        self._output: Node | None = None
        self._running = True
        self._try_next()

    def poll(self) -> bool:
        if not self._running or self._cli is None:
            return self._running
        if not slicer.mrmlScene.IsNodePresent(self._cli):  # the scene was closed
            self._cli = None
            self._end(self.cancelled)
            return False
        status = self._cli.GetStatus()
        if status & self._cli.BusyMask:
            self._tell(float(self._cli.GetProgress()), _("BRAINSFit registers"))
            return True
        self._note_output()
        if status & self._cli.Cancelled:
            self._clean(self._output)
            self._end(self.cancelled)
        elif status & self._cli.ErrorsMask:
            self._failed(self._cli.GetErrorText() or self._cli.GetOutputText() or "")
        elif status & self._cli.Completed:
            self._complete()
        return self._running

    def cancel(self, *, wait_s: float = 0.0) -> None:
        if not self._running or self._cli is None:
            return
        if slicer.mrmlScene.IsNodePresent(self._cli):
            self._starts = []
            self._cli.Cancel()
        self.poll()

    def _try_next(self) -> None:
        start = self._starts.pop(0)
        node_class = "vtkMRMLTransformNode" if self.kind == "bspline" else "vtkMRMLLinearTransformNode"
        self._output = slicer.mrmlScene.AddNewNodeByClass(node_class, self.name)
        parameters = brainsfit_parameters(
            self._fixed.GetID(),
            self._placed.GetID(),
            self._output.GetID(),
            self.kind,
            size=self.reference.GetImageData().GetDimensions(),
            spacing=self.reference.GetSpacing(),
            start=start or "Off",
            initial=self._initial.GetID() if self._initial is not None else "",
        )
        module = slicer.modules.brainsfit
        self._cli = slicer.cli.run(module, None, parameters, wait_for_completion=False, update_display=False)
        if self._cli is None:  # the module was not loaded
            self._clean(self._output)
            self._end(self.failed, RegistrationError.kind, *brainsfit_failure(""))
            return
        self._cli.SetName(_("Registration of {name}").format(name=self.name))
        self._tell(0.0, _("BRAINSFit starts"))

    def _complete(self) -> None:
        node = finished_node(self._output, self)
        self._clean(None)
        self._tell(100.0, _("registered"))
        self._end(self.finished, node)

    def _failed(self, text: str) -> None:
        for node in (self._cli, self._output):
            remove(node)
        if self._starts and "samples map outside" in text.lower():
            self._tell(0.0, _("The heads do not overlap; another start is tried"))
            self._try_next()
            return
        self._remove_copies()
        message, hint = brainsfit_failure(text)
        self._end(self.failed, RegistrationError.kind, message, hint)

    def _note_output(self) -> None:
        assert self._cli is not None
        self._log += [text for text in (self._cli.GetOutputText(), self._cli.GetErrorText()) if text]

    def _clean(self, output: Node | None) -> None:
        for node in (self._cli, output):
            remove(node)
        self._cli = None
        self._remove_copies()

    def _remove_copies(self) -> None:
        copies = ((self._fixed, self.reference), (self._placed, self.moving), (self._initial, self.initial))
        for node, original in copies:
            if node is not original:
                remove(node)


def brainsfit_failure(text: str) -> tuple[str, str]:
    """One sentence and a way out for what BRAINSFit wrote when it failed."""
    low = text.lower()
    if "samples map outside" in low or "too many samples" in low:
        return (
            _("BRAINSFit finds no overlap of the two volumes."),
            _("Move one roughly onto the other in the Transforms module and start from that transform."),
        )
    if "bad_alloc" in low or "allocate" in low or "memory" in low:
        return (
            _("BRAINSFit ran out of memory."),
            _("Crop the volumes to the head, or choose the backend SimpleITK."),
        )
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    last = lines[-1][:200] if lines else _("it gave no reason")
    return (
        _("BRAINSFit failed: {reason}").format(reason=last),
        _("Choose the backend SimpleITK, or start from a transform of your own."),
    )
