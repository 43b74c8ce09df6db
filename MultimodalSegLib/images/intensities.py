"""Intensities as the network sees them: one curve for Hounsfield units, one robust scale for everything else."""

import numpy as np

HU_KNOTS = (-1000.0, -200.0, 0.0, 80.0, 300.0, 1500.0)
CURVE_KNOTS = (-1.5, -1.0, -0.5, 0.8, 1.2, 1.8)
"""A monotone curve that spends most of its range on the 80 HU in which brain tissues differ and still keeps
air, fat and bone apart. Values beyond the ends are clipped."""

CT_OUTSIDE = -1000.0
"""Hounsfield units outside a CT's field of view."""

AIR_HU = -500.0
LEAST_AIR = 0.01
"""Part of the voxels below :data:`AIR_HU` from which on a volume can only be a CT."""


def outside_value(modality: str) -> float:
    """Intensity to assume where ``modality`` has no voxel: air for a CT, 0 otherwise."""
    return CT_OUTSIDE if modality == "CT" else 0.0


def robust_range(array: np.ndarray) -> tuple[float, float]:
    """Dark end and bright end of an image, insensitive to a few outliers and to how much air is in view.

    Args:
        array: intensities of any shape, finite.

    Returns:
        The 0.5th percentile of all voxels and the 99th percentile of those above the mean.
    """
    sample = array.ravel()[:: max(1, array.size // 500_000)]
    low = float(np.percentile(sample, 0.5))
    bright = sample[sample > sample.mean()]
    high = float(np.percentile(bright, 99.0)) if bright.size else low
    return low, max(high, low + 1e-6)


def head_ct(array: np.ndarray) -> np.ndarray:
    """Hounsfield units of a head by the curve through :data:`HU_KNOTS`: -1.5 to 1.8, float32, same shape."""
    return np.interp(array, HU_KNOTS, CURVE_KNOTS).astype(np.float32)


def robust(array: np.ndarray) -> np.ndarray:
    """Intensities of any unit, the dark end at -1 and the bright end at 1: cut at 1.5, float32, same shape."""
    low, high = robust_range(array)
    return np.clip(2.0 * (array - low) / (high - low) - 1.0, -1.0, 1.5).astype(np.float32)


def normalize(array: np.ndarray, modality: str) -> np.ndarray:
    """Intensities of one modality of a head in about -1.5 to 1.8, float32, same shape.

    Args:
        array: HU for ``"CT"``, any unit otherwise; any shape, finite.
        modality: a name of :data:`~MultimodalSegLib.images.case.MODALITIES`.
    """
    return head_ct(array) if modality == "CT" else robust(array)


def is_hounsfield(sample: np.ndarray) -> bool:
    """Whether values can only be Hounsfield units: a part of them is air, near -1000, and none is far below.

    Args:
        sample: intensities of any shape; values that are not finite are ignored.
    """
    values = np.asarray(sample, np.float32).ravel()
    values = values[np.isfinite(values)]
    if not values.size:
        return False
    air = np.count_nonzero(values < AIR_HU) / values.size
    return bool(air >= LEAST_AIR and np.percentile(values, 1) > -5000 and np.percentile(values, 99.5) < 5000)
