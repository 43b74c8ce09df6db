"""How far an alignment is from the truth, estimated without it, and a light that says whether to go on.

The optimiser starts again from the alignment and from around it, and the other way round from its inverse (see
:mod:`~MultimodalSegLib.registration.restarts`). What these tell becomes millimetres by a model with few numbers, all of
them positive, fitted by quantile regression to made-up pairs whose true alignment is known
(``Testing/benchmarks/registration_quality.py``). The idea of a consistency of registrations as a sign of their error:
Holden et al., IEEE Trans Med Imaging 19:94 (2000); Datteri and Dawant, IEEE Trans Med Imaging 31:1698 (2012).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from functools import cache
from typing import Any

import numpy as np
import SimpleITK as sitk

from ..errors import RegistrationError
from ..images.resample import map_points
from ..resources import resource
from .aligned import Light, Quality
from .pyramid import Pyramid
from .quality import scaling
from .restarts import ENDS, Restarts, head_points, restart

LARGE_BEND_MM = 3.0
"""Mean distance over the head between a transform that bends and its linear part, above which it is never green."""

LARGE_SCALING = 0.02
"""A scaling that is wrong by 2 % puts the skin 2 mm off, and no rigid restart can tell."""

HEAD_ML = (800.0, 8000.0)
HEAD_WIDTH_MM = (90.0, 230.0)
"""Volume and width (left to right) of what may be a head, without shoulders."""

NOT_CALIBRATED = ("PET",)


@dataclass(frozen=True)
class Signs:
    """What speaks for an error of an alignment; 0 is best for each.

    Args:
        restart_mm: distance of the best end of the restarts.
        inverse_mm: distance of the end of a registration the other way round.
        inconsistency_mm: distance between these two ends.
        scatter_mm: median distance of the ends of the restarts from the best one.
        gain: share of the best end's mutual information that the alignment lacks, 0 to 1.
        mismatch: 1 minus the Dice of the two heads.
    """

    restart_mm: float
    inverse_mm: float
    inconsistency_mm: float
    scatter_mm: float
    gain: float
    mismatch: float

    @classmethod
    def of(cls, restarts: Restarts) -> Signs:
        """The signs in what restarts have found."""
        apart, information = restarts.apart, restarts.information
        best = max(float(information.max()), 1e-6)
        return cls(
            restart_mm=float(apart[0, -2]),
            inverse_mm=float(apart[0, -1]),
            inconsistency_mm=float(apart[-2, -1]),
            scatter_mm=float(np.median(apart[-2, ENDS])),
            gain=float(np.clip((best - information[0]) / best, 0.0, 1.0)),
            mismatch=1.0 - restarts.head_overlap,
        )


@dataclass(frozen=True)
class Estimate:
    """An error in mm: its median, and an upper end, meant for 19 of 20 such alignments (the check: 94 of 100)."""

    error_mm: float
    high_mm: float


def estimate(signs: Signs, model: Mapping[str, Any] | None = None) -> Estimate:
    """Millimetres from signs: an intercept and the weighted sum of the signs, once for each quantile.

    Nothing of it is negative, so that no sign can make an alignment look better by growing.

    Args:
        signs: of the alignment.
        model: intercepts and weights; None takes the shipped ones.
    """
    model, values = model or reliability_model(), asdict(signs)
    middle, high = (
        float(part["intercept"] + sum(weight * values[name] for name, weight in part["weights"].items()))
        for part in (model["median"], model["high"])
    )
    return Estimate(middle, max(middle, high))


def light_of(error: Estimate, model: Mapping[str, Any] | None = None) -> Light:
    """Green, amber or red."""
    limits = (model or reliability_model())["lights"]
    if error.error_mm > limits["red_above_mm"]:
        return "red"
    return "green" if error.high_mm <= limits["green_up_to_high_mm"] else "amber"


@dataclass(frozen=True)
class Judgement:
    """The fields of :class:`~MultimodalSegLib.registration.aligned.Quality` that are estimated."""

    light: Light
    error_mm: float | None = None
    error_high_mm: float | None = None
    light_reason: str = ""

    def of(self, quality: Quality) -> Quality:
        """A measured quality with this judgement."""
        return replace(quality, **asdict(self))


def judge(
    fixed: Pyramid,
    moving: Pyramid,
    transform: sitk.Transform,
    modalities: tuple[str, str] = ("", ""),
    *,
    seed: int = 0,
    on_iteration: Callable[[int, float], None] = lambda number, value: None,
) -> Judgement:
    """The estimated error of an alignment and its light.

    Of a transform that bends the linear part is judged, and it is never green where it bends by more than 3 mm.

    Args:
        fixed: the volume that stays.
        moving: the volume that was brought onto it.
        transform: fixed points to moving points, LPS mm.
        modalities: names of both; may be empty.
        seed: the same one gives the same estimate.
        on_iteration: called with a running number and the value (negative mutual information) of each iteration of the
            optimiser; what it raises stops the work.

    Example:
        >>> judge(fixed, moving, transform).light    # doctest: +SKIP
        'green'
    """
    linear, bend = linear_part(transform, head_points(fixed))
    reason = not_calibrated(fixed, moving, linear, modalities)
    if reason:
        return Judgement("unknown", light_reason=reason)
    try:
        signs = Signs.of(restart(fixed, moving, linear, seed=seed, on_iteration=on_iteration))
    except RegistrationError:
        return Judgement("red", light_reason="the heads overlap too little to be compared")
    found = estimate(signs)
    light = light_of(found)
    reason = "" if light == "green" else _why(signs)
    if not transform.IsLinear():
        bent = f"only its linear part was judged, from which it bends the head by {bend:.1f} mm"
        reason = "; ".join(filter(None, (reason, bent)))
        light = "amber" if light == "green" and bend > LARGE_BEND_MM else light
    return Judgement(light, round(found.error_mm, 2), round(found.high_mm, 2), reason)


def linear_part(transform: sitk.Transform, points: np.ndarray) -> tuple[sitk.Transform, float]:
    """The affine transform nearest to one that bends, at points (n, 3), LPS mm, and their mean distance from it, mm."""
    if transform.IsLinear():
        return transform, 0.0
    mapped, known = map_points(transform, points), np.hstack([points, np.ones((len(points), 1))])
    fitted = np.linalg.lstsq(known, mapped, rcond=None)[0]  # (4, 3)
    bend = float(np.linalg.norm(known @ fitted - mapped, axis=1).mean())
    return sitk.AffineTransform(fitted[:3].T.ravel().tolist(), fitted[3].tolist()), bend


def not_calibrated(
    fixed: Pyramid, moving: Pyramid, transform: sitk.Transform, modalities: tuple[str, str] = ("", "")
) -> str:
    """Why nothing can be said about the error of a linear alignment, as a part of a sentence; empty if it can."""
    foreign = [name for name in modalities if name.upper() in NOT_CALIBRATED]
    if foreign:
        return f"the estimate was not calibrated with {foreign[0]}"
    if scaling(transform) > LARGE_SCALING:
        return "the estimate was not calibrated for transforms that change sizes"
    if not (_may_be_head(fixed) and _may_be_head(moving)):
        return "the estimate was calibrated with heads, and this does not have the size of one"
    return ""


@cache
def reliability_model() -> Mapping[str, Any]:
    """The numbers of the model, and the pairs that they were fitted to and checked with."""
    model: Mapping[str, Any] = json.loads(resource("registration/reliability.json").read_text(encoding="utf-8"))
    return model


def _may_be_head(pyramid: Pyramid) -> bool:
    head = pyramid.head
    index = np.argwhere(head.array)[:, ::-1]
    left = index @ head.grid.affine[0, :3]
    low, high = np.percentile(left, [1, 99])
    return bool(
        HEAD_ML[0] <= len(index) * head.grid.voxel_ml <= HEAD_ML[1]
        and HEAD_WIDTH_MM[0] <= high - low <= HEAD_WIDTH_MM[1]
    )


def _why(signs: Signs) -> str:
    """The strongest sign of an error, as a part of a sentence."""
    moved = max(signs.restart_mm, signs.inverse_mm)
    if moved >= max(2.0, signs.scatter_mm, signs.inconsistency_mm):
        return f"the search, begun again, ends {moved:.0f} mm away"
    if max(signs.scatter_mm, signs.inconsistency_mm) >= 2.0:
        return f"searches begun again end {max(signs.scatter_mm, signs.inconsistency_mm):.0f} mm apart"
    if signs.mismatch > 0.1:
        return f"the outlines of the heads agree by only {1.0 - signs.mismatch:.2f}"
    return "the scans show too little in common for a better estimate"
