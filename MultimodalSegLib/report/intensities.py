"""Intensities of a modality inside a structure or a lesion."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np

from ..images.units import Unit, usual_unit
from ..registration.aligned import AlignedCase


@dataclass(frozen=True)
class Intensity:
    """Intensities of one modality, in a unit that is named beside them; ``p5`` is the 5th percentile.

    The standard deviation is that of these voxels (divided by n, not n - 1).
    """

    mean: float
    sd: float
    median: float
    p5: float
    p25: float
    p75: float
    p95: float


STATISTICS = tuple(field.name for field in fields(Intensity))


def intensity(values: np.ndarray, unit: Unit) -> Intensity:
    """Mean, spread and percentiles of at least one value, in a unit."""
    values = values.astype(np.float64) * unit.scale
    low, first, middle, third, high = np.percentile(values, (5, 25, 50, 75, 95)).tolist()
    return Intensity(float(values.mean()), float(values.std()), middle, low, first, third, high)


def units_of(aligned: AlignedCase, known: Mapping[str, Unit] | None = None) -> dict[str, Unit]:
    """Unit of each modality: the known one, else the usual one."""
    return {name: (known or {}).get(name) or usual_unit(name) for name in aligned.volumes}
