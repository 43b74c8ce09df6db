"""From a scan with thick slices, or a noisy CT, to a volume with synthetic detail."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..images.volume import Volume
from ..progress import Event, Progress, silent
from .intensities import Scale, noise_level, soft_tissue
from .slices import RIDGE, SliceModel
from .thick import ThickScan, thick_axis, thick_scan

if TYPE_CHECKING:
    from .flow import Sampler

STAGE = "enhance"

SPREAD = {"CT": 60.0, "MR": 0.1}
"""How much detail is expected: HU of a CT, part of the range of any other image."""

TRAINED_MM = (2.0, 7.0)
"""Millimetres between slices beyond which nothing like it was trained on."""

NOISY_HU = 10.0
"""Below this, cleaning a CT is not worth its detail."""

PROFILE = {"CT": "box", "MR": "gaussian"}
"""Of a slice, where none is told: a CT averages over its slice, an MRI excites it softly."""


@dataclass(frozen=True)
class Consistency:
    """Whether the slices that a restored volume would give are those that were measured, in the scan's own unit.

    Args:
        rms: root of the mean squared difference.
        noise: standard deviation of the noise of the slices.
        interpolated: what ``rms`` is for cubic interpolation.
    """

    rms: float
    noise: float
    interpolated: float

    @property
    def within_noise(self) -> bool:
        """Whether the difference could be noise."""
        return self.rms <= self.noise


@dataclass(frozen=True)
class Enhanced:
    """A volume with synthetic detail, or the given one where there is nothing to do.

    Args:
        volume: mean of the samples, float32.
        uncertainty: standard deviation of the samples, in the scan's unit; None for a single one.
        samples: how many were drawn; 0 if the volume is the given one.
        steps: of the flow.
        axis: array axis across the thick slices; None if there was none.
        spacing: between the slices, mm.
        profile: of a slice that was assumed.
        consistency: measured; None if the volume is the given one.
        seconds: wall time.
        warnings: sentences for the user.
    """

    volume: Volume
    uncertainty: Volume | None
    samples: int
    steps: int
    axis: int | None
    spacing: float
    profile: str
    consistency: Consistency | None
    seconds: float
    warnings: tuple[str, ...]

    @property
    def changed(self) -> bool:
        """Whether anything was made up."""
        return self.samples > 0


def restore(
    volume: Volume,
    family: str,
    sampler: Sampler,
    *,
    denoise: bool = False,
    samples: int = 1,
    profile: str = "",
    seed: int = 0,
    progress: Progress = silent,
) -> Enhanced:
    """Add the detail that thick slices lack, or clean a noisy CT.

    Args:
        volume: a scan in its own unit.
        family: ``"CT"`` or ``"MR"``.
        sampler: draws the detail.
        denoise: clean a CT whose slices are thin; thick ones are restored instead, and that is said.
        samples: volumes that are drawn; their mean is the result, their deviation its uncertainty.
        profile: of a slice, ``"gaussian"`` or ``"box"``; the usual one of the family if empty.
        seed: of the first sample; the next one has the next number.
        progress: takes the events of the stage ``"enhance"``.

    Raises:
        InputError: voxels that are large in several directions, or a single slice.
        Cancelled: ``progress`` asked to stop.
    """
    began, axis = time.perf_counter(), thick_axis(volume.grid)
    cleaning = axis is None and denoise and family == "CT"
    if axis is None and not cleaning:
        return _unchanged(volume, denoise, time.perf_counter() - began)
    profile = "box" if cleaning else profile or PROFILE[family]
    scan = thick_scan(volume, 0 if axis is None else axis, profile)
    if cleaning:  # slices as thick as voxels are long: a model that changes nothing
        scan = ThickScan(scan.slices, SliceModel(len(scan.slices), 1.0, profile="box"), 0, volume.grid)
    scale, noise = Scale.of(scan.slices, family), noise_level(scan.slices)
    begun = scan.model.started(scan.slices)
    found = []
    for n in range(samples):
        drawn = _draw(scan, scale, begun, sampler, seed + n, (n, samples), progress)
        found.append(drawn if cleaning else measured_kept(scan, drawn, scale, noise))
    mean: np.ndarray = np.stack(found).mean(0) if len(found) > 1 else found[0]
    deviation = scan.volume(np.stack(found).std(0)) if len(found) > 1 else None
    warnings = _cleaned(scan.slices, mean) if cleaning else _restored(scan.model.spacing, denoise)
    return Enhanced(
        scan.volume(mean),
        deviation,
        len(found),
        sampler.steps,
        axis,
        scan.model.spacing,
        profile,
        consistency(scan, mean, noise),
        time.perf_counter() - began,
        warnings,
    )


def measured_kept(scan: ThickScan, fine: np.ndarray, scale: Scale, noise: float) -> np.ndarray:
    """A drawn volume changed so that its slices are the measured ones, as far as these are more than noise.

    The most likely volume if the detail varies by :data:`SPREAD` and the slices by their noise (a ridge of the squared
    ratio; Tikhonov regularization). If the slices would then still be off by more than their noise, the ridge is
    lowered (discrepancy principle, Morozov, 1966).
    """
    spread = SPREAD["CT"] if scale.family == "CT" else SPREAD["MR"] * (scale.high - scale.low)
    ratio, corrected = (noise / spread) ** 2, fine
    for share in (1.0, 0.1, 0.01, 0.0):
        corrected = scan.model.consistent(fine, scan.slices, RIDGE + share * ratio)
        if _rms(scan.model.taken(corrected) - scan.slices) <= noise:
            break
    return corrected


def consistency(scan: ThickScan, fine: np.ndarray, noise: float) -> Consistency:
    """Compare the slices of a restored volume with those that were measured."""
    apart = scan.model.taken(fine) - scan.slices
    cubic = scan.model.taken(scan.model.interpolated(scan.slices)) - scan.slices
    return Consistency(_rms(apart), noise, _rms(cubic))


def _draw(
    scan: ThickScan,
    scale: Scale,
    begun: np.ndarray,
    sampler: Sampler,
    seed: int,
    turn: tuple[int, int],
    progress: Progress,
) -> np.ndarray:
    """One sample in the scan's own unit; what is beyond the ends of the scale stays as interpolated."""
    import torch

    from ..networks.detail_net import Conditions

    start = scale.apply(begun)
    known = Conditions(
        torch.tensor([("CT", "MR").index(scale.family)]),
        torch.tensor([scan.model.spacing], dtype=torch.float32),
        torch.tensor([noise_level(scale.apply(scan.slices))], dtype=torch.float32),
    )
    number, count = turn
    progress(Event(STAGE, number, count, f"sample {number + 1} of {count}"))
    drawn = sampler.sample(
        start, scan.model.distance, known, seed, lambda part: progress(Event(STAGE, number + part, count))
    )
    return begun + scale.undo(drawn) - scale.undo(start)


def _unchanged(volume: Volume, denoise: bool, seconds: float) -> Enhanced:
    text = " x ".join(f"{s:.3g}" for s in volume.grid.spacing)
    said = f"The voxels of {text} mm are about as long in all directions; the volume is returned unchanged."
    more = ("Only a CT is cleaned.",) if denoise else ()
    return Enhanced(volume, None, 0, 0, None, max(volume.grid.spacing), "", None, seconds, (said, *more))


def _restored(spacing: float, denoise: bool) -> tuple[str, ...]:
    """What to heed about thick slices that were restored."""
    found = []
    if not TRAINED_MM[0] <= spacing <= TRAINED_MM[1]:
        found.append(
            f"The slices are {spacing:g} mm apart; the model was made for {TRAINED_MM[0]:g} to {TRAINED_MM[1]:g} mm."
        )
    if denoise:
        found.append(
            f"The scan was restored, not cleaned: its slices are {spacing:g} mm apart, and only a CT with thin ones is "
            "cleaned."
        )
    return tuple(found)


def _cleaned(before: np.ndarray, after: np.ndarray) -> tuple[str, ...]:
    """What to heed about a CT that was cleaned: how little was taken off, or that little was there."""
    soft = soft_tissue(before)
    noise, left = noise_level(before, soft), noise_level(after, soft)
    told = f"Cleaning is experimental: the noise in soft tissue went from {noise:.1f} to {left:.1f} HU."
    if noise < NOISY_HU:
        return told, "So little noise is better left: cleaning may take more detail than noise."
    return (told,)


def _rms(array: np.ndarray) -> float:
    return float(np.sqrt(np.mean(array.astype(np.float64) ** 2)))
