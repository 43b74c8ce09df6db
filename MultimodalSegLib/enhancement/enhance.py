"""From a scan with thick slices, or a noisy CT, to a volume with synthetic detail."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..errors import InputError
from ..images.volume import Volume
from ..progress import Event, Progress, silent
from .consistency import Consistency, consistency, measured_kept
from .intensities import Scale, noise_level, soft_tissue
from .slices import TRAINED_MM, SliceModel
from .thick import ThickScan, thick_axis, thick_scan

if TYPE_CHECKING:
    from .flow import Sampler

STAGE = "enhance"

FARTHEST_MM = 10.0
"""Between slices; beyond it almost all that is shown between them would be made up."""

NOISY_HU = 10.0
"""Below this, cleaning a CT is not worth its detail."""

PROFILE = {"CT": "box", "MR": "gaussian"}
"""Of a slice, where none is told: a CT averages over its slice, an MRI excites it softly."""


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
        profile: of a thick slice, ``"gaussian"`` or ``"box"``; the usual one of the family if empty.
        seed: of the first sample; the next one has the next number.
        progress: takes the events of the stage ``"enhance"``.

    Raises:
        InputError: voxels that are large in several directions, slices farther apart than :data:`FARTHEST_MM`, or a
            single slice.
        Cancelled: ``progress`` asked to stop.
    """
    began, axis = time.perf_counter(), thick_axis(volume.grid)
    cleaning = axis is None and denoise and family == "CT"
    if axis is None and not cleaning:
        return _unchanged(volume, denoise, time.perf_counter() - began)
    if axis is not None:
        _check_apart(volume.grid.spacing[2 - axis])
    asked, profile = profile, "box" if cleaning else profile or PROFILE[family]
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
    found_again = consistency(scan, mean, noise)
    warnings = _cleaned(scan.slices, mean, found_again, asked) if cleaning else _restored(scan, found_again, denoise)
    return Enhanced(
        scan.volume(mean),
        deviation,
        len(found),
        sampler.steps,
        axis,
        scan.model.spacing,
        profile,
        found_again,
        time.perf_counter() - began,
        warnings,
    )


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

    start, farthest = scale.apply(begun), TRAINED_MM[1]  # told of more than in training, the network diverges
    known = Conditions(
        torch.tensor([("CT", "MR").index(scale.family)]),
        torch.tensor([min(scan.model.spacing, farthest)], dtype=torch.float32),
        torch.tensor([noise_level(scale.apply(scan.slices))], dtype=torch.float32),
    )
    away = np.minimum(scan.model.distance, farthest / 2)
    number, count = turn
    progress(Event(STAGE, number, count, f"sample {number + 1} of {count}"))
    drawn = sampler.sample(start, away, known, seed, lambda part: progress(Event(STAGE, number + part, count)))
    return begun + scale.undo(drawn) - scale.undo(start)


def _unchanged(volume: Volume, denoise: bool, seconds: float) -> Enhanced:
    text = " x ".join(f"{s:.3g}" for s in volume.grid.spacing)
    said = f"The voxels of {text} mm are about as long in all directions; the volume is returned unchanged."
    more = ("Only a CT is cleaned.",) if denoise else ()
    return Enhanced(volume, None, 0, 0, None, max(volume.grid.spacing), "", None, seconds, (said, *more))


def _check_apart(spacing: float) -> None:
    """Refuse slices between which nothing is known anymore."""
    if round(spacing, 2) > FARTHEST_MM:
        raise InputError(
            f"The slices are {spacing:.3g} mm apart, which is too far to tell what lies between them.",
            f"Give a scan with at most {FARTHEST_MM:g} mm between its slices.",
        )


def _restored(scan: ThickScan, found: Consistency, denoise: bool) -> tuple[str, ...]:
    """What to heed about thick slices that were restored."""
    spacing, told = round(scan.model.spacing, 2), []
    if not TRAINED_MM[0] <= spacing <= TRAINED_MM[1]:
        told.append(
            f"The slices are {spacing:g} mm apart; the model was made for {TRAINED_MM[0]:g} to {TRAINED_MM[1]:g} mm."
        )
    if not found.within_noise:
        told.append(
            f"The result does not give the measured slices back: they differ by {found.rms:.3g}, {found.judged}."
        )
    if denoise:
        told.append(
            f"The scan was restored, not cleaned: its slices are {spacing:g} mm apart, and only a CT with thin ones is "
            "cleaned."
        )
    return tuple(told)


def _cleaned(before: np.ndarray, after: np.ndarray, found: Consistency, profile: str) -> tuple[str, ...]:
    """What to heed about a CT that was cleaned: how little was taken off, that little was there, or too much."""
    soft = soft_tissue(before)
    noise, left = noise_level(before, soft), noise_level(after, soft)
    told = [f"Cleaning is experimental: the noise in soft tissue went from {noise:.1f} to {left:.1f} HU."]
    if noise < NOISY_HU:
        told.append("So little noise is better left: cleaning may take more detail than noise.")
    if not found.within_noise:
        told.append(f"Cleaning changed more than noise: by {found.rms:.3g} HU, {found.judged}; detail may be lost.")
    if profile:
        told.append(f"The profile {profile!r} was not used: it is for thick slices, and these are thin.")
    return tuple(told)
