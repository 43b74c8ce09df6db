"""What a neighbourhood looks like, told alike by CT, MRI and every contrast."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch

SIX = ((0, 0, 1), (0, 0, -1), (0, 1, 0), (0, -1, 0), (1, 0, 0), (-1, 0, 0))
PAIRS = [(a, b) for a, b in combinations(SIX, 2) if np.dot(a, b) == 0]
"""The twelve pairs of neighbours that are no opposites."""

CHANNELS = len(PAIRS)
APART, PATCH = 2, 3
"""Voxels from the middle to its neighbours, and the edge of the patches around two neighbours that are compared."""


def mind_ssc(image: torch.Tensor) -> torch.Tensor:
    """Self-similarity context: how alike the neighbours of a voxel are to each other, whatever their intensities.

    Source: Heinrich et al., Towards realtime multimodal fusion for image-guided interventions using
    self-similarities, MICCAI 2013, LNCS 8149:187; MIND: Heinrich et al., Med Image Anal 16:1423 (2012).

    Args:
        image: (K, J, I) float32 intensities, isotropic voxels.

    Returns:
        (12, K, J, I) float32, 0 to 1; 1 where two neighbours look alike.

    Example:
        >>> mind_ssc(torch.rand(40, 50, 60)).shape
        torch.Size([12, 40, 50, 60])
    """
    import torch
    from torch.nn import functional as F

    room = F.pad(image[None, None], (APART,) * 6, mode="replicate")[0, 0]

    def neighbor(offset: tuple[int, ...]) -> torch.Tensor:
        return room[
            tuple(slice(APART * (1 + o), APART * (1 + o) + n) for o, n in zip(offset, image.shape, strict=True))
        ]

    apart = torch.stack([_patch_mean((neighbor(a) - neighbor(b)) ** 2) for a, b in PAIRS])
    apart -= apart.min(dim=0).values
    noise = apart.mean(dim=0)
    typical = noise.mean().clamp_min(1e-12)
    return torch.exp(-apart / noise.clamp(1e-3 * typical, 1e3 * typical))


def _patch_mean(image: torch.Tensor) -> torch.Tensor:
    """Mean over a cube around each voxel, (K, J, I)."""
    from torch.nn import functional as F

    image = F.pad(image[None, None], (PATCH // 2,) * 6, mode="replicate")
    for axis in range(3):  # a cube is three lines
        edge = [PATCH if axis == other else 1 for other in range(3)]
        image = F.avg_pool3d(image, edge, stride=1)
    return image[0, 0]
