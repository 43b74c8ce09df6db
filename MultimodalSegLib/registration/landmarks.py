"""Landmarks that a person set in both volumes: a start for a registration, and a check of its result.

Nothing here imports SimpleITK before it is asked for a transform: the panel tells errors while points are being set.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..errors import InputError

if TYPE_CHECKING:
    import SimpleITK as sitk

LEAST, LEAST_SPREAD_MM = 3, 5.0
"""Landmarks that a rigid transform needs, and how far from one line they must reach (root mean square)."""

FAR_MM = 5.0
"""Landmarks are set to a few millimetres; by more than this a registration does not correct them."""


@dataclass(frozen=True)
class Landmarks:
    """Pairs of points, the same places in both volumes.

    Args:
        fixed: (n, 3) LPS mm in the fixed volume.
        moving: (n, 3) LPS mm in the moving volume.

    Example:
        >>> corners = np.array([[0.0, 0.0, 0.0], [90.0, 0.0, 0.0], [0.0, 90.0, 0.0]])
        >>> Landmarks(corners, corners + (0.0, 0.0, 25.0)).rigid()[:3, 3].round(6).tolist()
        [0.0, 0.0, 25.0]
    """

    fixed: np.ndarray
    moving: np.ndarray

    def check(self) -> None:
        """Refuse what no rigid transform follows from.

        Raises:
            InputError: fewer than three landmarks, or all of them near one line.
        """
        count = len(self.fixed)
        if count < LEAST:
            said = {0: "is no pair", 1: "is only 1 pair"}.get(count, f"are only {count} pairs")
            raise InputError(f"There {said} of landmarks.", "Set at least three.")
        spreads = (np.linalg.svd(points - points.mean(axis=0), compute_uv=False)[1] for points in self._both)
        if min(spreads) < LEAST_SPREAD_MM * count**0.5:
            raise InputError("The landmarks lie near one line.", "Add one that is far from that line.")

    def rigid(self) -> np.ndarray:
        """The rigid motion (fixed to moving points, 4x4, LPS) with the least squared error, in closed form.

        Source: Kabsch, Acta Cryst A32:922 (1976); Arun, Huang and Blostein, IEEE PAMI 9:698 (1987).

        Raises:
            InputError: see :meth:`check`.
        """
        self.check()
        middles = [points.mean(axis=0) for points in self._both]
        here, there = (points - middle for points, middle in zip(self._both, middles, strict=True))
        left, _stretch, right = np.linalg.svd(there.T @ here)
        unmirrored = np.diag([1.0, 1.0, np.sign(np.linalg.det(left @ right))])
        motion = np.eye(4)
        motion[:3, :3] = left @ unmirrored @ right
        motion[:3, 3] = middles[1] - motion[:3, :3] @ middles[0]
        return motion

    def transform(self) -> sitk.Euler3DTransform:
        """The same motion as a transform about the middle of the fixed landmarks.

        Raises:
            InputError: see :meth:`check`.
        """
        import SimpleITK as sitk

        motion, middle = self.rigid(), self.fixed.mean(axis=0)
        found = sitk.Euler3DTransform()
        found.SetCenter(middle.tolist())
        found.SetMatrix(motion[:3, :3].ravel().tolist())
        found.SetTranslation((motion[:3, :3] @ middle + motion[:3, 3] - middle).tolist())
        return found

    def error(self, transform: sitk.Transform | np.ndarray) -> tuple[float, float]:
        """Mean and largest distance (mm) between where a transform puts the fixed points and the moving points.

        Args:
            transform: fixed to moving points; a 4x4 matrix (LPS) may stand for one.
        """
        if isinstance(transform, np.ndarray):
            mapped = self.fixed @ transform[:3, :3].T + transform[:3, 3]
        else:
            from ..images.resample import map_points

            mapped = map_points(transform, self.fixed)
        apart = np.linalg.norm(mapped - self.moving, axis=1)
        return float(apart.mean()), float(apart.max())

    def errors(self, found: sitk.Transform | np.ndarray | None = None) -> dict[str, float]:
        """What is kept of landmarks with a run.

        Args:
            found: the transform that a registration ended with, if it has.

        Returns:
            ``count``, then the mean and the largest distance in mm: as the volumes came (``before_mean_mm``,
            ``before_max_mm``), at the best rigid fit (``start_...``) and, under ``found``, without a prefix.

        Raises:
            InputError: see :meth:`check`.
        """
        told: dict[str, float] = {"count": len(self.fixed)}
        for prefix, transform in (("before_", np.eye(4)), ("start_", self.rigid()), ("", found)):
            if transform is not None:
                for name, value in zip(("mean_mm", "max_mm"), self.error(transform), strict=True):
                    told[prefix + name] = round(value, 3)
        return told

    @property
    def _both(self) -> tuple[np.ndarray, np.ndarray]:
        return self.fixed, self.moving


def paired(fixed: tuple[Sequence[str], np.ndarray], moving: tuple[Sequence[str], np.ndarray]) -> Landmarks:
    """Pairs from labels and points of both volumes: by the labels if both have the same ones, else by their order.

    Args:
        fixed: n labels and (n, 3) points, LPS mm.
        moving: as many of the moving volume.
    """
    (labels, here), (others, there) = fixed, moving
    if len(set(labels)) == len(labels) and set(labels) == set(others):
        there = there[[list(others).index(label) for label in labels]]
    return Landmarks(here, there)


def errors_text(errors: Mapping[str, float]) -> str:
    """The errors of :meth:`Landmarks.errors` in words.

    Example:
        >>> errors_text({"count": 4, "start_mean_mm": 1.1, "start_max_mm": 1.9, "mean_mm": 1.42, "max_mm": 2.2})
        '1.1 mm apart (at most 1.9) at their best fit, 1.4 mm (at most 2.2) after the registration'
    """
    times = {"before_": "before the registration", "start_": "at their best fit", "": "after the registration"}
    parts: list[str] = []
    for prefix, when in times.items():
        if f"{prefix}mean_mm" in errors:
            mean, most = errors[f"{prefix}mean_mm"], errors[f"{prefix}max_mm"]
            parts.append(f"{mean:.1f} mm{'' if parts else ' apart'} (at most {most:.1f}) {when}")
    return ", ".join(parts)


def moved_away(errors: Mapping[str, float]) -> bool:
    """Whether a registration left its landmarks by more than their own error can explain."""
    return errors["mean_mm"] > errors["start_mean_mm"] + FAR_MM


def landmark_warnings(moving: str, reference: str, errors: Mapping[str, float]) -> list[str]:
    """Why a registration must be looked at because of its landmarks, as sentences; usually none."""
    if not moved_away(errors):
        return []
    return [
        f"The registration of {moving} with {reference} moved away from the landmarks, {errors['mean_mm']:.1f} mm "
        f"instead of {errors['start_mean_mm']:.1f} mm: look at both before you use the result."
    ]
