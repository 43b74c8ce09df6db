"""One run of an optimiser over one pair of images, that can be followed and stopped."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import SimpleITK as sitk

from ..errors import RegistrationError
from ..images.grid import Grid
from ..images.resample import map_points
from ..images.volume import Volume
from .pyramid import COARSE, dilate
from .quality import BINS, MARGIN

WANDER = 5.0
"""Voxels by which a transform may still move: so far around the moving field of view points of the head count."""

NO_OVERLAP = "Check that both volumes show the same part of the same patient, or give a start transform."


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

    def told(self, value: float) -> str:
        """A value of the optimiser in words."""
        return f"mutual information {-value:.3f}"


@dataclass(frozen=True)
class Outcome:
    """How a run of an optimiser ended: its value, the smaller the better, why it stopped, if by itself."""

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
    unit = _radius(head)
    near = dilate(head, MARGIN)
    if step.spacing < COARSE:
        near = _within(near, moving.grid, [transform, before], WANDER * step.spacing)
    image, mask, count = _region(fixed, near)
    method = sitk.ImageRegistrationMethod()
    method.SetMetricAsMattesMutualInformation(BINS)
    method.SetMetricFixedMask(_in_units(mask, unit))
    share = min(1.0, step.samples / max(1, count))
    if share < 1.0:
        method.SetMetricSamplingStrategy(method.RANDOM)
        method.SetMetricSamplingPercentage(share, seed + 1)  # ITK takes seed 0 for the clock
    method.SetInterpolator(sitk.sitkLinear)
    # Slopes at the points alone: exact between voxels, and no image of slopes as large as three.
    method.MetricUseFixedImageGradientFilterOff()
    method.MetricUseMovingImageGradientFilterOff()
    if before is not None:
        to_mm, from_mm = sitk.ScaleTransform(3, [unit] * 3), sitk.ScaleTransform(3, [1.0 / unit] * 3)
        method.SetMovingInitialTransform(sitk.CompositeTransform([from_mm, before, to_mm]))
    method.SetOptimizerAsRegularStepGradientDescent(
        learningRate=0.5 * step.spacing / unit,
        minStep=0.01 * step.spacing / unit,
        numberOfIterations=step.iterations,
        relaxationFactor=0.8,
        gradientMagnitudeTolerance=1e-6,
    )
    _change_unit(transform, 1.0 / unit)
    method.SetInitialTransform(transform, inPlace=True)
    try:
        _execute(method, _in_units(image, unit), _in_units(moving.to_sitk(), unit), on_iteration)
    finally:
        _change_unit(transform, unit)
    reason = method.GetOptimizerStopConditionDescription().partition(": ")[2].partition(". ")[0].strip()
    return Outcome(method.GetMetricValue(), reason, not reason.startswith("Maximum number"))


def _radius(head: Volume) -> float:
    """Root mean square distance (mm) of the points of a head from its middle.

    Lengths are given to ITK in this unit. One radian then moves the head as far as one unit of translation does, and
    the optimizer's step is a length; in mm its step, a plain norm of all parameters, turns the head by a radian
    wherever the translations are right already, and ITK's own scales let rotations move hardly at all.
    """
    points = np.argwhere(head.array)[:, ::-1] * head.grid.spacing
    return float(np.sqrt(np.mean(np.sum((points - points.mean(axis=0)) ** 2, axis=1))))


def _in_units(image: sitk.Image, unit: float) -> sitk.Image:
    """The same image with lengths in units of so many mm."""
    image.SetSpacing([length / unit for length in image.GetSpacing()])
    image.SetOrigin([length / unit for length in image.GetOrigin()])
    return image


def _change_unit(transform: sitk.Euler3DTransform | sitk.AffineTransform, factor: float) -> None:
    """Multiply the lengths of a transform, in place."""
    center, shift = transform.GetCenter(), transform.GetTranslation()
    transform.SetCenter([length * factor for length in center])
    transform.SetTranslation([length * factor for length in shift])


def _execute(
    method: sitk.ImageRegistrationMethod,
    fixed: sitk.Image,
    moving: sitk.Image,
    on_iteration: Callable[[int, float], None],
) -> None:
    """Run a registration; an exception in the observer, Ctrl-C included, stops it and is raised here."""
    raised: list[BaseException] = []

    def observe() -> None:
        if raised:
            return
        try:
            on_iteration(method.GetOptimizerIteration(), method.GetMetricValue())
        except BaseException as error:
            raised.append(error)
            method.StopRegistration()

    method.AddCommand(sitk.sitkIterationEvent, observe)
    try:
        method.Execute(fixed, moving)
    except RuntimeError as error:
        if not raised:
            if "map outside" not in str(error):
                raise
            raise RegistrationError("The volumes do not overlap enough to be compared.", NO_OVERLAP) from error
    if raised:
        raise raised[0]


def _within(near: Volume, view: Grid, transforms: Sequence[sitk.Transform | None], margin: float) -> Volume:
    """The part of a region that transforms, one after the other, bring into a field of view and a margin of mm.

    Raises:
        RegistrationError: there is none.
    """
    index = np.argwhere(near.array)
    points = index[:, ::-1] @ near.grid.affine[:3, :3].T + near.grid.affine[:3, 3]
    for transform in transforms:
        if transform is not None and transform.IsLinear():  # what bends moves less than the margin
            points = map_points(transform, points)
    room = np.asarray(view.size) / 2 + margin / np.asarray(view.spacing)
    voxel = (points - view.affine[:3, 3]) @ np.linalg.inv(view.affine[:3, :3]).T
    seen = np.all(np.abs(voxel - (np.asarray(view.size) - 1) / 2) <= room, axis=1)
    if not seen.any():
        raise RegistrationError("The volumes do not overlap enough to be compared.", NO_OVERLAP)
    kept = np.zeros(near.array.shape, bool)
    kept[tuple(index[seen].T)] = True
    return near.with_array(kept)


def _region(fixed: Volume, near: Volume) -> tuple[sitk.Image, sitk.Image, int]:
    """The box of the fixed volume around a region, the region in it where images are compared, and its voxels."""
    image = fixed.to_sitk()
    mask = sitk.Resample(
        near.with_array(near.array.astype(np.uint8)).to_sitk(), image, sitk.Transform(), sitk.sitkNearestNeighbor
    )
    statistics = sitk.LabelShapeStatisticsImageFilter()
    statistics.Execute(mask)
    box = statistics.GetBoundingBox(1)
    cut = partial(sitk.RegionOfInterest, size=box[3:], index=box[:3])
    return cut(image), cut(mask), int(statistics.GetNumberOfPixels(1))
