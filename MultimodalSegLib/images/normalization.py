"""How the intensities of a modality become what a network sees: said in a model's description, done in training and
inference alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from .clahe import clahe
from .grid import Triple
from .intensities import CURVE_KNOTS, head_ct, robust

KINDS: Mapping[str, tuple[float, float]] = {
    "head-ct": (CURVE_KNOTS[0], CURVE_KNOTS[-1]),
    "robust": (-1.0, 1.5),
    "window": (-1.0, 1.0),
    "zscore": (-5.0, 5.0),
}
"""Lowest and highest value after each kind of normalization."""


@dataclass(frozen=True)
class Normalization:
    """One way to normalize the images of a modality family.

    Args:
        kind: ``"head-ct"``, a curve over Hounsfield units for the head (see
            :data:`~MultimodalSegLib.images.intensities.HU_KNOTS`); ``"window"``, linear from ``low`` to ``high``, cut
            there; ``"robust"``, dark end to bright end of the image; ``"zscore"``, mean 0 and standard deviation 1 of
            what is above the image's lowest value, cut at five standard deviations.
        low: of a window, in the image's own unit (HU for CT).
        high: of a window.
        clahe: raise the local contrast afterwards.

    Raises:
        ValueError: an unknown kind, a window without ends, or ends of what is no window.

    Example:
        >>> liver = Normalization("window", low=-150.0, high=250.0)
        >>> liver.apply(np.array([[[-1000.0, 50.0, 900.0]]]), (1.5, 1.5, 5.0)).tolist()
        [[[-1.0, 0.0, 1.0]]]
    """

    kind: str
    low: float | None = None
    high: float | None = None
    clahe: bool = False

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"kind is {self.kind!r}, none of {', '.join(KINDS)}")
        ends = [isinstance(end, int | float) and bool(np.isfinite(end)) for end in (self.low, self.high)]
        if self.kind == "window" and not (all(ends) and float(self.low or 0) < float(self.high or 0)):
            raise ValueError(f"a window needs low below high, not {self.low!r} and {self.high!r}")
        if self.kind != "window" and (self.low is not None or self.high is not None):
            raise ValueError(f"low and high belong to the kind window, not to {self.kind}")
        if not isinstance(self.clahe, bool):
            raise ValueError(f"clahe is {self.clahe!r}, not true or false")

    @classmethod
    def from_dict(cls, entry: Mapping[str, Any]) -> Normalization:
        """From an entry of a model's ``preprocessing``.

        Raises:
            ValueError: an unknown key or an impossible value.
        """
        unknown = sorted(set(entry) - {"kind", "low", "high", "clahe"})
        if unknown or "kind" not in entry:
            raise ValueError(f"unknown key {unknown[0]!r}" if unknown else "there is no kind")
        return cls(**entry)

    def to_dict(self) -> dict[str, Any]:
        """The entry of a model's ``preprocessing``, without what is as usual."""
        entry = {"kind": self.kind, "low": self.low, "high": self.high, "clahe": self.clahe or None}
        return {key: value for key, value in entry.items() if value is not None}

    def apply(self, array: np.ndarray, spacing: Triple) -> np.ndarray:
        """Normalized intensities, float32, same shape.

        Args:
            array: (k, j, i), finite, in the image's own unit.
            spacing: of i, j, k, millimetres; decides what is local for ``clahe``.
        """
        if self.kind == "head-ct":
            result = head_ct(array)
        elif self.kind == "robust":
            result = robust(array)
        elif self.low is not None and self.high is not None:
            result = np.interp(array, (self.low, self.high), KINDS["window"]).astype(np.float32)
        else:
            result = _zscore(array)
        return clahe(result, spacing) if self.clahe else result


def usual_normalization(family: str) -> Normalization:
    """What the models of heads do: their curve for a CT, a robust scale for everything else."""
    return Normalization("head-ct" if family == "CT" else "robust")


def _zscore(array: np.ndarray) -> np.ndarray:
    """The lowest value is left out of the statistics: it fills what was masked, or what lies outside of the scan."""
    inside = array[array > array.min()].astype(np.float64)
    if not inside.size:
        return np.zeros(array.shape, np.float32)
    scaled: np.ndarray = (array - inside.mean()) / max(float(inside.std()), 1e-6)
    return np.clip(scaled, *KINDS["zscore"]).astype(np.float32)
