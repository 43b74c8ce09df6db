"""Whether the slices that a restored volume would give are those that were measured."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..images.intensities import robust_range
from .intensities import Scale
from .slices import RIDGE
from .thick import ThickScan

SPREAD = {"CT": 60.0, "MR": 0.1}
"""How much detail is expected: HU of a CT, part of the range of any other image."""

FLOOR = 1e-3
"""Part of a scan's range below which a difference counts as noise even where there is none."""


@dataclass(frozen=True)
class Consistency:
    """Whether the slices that a restored volume would give are those that were measured, in the scan's own unit.

    Args:
        rms: root of the mean squared difference.
        noise: standard deviation of the noise of the slices.
        interpolated: what ``rms`` is for cubic interpolation.
        floor: a difference that does not count even in a scan without noise.

    Example:
        >>> Consistency(rms=0.4, noise=0.0, interpolated=9.0, floor=1.0).within_noise
        True
    """

    rms: float
    noise: float
    interpolated: float
    floor: float = 0.0

    @property
    def limit(self) -> float:
        """The larger of noise and floor."""
        return max(self.noise, self.floor)

    @property
    def within_noise(self) -> bool:
        """Whether the difference could be noise, or is so small that it does not count."""
        return self.rms <= self.limit

    @property
    def judged(self) -> str:
        """How the difference compares, as the end of a sentence about it."""
        word = "within" if self.within_noise else "above"
        if self.noise >= self.floor:
            return f"{word} their noise of {self.noise:.3g}"
        return f"{word} {self.floor:.3g}, a thousandth of their range"


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
    low, high = robust_range(scan.slices)
    return Consistency(_rms(apart), noise, _rms(cubic), FLOOR * (high - low))


def _rms(array: np.ndarray) -> float:
    return float(np.sqrt(np.mean(array.astype(np.float64) ** 2)))
