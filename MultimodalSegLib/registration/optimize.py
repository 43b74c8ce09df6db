"""One run of an optimiser over one pair of images, that can be followed and stopped."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import SimpleITK as sitk

from ..images.volume import Volume
from .pyramid import dilate
from .quality import BINS, MARGIN


@dataclass(frozen=True)
class Step:
    """One resolution of a registration.

    Args:
        name: for the progress line, such as ``"rigid, 4 mm"``.
        spacing: voxel size in mm, the unit of the optimiser's step.
        samples: points of the fixed head at which the images are compared.
        iterations: at most so many.
    """

    name: str
    spacing: float
    samples: int
    iterations: int


@dataclass(frozen=True)
class Outcome:
    """How a run of the optimiser ended: its value (negative mutual information), why it stopped, if by itself."""

    value: float
    reason: str
    converged: bool


def optimize(
    fixed: Volume,
    moving: Volume,
    head: Volume,
    transform: sitk.Transform,
    step: Step,
    *,
    seed: int,
    before: sitk.Transform | None = None,
    on_iteration: Callable[[int, float], None],
) -> Outcome:
    """Improve a transform in place until Mattes mutual information grows no more.

    Args:
        fixed: fixed intensities.
        moving: moving intensities.
        head: bool, where the fixed patient is, on any grid.
        transform: maps fixed to moving points; changed in place.
        step: resolution and limits.
        seed: of the random points.
        before: a fixed transform that is applied after ``transform``, from its space to moving points.
        on_iteration: called with the number of the iteration and the value; whatever it raises stops the run and
            comes out of this function.
    """
    image, mask, count = _near_head(fixed, head)
    method = sitk.ImageRegistrationMethod()
    method.SetMetricAsMattesMutualInformation(BINS)
    method.SetMetricFixedMask(mask)
    share = min(1.0, step.samples / max(1, count))
    if share < 1.0:
        method.SetMetricSamplingStrategy(method.RANDOM)
        method.SetMetricSamplingPercentage(share, seed + 1)  # ITK takes seed 0 for the clock
    method.SetInterpolator(sitk.sitkLinear)
    if before is not None:
        method.SetMovingInitialTransform(before)
    if isinstance(transform, sitk.BSplineTransform):
        method.SetOptimizerAsLBFGSB(
            gradientConvergenceTolerance=1e-5, numberOfIterations=step.iterations, costFunctionConvergenceFactor=1e10
        )
    else:
        method.SetOptimizerAsRegularStepGradientDescent(
            learningRate=0.5 * step.spacing,
            minStep=0.005 * step.spacing,
            numberOfIterations=step.iterations,
            relaxationFactor=0.8,
            gradientMagnitudeTolerance=1e-6,
        )
        method.SetOptimizerScales(_scales(transform, head))
    method.SetInitialTransform(transform, inPlace=True)
    _execute(method, image, moving.to_sitk(), on_iteration)
    reason = method.GetOptimizerStopConditionDescription().partition(": ")[2].strip()
    return Outcome(method.GetMetricValue(), reason, "aximum number" not in reason)


def _scales(transform: sitk.Transform, head: Volume) -> list[float]:
    """Mean squared distance (mm2) that a point of the head moves when a parameter of the transform changes by one.

    ITK's own estimate looks at the corners of the image; rotations then move too little and get stuck.
    """
    points = np.argwhere(head.array)[:, ::-1] * head.grid.spacing
    squared = float(np.mean(np.sum((points - points.mean(axis=0)) ** 2, axis=1)))
    if isinstance(transform, sitk.Euler3DTransform):
        return [squared * 2.0 / 3.0] * 3 + [1.0] * 3
    return [squared / 3.0] * 9 + [1.0] * 3


def _execute(
    method: sitk.ImageRegistrationMethod,
    fixed: sitk.Image,
    moving: sitk.Image,
    on_iteration: Callable[[int, float], None],
) -> None:
    """Run a registration; an exception in the observer, Ctrl-C included, stops it and is raised here."""
    raised: list[BaseException] = []
    terminal = sys.stderr

    def observe() -> None:
        if raised:
            return
        try:
            on_iteration(method.GetOptimizerIteration(), method.GetMetricValue())
        except BaseException as error:
            raised.append(error)
            if not method.StopRegistration():
                # L-BFGS-B can only be stopped by an error in its observer, whose traceback SimpleITK prints.
                sys.stderr = io.StringIO()
                raise

    method.AddCommand(sitk.sitkIterationEvent, observe)
    try:
        method.Execute(fixed, moving)
    except RuntimeError:
        if not raised:
            raise
    finally:
        sys.stderr = terminal
    if raised:
        raise raised[0]


def _near_head(fixed: Volume, head: Volume) -> tuple[sitk.Image, sitk.Image, int]:
    """The box of the fixed volume around the head, the region in it where images are compared, and its voxels."""
    image = fixed.to_sitk()
    near = dilate(head, MARGIN)
    mask = sitk.Resample(
        near.with_array(near.array.astype(np.uint8)).to_sitk(), image, sitk.Transform(), sitk.sitkNearestNeighbor
    )
    statistics = sitk.LabelShapeStatisticsImageFilter()
    statistics.Execute(mask)
    box = statistics.GetBoundingBox(1)
    cut = partial(sitk.RegionOfInterest, size=box[3:], index=box[:3])
    return cut(image), cut(mask), int(statistics.GetNumberOfPixels(1))
