"""Intensities as the network sees them, back to what they were, and how noisy a scan is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from ..images.intensities import CURVE_KNOTS, HU_KNOTS, robust_range

LAPLACIAN = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
"""Blind to edges along the axes and to slopes; independent noise of deviation 1 gives 6 (Immerkaer, 1996)."""

ENDS = (-2.0, 5.0)
"""Where a normalized image that is no CT is cut: vessels may be several times as bright as tissue."""

SOFT_HU = (-20.0, 90.0)
"""Brain, water, muscle, blood: where the noise of a CT hides something."""

MEDIAN = 0.6745
"""Median of the absolute value of a standard normal number."""


@dataclass(frozen=True)
class Scale:
    """Between a scan's own unit and about -1.5 to 1.8.

    A CT goes through the curve of the other networks; any other image is scaled, and cut far beyond its ends.

    Args:
        family: ``"CT"`` or ``"MR"``.
        low: dark end of an image that is no CT.
        high: its bright end.
    """

    family: str
    low: float = 0.0
    high: float = 1.0

    @classmethod
    def of(cls, array: np.ndarray, family: str) -> Scale:
        """The scale of a scan."""
        return cls(family) if family == "CT" else cls(family, *robust_range(array))

    def apply(self, array: np.ndarray) -> np.ndarray:
        """Normalized, float32, same shape."""
        if self.family == "CT":
            return np.interp(array, HU_KNOTS, CURVE_KNOTS).astype(np.float32)
        scaled: np.ndarray = 2 * (array - self.low) / (self.high - self.low) - 1
        return np.clip(scaled, *ENDS).astype(np.float32)

    def undo(self, array: np.ndarray) -> np.ndarray:
        """In the scan's own unit, float32, same shape; what was cut is lost: of a CT, all beyond -1000 to 1500 HU."""
        if self.family == "CT":
            return np.interp(array, CURVE_KNOTS, HU_KNOTS).astype(np.float32)
        return ((array + 1) / 2 * (self.high - self.low) + self.low).astype(np.float32)


def noise_level(slices: np.ndarray, among: np.ndarray | None = None) -> float:
    """Standard deviation of the noise of slices (n, h, w), in their unit.

    From the median of what is left of each slice after a mask that edges hardly pass (Immerkaer, Comput Vis Image
    Underst 64:300, 1996, with the median in place of the mean). Where nothing varies is left out: masked background.

    Args:
        slices: (n, h, w).
        among: (n, h, w) bool, the voxels to look at; all if None.

    Example:
        >>> noisy = np.random.default_rng(0).normal(0, 3, (4, 64, 64))
        >>> round(noise_level(noisy), 1)
        3.0
    """
    if min(slices.shape[1:]) < 3:
        return 0.0
    left = ndimage.convolve(slices.astype(np.float32), LAPLACIAN[None], mode="nearest")[:, 1:-1, 1:-1]
    left = np.abs(left)
    varying = left > 1e-6 * max(float(np.ptp(slices)), 1e-12)
    if among is not None:
        varying &= among[:, 1:-1, 1:-1]
    return float(np.median(left[varying])) / (6 * MEDIAN) if varying.any() else 0.0


def soft_tissue(slices: np.ndarray) -> np.ndarray:
    """Which voxels of a CT are soft tissue, seen through its noise: the mean of 3x3 voxels counts; bool, same shape."""
    smooth = ndimage.uniform_filter(slices.astype(np.float32), (1, 3, 3))
    inside: np.ndarray = (smooth > SOFT_HU[0]) & (smooth < SOFT_HU[1])
    return inside
