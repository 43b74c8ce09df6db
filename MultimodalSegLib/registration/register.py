"""Two volumes of one patient into one space."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import SimpleITK as sitk

from ..errors import RegistrationError
from ..images.resample import map_points
from ..images.volume import Volume
from ..progress import Progress, silent
from .aligned import Quality, Registration
from .bend import LEVELS, bend
from .find import CHECK, SEARCH, STARTS, find
from .optimize import NO_OVERLAP, Step
from .pyramid import FINE, MIDDLE, build_pyramid
from .quality import Comparison, scaling
from .reliability import Judgement, judge
from .run import Follower, Run
from .start import head_center, rigid

KINDS = ("rigid", "affine", "bspline")

RIGID = (Step("rigid, 4 mm", MIDDLE, 20_000, 120), Step("rigid, 1 mm", FINE, 40_000, 80))
AFFINE = (Step("affine, 4 mm", MIDDLE, 20_000, 120), Step("affine, 1 mm", FINE, 40_000, 80))

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
    may lie up to 66 degrees differently; where that leads nowhere, or a look all around or the estimate of the error
    leaves a doubt, all rotations are tried. The message says so if that was better.
    A B-spline follows the structures that both volumes show, see :func:`~MultimodalSegLib.registration.bend.bend`.
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
        InputError: a volume has values that are not finite, or only one value.
        RegistrationError: a volume is empty, or the two heads do not come to overlap.
        ValueError: an unknown kind.
    """
    if kind not in KINDS:
        raise ValueError(f"kind {kind!r} is none of {', '.join(KINDS)}")
    began = time.monotonic()
    here, there = build_pyramid(fixed, fixed_modality), build_pyramid(moving, moving_modality)
    names = (fixed_modality, moving_modality)
    stages = ((SEARCH,) * STARTS + RIGID + (CHECK,)) if initial is None else RIGID
    stages += (AFFINE if kind != "rigid" else ()) + ((CHECK,) if kind != "rigid" or initial is not None else ())
    follow = Follower(progress, stages + (LEVELS if kind == "bspline" else ()))
    run = Run(here, there, names, seed, initial, follow)
    transform: sitk.Transform
    judgement: Judgement | None = None
    remark = ""
    if initial is None:
        found = find(run, RIGID)
        transform, outcome, judgement, remark = found.transform, found.outcome, found.judgement, found.remark
    else:
        transform = rigid(head_center(here.head))
        outcome = run.improve(transform, RIGID)
    if kind != "rigid":
        transform = _as_affine(transform)
        outcome = run.improve(transform, AFFINE)
    if initial is not None:
        transform = chain(initial, transform)
    if kind == "bspline":
        spline, outcome = bend(here, there, transform, fixed.grid, observe=follow.iterations)
        transform = sitk.CompositeTransform([transform, spline])  # the last one is applied first
    reason = "; ".join(filter(None, (remark, outcome.reason)))
    quality = measure(Comparison.of(here, there), initial, transform, outcome.converged, reason)
    if judgement is None or kind != "rigid":
        judgement = run.judge(transform)
    quality = judgement.of(quality)
    follow.finish()
    return Registration(transform, quality, kind, time.monotonic() - began)


def assess(
    fixed: Volume,
    moving: Volume,
    transform: sitk.Transform | None = None,
    *,
    fixed_modality: str = "",
    moving_modality: str = "",
    seed: int = 0,
) -> Registration:
    """Measure how good an alignment is, without changing it.

    Args:
        fixed: the volume that stays.
        moving: the volume that was brought onto it.
        transform: fixed points to moving points, LPS mm; None trusts the headers.
        fixed_modality: a modality's name; if empty, values below -500 tell a CT.
        moving_modality: the same for ``moving``.
        seed: of the estimate of the error.

    Returns:
        The same transform with its measured quality; its kind is ``"given"``, or ``"none"`` without a transform.

    Raises:
        InputError: a volume has values that are not finite, or only one value.
        RegistrationError: a volume is empty, or the heads share less than 5 % of the smaller one.
    """
    began = time.monotonic()
    names = fixed_modality, moving_modality
    with ThreadPoolExecutor(2) as pool:
        here, there = pool.map(build_pyramid, (fixed, moving), names)
    reason = "the headers were trusted" if transform is None else "the transform was given"
    kind, transform = ("none", sitk.Transform(3, sitk.sitkIdentity)) if transform is None else ("given", transform)
    quality = measure(Comparison.of(here, there), None, transform, reason=reason)
    quality = judge(here, there, transform, names, seed=seed).of(quality)
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
