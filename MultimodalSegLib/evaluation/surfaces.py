"""How far apart the surfaces of two masks are, in millimetres."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from ..images.grid import Triple


@dataclass(frozen=True)
class SurfaceScore:
    """Distances between two surfaces.

    Args:
        hd95_mm: 95th percentile of the Hausdorff distance; NaN unless both masks have a voxel.
        surface_dice: part of both surfaces that lies within the tolerance of the other one; 0 where one mask is empty,
            NaN where both are.
    """

    hd95_mm: float
    surface_dice: float


def surface_score(found: np.ndarray, truth: np.ndarray, spacing: Triple, tolerance_mm: float) -> SurfaceScore:
    """Hausdorff distance (95 %) and surface Dice of two masks, by MONAI.

    The Hausdorff distance is that of ``monai.metrics.compute_hausdorff_distance``: the larger of both directions, over
    voxels at the border. Surface Dice at a tolerance (Nikolov et al., arXiv 1809.04430) weights elements of surface by
    their area, as DeepMind's ``surface-distance`` does.

    Args:
        found: bool (k, j, i).
        truth: bool of the same shape.
        spacing: mm along i, j, k.
        tolerance_mm: distance up to which surfaces agree.

    Raises:
        ValueError: the tolerance is negative or not finite.

    Example:
        >>> mask = np.zeros((8, 8, 8), bool)
        >>> mask[2:6, 2:6, 2:6] = True
        >>> surface_score(mask, mask, (1.0, 1.0, 3.0), 1.0)
        SurfaceScore(hd95_mm=0.0, surface_dice=1.0)
    """
    if not (math.isfinite(tolerance_mm) and tolerance_mm >= 0):
        raise ValueError(f"the tolerance is {tolerance_mm} mm, but must be 0 or more")
    if not (found.any() and truth.any()):
        return SurfaceScore(math.nan, 0.0 if found.any() or truth.any() else math.nan)
    import torch
    from monai.metrics import compute_hausdorff_distance, compute_surface_dice

    box = ndimage.find_objects((found | truth).view(np.uint8))[0]
    pair = [torch.from_numpy(np.ascontiguousarray(mask[box]))[None, None] for mask in (found, truth)]
    millimetres = [float(step) for step in reversed(spacing)]  # along the array's axes
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # of MONAI about its own functions
        farthest = compute_hausdorff_distance(*pair, include_background=True, percentile=95, spacing=millimetres)
        near = compute_surface_dice(
            *pair, class_thresholds=[tolerance_mm], include_background=True, spacing=millimetres, use_subvoxels=True
        )
    return SurfaceScore(float(farthest), float(near))
