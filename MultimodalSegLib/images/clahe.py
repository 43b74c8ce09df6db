"""Contrast-limited adaptive histogram equalization of a volume (Zuiderveld, Graphics Gems IV, 1994)."""

from __future__ import annotations

import numpy as np

from .grid import Triple

KERNEL_MM = 40.0
CLIP_LIMIT = 0.01
"""Part of a block's voxels that one gray value may take before the rest is spread over all."""


def clahe(
    array: np.ndarray, spacing: Triple, *, kernel_mm: float = KERNEL_MM, clip_limit: float = CLIP_LIMIT
) -> np.ndarray:
    """Raise the contrast of what is near in space; the range stays.

    Blocks have a size in millimetres, so that a crop and a whole volume, or two spacings, get the same. A CT must be
    cut to a window of Hounsfield units first, or air and bone leave nothing for tissue.

    Args:
        array: (k, j, i), finite.
        spacing: of i, j, k, millimetres.
        kernel_mm: edge of a block, millimetres.
        clip_limit: 0 to 1, more is more contrast.

    Returns:
        float32, same shape, lowest and highest value as before.

    Example:
        >>> image = np.random.default_rng(0).random((8, 8, 8), np.float32)
        >>> clahe(image, (1.0, 1.0, 1.0)).shape
        (8, 8, 8)
    """
    from skimage.exposure import equalize_adapthist

    low, high = float(array.min()), float(array.max())
    if low == high:
        return array.astype(np.float32)
    steps = [kernel_mm / step for step in reversed(spacing)]
    kernel = [int(np.clip(round(step), 2, max(2, n))) for step, n in zip(steps, array.shape, strict=True)]
    unit = (array.astype(np.float32) - low) / (high - low)
    equal = equalize_adapthist(unit, kernel_size=kernel, clip_limit=clip_limit).astype(np.float32)
    least, most = float(equal.min()), float(equal.max())
    result: np.ndarray = (equal - least) * ((high - low) / max(most - least, 1e-6)) + low
    return result.astype(np.float32)
