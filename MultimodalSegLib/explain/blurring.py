"""Images from which a structure cannot be told anymore: the baseline of several methods."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from scipy import ndimage
from torch import Tensor

BLUR_MM = 10.0
"""Standard deviation of the blur: lesions and small structures melt into what surrounds them, the head stays."""


def blurred(images: Tensor, spacing: Sequence[float], sigma_mm: float = BLUR_MM) -> Tensor:
    """Images after a Gaussian blur in space.

    Args:
        images: (M, D, H, W).
        spacing: (k, j, i), mm.
        sigma_mm: standard deviation, mm.

    Source: Fong and Vedaldi, Interpretable explanations of black boxes by meaningful perturbation, ICCV 2017.
    """
    sigma = [sigma_mm / s for s in spacing]
    return torch.stack(
        [torch.from_numpy(ndimage.gaussian_filter(i.numpy(), sigma, mode="nearest", truncate=3.0)) for i in images]
    )
