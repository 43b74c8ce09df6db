"""How thick slices come from a volume with 1 mm between voxels, and what is needed to go back: small matrices."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.interpolate import CubicSpline

from ..images.resample import FWHM

STEP = 1.0
"""Millimetres between the voxels of a restored volume."""

PROFILES = ("gaussian", "box")

TRAINED_MM = (2.5, 6.5)
"""Millimetres between the thick slices that a model for detail is trained on."""

RIDGE = 0.003
"""Added to the Gram matrix before it is inverted, so that noise of the slices is not blown up."""


@dataclass(frozen=True)
class SliceModel:
    """Slices across one axis, each a weighted mean of the volume around its center.

    The fine volume covers what the slices cover, in voxels of :data:`STEP` mm with the same middle. Everything is
    linear and acts along one axis alone, so each operation is a matrix.

    Args:
        count: slices, at least 2.
        spacing: between their centers, mm.
        thickness: of a slice, mm: full width at half maximum of a Gaussian profile, or width of a box; None for
            ``spacing``.
        profile: one of :data:`PROFILES`.

    Example:
        >>> model = SliceModel(count=10, spacing=5.0)
        >>> model.size, model.down.shape
        (50, (10, 50))
        >>> bool(np.allclose(model.down @ model.up @ np.ones(10), 1))
        True
    """

    count: int
    spacing: float
    thickness: float | None = None
    profile: str = "gaussian"

    def __post_init__(self) -> None:
        if self.count < 2 or self.spacing <= 0 or self.profile not in PROFILES:
            raise ValueError(f"{self!r} describes no slices.")

    @property
    def size(self) -> int:
        """Voxels of the fine volume along the axis."""
        return max(2, round(self.count * self.spacing / STEP))

    @property
    def centers(self) -> np.ndarray:
        """Centers of the slices, mm from the middle (count,)."""
        return (np.arange(self.count) - (self.count - 1) / 2) * self.spacing

    @property
    def positions(self) -> np.ndarray:
        """Voxels of the fine volume, mm from the middle (size,)."""
        return (np.arange(self.size) - (self.size - 1) / 2) * STEP

    @cached_property
    def down(self) -> np.ndarray:
        """From a fine volume to its slices, (count, size) float64; rows sum to 1."""
        width = self.thickness or self.spacing
        away = np.abs(self.centers[:, None] - self.positions[None, :])
        if self.profile == "gaussian":
            weight = np.exp(-0.5 * (away / (width / FWHM)) ** 2)
        else:
            weight = np.clip((width / 2 - away) / STEP + 0.5, 0, 1)  # part of each voxel that the slice covers
        weight = np.where(weight.sum(1, keepdims=True) > 0, weight, away == away.min(1, keepdims=True))
        normalized: np.ndarray = weight / weight.sum(1, keepdims=True)
        return normalized

    @cached_property
    def up(self) -> np.ndarray:
        """Cubic interpolation from the slices to the fine volume, (size, count) float64."""
        inside = np.clip(self.positions, self.centers[0], self.centers[-1])
        weight: np.ndarray = CubicSpline(self.centers, np.eye(self.count), bc_type="natural")(inside)
        return weight

    @property
    def distance(self) -> np.ndarray:
        """From each voxel of the fine volume to the nearest slice center, mm, (size,) float32."""
        nearest = np.abs(self.positions[:, None] - self.centers[None, :]).min(1)
        return nearest.astype(np.float32)

    def taken(self, fine: np.ndarray) -> np.ndarray:
        """The slices of a fine volume: (size, ...) -> (count, ...) float32."""
        return along_first(self.down, fine)

    def interpolated(self, slices: np.ndarray) -> np.ndarray:
        """Cubic interpolation: (count, ...) -> (size, ...) float32."""
        return along_first(self.up, slices)

    def consistent(self, fine: np.ndarray, slices: np.ndarray, ridge: float = RIDGE) -> np.ndarray:
        """A fine volume with the smallest change that makes its slices the given ones, (size, ...) float32.

        The part of the volume that the slices say nothing about stays as it is (range and null space, Wang et al.,
        ICLR 2023, eq. 13).

        Args:
            fine: (size, ...).
            slices: (count, ...).
            ridge: added to the Gram matrix of the slices before it is inverted; the larger, the less is changed.
        """
        gram = self.down @ self.down.T + ridge * np.eye(self.count)
        back = self.down.T @ np.linalg.inv(gram)
        corrected: np.ndarray = fine + along_first(back, slices - self.taken(fine))
        return corrected

    def started(self, slices: np.ndarray) -> np.ndarray:
        """What restoring starts from: cubic interpolation, made consistent; (count, ...) -> (size, ...) float32."""
        return self.consistent(self.interpolated(slices), slices)


def along_first(matrix: np.ndarray, array: np.ndarray) -> np.ndarray:
    """A matrix (m, n) times an array (n, ...) along its first axis: (m, ...) float32."""
    flat = np.asarray(array, np.float32).reshape(len(array), -1)
    result: np.ndarray = (matrix.astype(np.float32) @ flat).reshape(len(matrix), *array.shape[1:])
    return result
