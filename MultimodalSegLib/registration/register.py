"""Two volumes of one patient into one space."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk

from ..errors import RegistrationError
from ..images.resample import map_points
from ..images.volume import Volume
from ..progress import Event, Progress, silent
from .aligned import Quality, Registration
from .find import SEARCH, STARTS, find
from .optimize import NO_OVERLAP, Outcome, Step, optimize
from .pyramid import COARSE, FINE, MIDDLE, Pyramid, build_pyramid
from .quality import Comparison, scaling
from .reliability import judged
from .start import head_center, rigid

KINDS = ("rigid", "affine", "bspline")

RIGID = (Step("rigid, 4 mm", MIDDLE, 20_000, 120), Step("rigid, 1 mm", FINE, 40_000, 80))
AFFINE = (Step("affine, 4 mm", MIDDLE, 20_000, 120), Step("affine, 1 mm", FINE, 40_000, 80))
CHECK = Step("check", COARSE, 8_000, 250)
BSPLINE = (Step("B-spline, 4 mm", MIDDLE, 10_000, 25),)
KNOTS = 45.0
"""Millimetres between the knots of the B-spline: it follows a bent neck or a shifted brain, not single sulci."""

LEAST_SHARED_HEAD = 0.05
LOW_HEAD_OVERLAP = 0.8
LARGE_SCALING = 0.1
"""An affine transform between scans of one person scales by a few percent at most."""


def register(
    fixed: Volume,
    moving: Volume,
    kind: str = "rigid",
    *,
    fixed_modality: str = "",
    moving_modality: str = "",
    seed: int = 0,
    initial: sitk.Transform | None = None,
    progress: Progress = silent,
) -> Registration:
    """Find the transform that brings ``moving`` onto ``fixed``, for volumes of the same or of different modality.

    Mattes mutual information is maximised at 8, 4 and 1 mm, at random points in and just around the fixed head. A head
    may lie up to 66 degrees differently; where that leads nowhere, all rotations are tried, and the message says so.
    The same input and seed give the same result, but for rounding: threads add up in any order.

    Args:
        fixed: the volume that stays.
        moving: the volume that is brought onto it.
        kind: ``"rigid"``, ``"affine"`` or ``"bspline"`` (rigid and affine first; defined inside the box of ``fixed``).
        fixed_modality: a modality's name; if empty, values below -500 tell a CT.
        moving_modality: the same for ``moving``.
        seed: of the random points.
        initial: a transform (fixed to moving points) to start from instead of the search.
        progress: hears of every iteration, stage ``"register"``; an exception from it stops the work at once.

    Returns:
        The transform from fixed to moving points, with its measured quality and time.

    Raises:
        RegistrationError: a volume is empty, or the two heads do not come to overlap.
        ValueError: an unknown kind.
    """
    if kind not in KINDS:
        raise ValueError(f"kind {kind!r} is none of {', '.join(KINDS)}")
    began = time.monotonic()
    here, there = build_pyramid(fixed, fixed_modality), build_pyramid(moving, moving_modality)
    stages = ((SEARCH,) * (STARTS if initial is None else 0)) + RIGID + (AFFINE if kind != "rigid" else ())
    follow = _Follower(progress, stages + (BSPLINE if kind == "bspline" else ()) + (CHECK,))
    run = _Run(here, there, seed, initial, follow)
    transform: sitk.Transform
    remark = ""
    if initial is None:
        found = find(run, RIGID)
        transform, outcome, remark = found.transform, found.outcome, found.remark
    else:
        transform = rigid(head_center(here.head))
        outcome = run.improve(transform, RIGID)
    if kind != "rigid":
        transform = _as_affine(transform)
        outcome = run.improve(transform, AFFINE)
    if initial is not None:
        transform = chain(initial, transform)
    if kind == "bspline":
        transform, outcome = run.bend(transform, fixed)
    reason = "; ".join(filter(None, (remark, outcome.reason)))
    quality = measure(Comparison.of(here, there), initial, transform, outcome.converged, reason)
    names = (fixed_modality, moving_modality)
    quality = judged(quality, here, there, transform, names, seed=seed, on_iteration=follow.iterations(CHECK))
    follow.finish()
    return Registration(transform, quality, kind, time.monotonic() - began)


def registration_warnings(moving: str, reference: str, registration: Registration) -> list[str]:
    """A sentence for the user where an alignment may be wrong; empty where it looks right."""
    quality = registration.quality
    if quality.light == "green":
        return []
    if quality.light != "unknown":
        sure = "is probably wrong" if quality.light == "red" else "may be wrong"
        error = f"estimated error {quality.error_text}; " if quality.error_text else ""
        told = f"{sure}, look at it before you use the result: {error}{quality.light_reason}"
        return [f"The alignment of {moving} with {reference} {told}."]
    if quality.converged and quality.head_overlap >= LOW_HEAD_OVERLAP:
        return []
    return [
        f"The alignment of {moving} with {reference} may be wrong, look at it before you use the result: "
        f"overlap of the heads {quality.head_overlap:.2f}; {quality.message or 'no better than before'}."
    ]


class _Follower:
    """Turns iterations of the runs of a registration into events; a run that ends early counts as finished."""

    def __init__(self, progress: Progress, steps: tuple[Step, ...]) -> None:
        self._progress = progress
        self._total = float(sum(step.iterations for step in steps))
        self._done = 0.0

    def iterations(self, step: Step) -> Callable[[int, float], None]:
        """The observer for the next run."""
        before, self._done = self._done, self._done + step.iterations

        def on_iteration(number: int, value: float) -> None:
            done = before + min(number, step.iterations)
            self._progress(Event("register", done, self._total, f"{step.name}: mutual information {-value:.3f}"))

        self._progress(Event("register", before, self._total, step.name))
        return on_iteration

    def expect(self, steps: tuple[Step, ...]) -> None:
        """More runs than were planned."""
        self._total += float(sum(step.iterations for step in steps))

    def finish(self) -> None:
        self._progress(Event("register", self._total, self._total, "registered"))


@dataclass(frozen=True)
class _Run:
    """The two volumes of one registration, and what all its runs of the optimiser share."""

    fixed: Pyramid
    moving: Pyramid
    seed: int
    initial: sitk.Transform | None
    follow: _Follower

    def expect(self, steps: tuple[Step, ...]) -> None:
        """More runs than were planned are to come."""
        self.follow.expect(steps)

    def improve(self, transform: sitk.Transform, steps: tuple[Step, ...]) -> Outcome:
        """Refine a transform in place, step by step."""
        return [self._optimize(transform, step, self.initial) for step in steps][-1]

    def bend(self, linear: sitk.Transform, volume: Volume) -> tuple[sitk.Transform, Outcome]:
        """Follow an aligned pair with a B-spline over the whole box of the fixed volume."""
        box = np.asarray(volume.grid.size) * volume.grid.spacing
        mesh = [max(1, round(float(side) / KNOTS)) for side in box]
        spline = sitk.BSplineTransformInitializer(volume.to_sitk(), mesh, order=3)
        outcome = [self._optimize(spline, step, linear) for step in BSPLINE][-1]
        return sitk.CompositeTransform([linear, spline]), outcome  # the last one is applied first

    def _optimize(self, transform: sitk.Transform, step: Step, before: sitk.Transform | None) -> Outcome:
        fixed, moving = self.fixed.level(step.spacing), self.moving.level(step.spacing)
        observer = self.follow.iterations(step)
        return optimize(
            fixed, moving, self.fixed.head, transform, step, seed=self.seed, before=before, on_iteration=observer
        )


def measure(
    comparison: Comparison,
    before: sitk.Transform | None,
    after: sitk.Transform,
    converged: bool = True,
    reason: str = "",
) -> Quality:
    """The quality of a transform.

    Args:
        comparison: the two volumes.
        before: the alignment they came with; None means the headers'.
        after: the transform to judge (fixed to moving points).
        converged: the optimiser ended by its own criterion.
        reason: its stop condition.

    Raises:
        RegistrationError: less than 5 % of the smaller head lies in the other one.
    """
    shared = comparison.shared_head(after)
    if shared < LEAST_SHARED_HEAD:
        raise RegistrationError(f"Only {100 * shared:.0f} % of the smaller head lies in the other one.", NO_OVERLAP)
    first, first_overlap = comparison.mutual_information(before or sitk.Transform(3, sitk.sitkIdentity))
    second, second_overlap = comparison.mutual_information(after)
    overlap = comparison.head_overlap(after)
    better = second * second_overlap > first * first_overlap - 0.01
    scale = scaling(after)
    warning = ""
    if scale > LARGE_SCALING:
        warning = f"sizes change by {100 * scale:.0f} %: one volume may lack the skull, use rigid instead"
    elif overlap < LOW_HEAD_OVERLAP:
        warning = f"the heads overlap by only {overlap:.2f} where both fields of view are: look at the result"
    elif not better:
        warning = "mutual information did not grow: look at the result"
    good = converged and better and scale <= LARGE_SCALING
    return Quality(first, second, overlap, good, "; ".join(part for part in (warning, reason) if part))


def chain(outer: sitk.Transform, inner: sitk.Transform) -> sitk.Transform:
    """The transform that applies ``inner`` and then ``outer``; one affine transform if both are linear."""
    both = sitk.CompositeTransform([outer, inner])
    return _as_affine(both) if outer.IsLinear() and inner.IsLinear() else both


def _as_affine(transform: sitk.Transform) -> sitk.AffineTransform:
    """The same linear mapping as an affine transform, about the same center if it has one."""
    center = np.asarray(transform.GetCenter() if isinstance(transform, sitk.Euler3DTransform) else (0.0, 0.0, 0.0))
    mapped = map_points(transform, center + np.vstack([np.zeros(3), np.eye(3)]))
    matrix = (mapped[1:] - mapped[0]).T
    return sitk.AffineTransform(matrix.ravel().tolist(), (mapped[0] - center).tolist(), center.tolist())
