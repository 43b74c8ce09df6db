"""Registration by elastix through the SlicerElastix extension, where it is installed."""

from __future__ import annotations

import importlib
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from ...errors import RegistrationError
from ..packages import slicer
from ..text import _
from .running import RegistrationRun, check_nodes, finished_node, remove, start_transform

COMMON = {
    "FixedInternalImagePixelType": "float",
    "MovingInternalImagePixelType": "float",
    "FixedImageDimension": 3,
    "MovingImageDimension": 3,
    "UseDirectionCosines": "true",
    "Registration": "MultiResolutionRegistration",
    "Metric": "AdvancedMattesMutualInformation",
    "NumberOfHistogramBins": 32,
    "ImageSampler": "RandomCoordinate",
    "NewSamplesEveryIteration": "true",
    "CheckNumberOfSamples": "true",
    "RequiredRatioOfValidSamples": 0.05,
    "Interpolator": "LinearInterpolator",
    "ResampleInterpolator": "FinalLinearInterpolator",
    "Resampler": "DefaultResampler",
    "FixedImagePyramid": "FixedSmoothingImagePyramid",
    "MovingImagePyramid": "MovingSmoothingImagePyramid",
    "Optimizer": "AdaptiveStochasticGradientDescent",
    "HowToCombineTransforms": "Compose",
    "WriteResultImage": "false",
    "WriteITKCompositeTransform": "true",
    "ITKTransformOutputFileNameExtension": "h5",
    "ErodeMask": "false",
}
STEPS: dict[str, dict[str, Any]] = {
    "rigid": {
        "Transform": "EulerTransform",
        "NumberOfResolutions": 4,
        "NumberOfSpatialSamples": 4096,
        "MaximumNumberOfIterations": 400,
        "AutomaticScalesEstimation": "true",
    },
    "affine": {
        "Transform": "AffineTransform",
        "NumberOfResolutions": 2,
        "NumberOfSpatialSamples": 4096,
        "MaximumNumberOfIterations": 300,
        "AutomaticScalesEstimation": "true",
    },
    "bspline": {
        "Transform": "RecursiveBSplineTransform",
        "NumberOfResolutions": 2,
        "NumberOfSpatialSamples": 8192,
        "MaximumNumberOfIterations": 500,
        "FinalGridSpacingInPhysicalUnits": 45.0,
    },
}


def elastix_parameters(kind: str, *, from_transform: bool = False, masses: bool = False) -> list[str]:
    """Texts of the parameter files for a kind of registration, in the order in which they are applied.

    Args:
        kind: ``"rigid"``, ``"affine"`` or ``"bspline"``.
        from_transform: a start transform is given, so none is looked for.
        masses: start with the centres of mass together instead of those of the fields of view.

    Raises:
        ValueError: an unknown kind.
    """
    if kind not in STEPS:
        raise ValueError(f"kind {kind!r} is none of {', '.join(STEPS)}")
    texts = []
    for name in list(STEPS)[: list(STEPS).index(kind) + 1]:
        values = COMMON | STEPS[name]
        if name == "rigid" and not from_transform:
            method = "CenterOfGravity" if masses else "GeometricalCenter"
            values |= {"AutomaticTransformInitialization": "true", "AutomaticTransformInitializationMethod": method}
        texts.append("".join(f"({key} {_quoted(value)})\n" for key, value in values.items()))
    return texts


class ElastixRun(RegistrationRun):
    """A registration by SlicerElastix's logic; see :class:`RegistrationRun`.

    That logic reads elastix' output line by line and lets the application process its events after each line, so the
    first :meth:`poll` returns only when the work is done; polls that come in between answer that it is on.
    """

    backend = "elastix"

    def start(self) -> None:
        check_nodes(self.reference, self.moving, self.kind)
        self._logic = importlib.import_module("Elastix").ElastixLogic()  # of the SlicerElastix extension
        self._logic.logStandardOutput = True
        self._logic.logCallback = self._line
        self._running, self._inside, self._stopped, self._seen = True, False, False, 0
        self._tell(0.0, _("elastix starts"))

    def poll(self) -> bool:
        if not self._running or self._inside:
            return self._running
        if self._stopped:
            self._end(self.cancelled)
            return False
        self._inside = True
        folder = Path(tempfile.mkdtemp(prefix="MultimodalSeg-elastix-"))
        output = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTransformNode", self.name)
        try:
            self._register(folder, output)
        except (subprocess.CalledProcessError, RuntimeError, ValueError, OSError) as error:
            remove(output)
            self._end_badly(error)
        else:
            if self._stopped or not slicer.mrmlScene.IsNodePresent(output):
                remove(output)
                self._end(self.cancelled)
            else:
                node = finished_node(output, self)
                self._tell(100.0, _("registered"))
                self._end(self.finished, node)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            self._inside = False
        return self._running

    def cancel(self, *, wait_s: float = 0.0) -> None:
        if self._running:
            self._stopped = True
            self._logic.cancelRequested = True
            self.poll()

    def _register(self, folder: Path, output: Any) -> None:
        initial = start_transform(self.reference, self.moving, self.initial)
        masses = "CT" not in self.modalities and "" not in self.modalities
        files = []
        for number, text in enumerate(elastix_parameters(self.kind, from_transform=bool(initial), masses=masses)):
            files.append(folder / f"{number}.txt")
            files[-1].write_text(text, encoding="utf-8")
        try:
            self._logic.registerVolumes(
                self.reference,
                self.moving,
                parameterFilenames=[str(file) for file in files],  # absolute: not those of the extension
                outputTransformNode=output,
                forceDisplacementFieldOutputTransform=False,
                initialTransformNode=initial,
            )
        finally:
            if initial is not self.initial:
                remove(initial)

    def _line(self, text: str) -> None:
        """A line of elastix; iterations are counted from the table that it prints."""
        self._log.append(text)
        if text[:1].isdigit():
            self._seen += 1
            steps = [STEPS[name] for name in list(STEPS)[: list(STEPS).index(self.kind) + 1]]
            total = sum(step["NumberOfResolutions"] * step["MaximumNumberOfIterations"] for step in steps)
            if self._seen % 20 == 0:
                self._tell(min(99.0, 100.0 * self._seen / total), _("elastix registers"))

    def _end_badly(self, error: Exception) -> None:
        if self._stopped:
            self._end(self.cancelled)
            return
        if any("samples map outside" in line.lower() for line in self._log):
            message = _("elastix finds no overlap of the two volumes.")
            hint = _("Move one roughly onto the other in the Transforms module and start from that transform.")
        else:
            message = _("elastix failed: {reason}").format(reason=str(error)[:200])
            hint = _("Choose the backend SimpleITK, or look into the log.")
        self._end(self.failed, RegistrationError.kind, message, hint)


def _quoted(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)
