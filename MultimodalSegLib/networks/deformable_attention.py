"""Sampling at learned places, so that modalities meet although they are not perfectly aligned."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def sample_around(values: Tensor, offsets: Tensor, weights: Tensor) -> Tensor:
    """Weighted mean of values at a few places around each voxel, interpolated trilinearly; the rim goes on outside.

    Args:
        values: (N, C, d, h, w).
        offsets: (N, P, 3, d, h, w) from the voxel to the places, in voxels, (k, j, i) order.
        weights: (N, P, d, h, w).

    Returns:
        (N, C, d, h, w) of the offsets' type.
    """
    n, points, _, *size = offsets.shape
    axes = [torch.arange(s, device=offsets.device, dtype=offsets.dtype) for s in size]
    voxel = torch.stack(torch.meshgrid(*axes, indexing="ij"))  # (3, d, h, w)
    scale = torch.tensor(size, device=offsets.device, dtype=offsets.dtype).view(3, 1, 1, 1)
    grid = (2 * (voxel + offsets) + 1) / scale - 1  # (N, P, 3, d, h, w), -1 to 1 between the outer faces
    grid = grid.flip(2).permute(0, 1, 3, 4, 5, 2).reshape(n, points * size[0], *size[1:], 3)
    found = F.grid_sample(values.to(grid.dtype), grid, padding_mode="border", align_corners=False)
    found = found.view(n, values.shape[1], points, *size)
    return (found * weights[:, None]).sum(2)


class DeformableAttention(nn.Module):
    """Each voxel of a modality reads its own modality at a few places around it.

    The places and their weights follow from the modality's features beside the mean of all present ones, so a
    modality that is shifted against the others can be read where it fits. Offsets start at zero: every place is the
    voxel itself. The weights start at random, otherwise all places would learn the same. The way back starts at zero.

    Args:
        channels: of the features.
        heads: parts of the channels with places of their own.
        points: places for each.
        reach: farthest offset along an axis, in voxels of this scale.

    Shapes: features (B, M, C, d, h, w), present (B, M) bool -> features likewise.

    Source: Zhu et al., Deformable DETR, ICLR 2021 (arXiv 2010.04159), equation 2, in three dimensions.
    """

    def __init__(self, channels: int, heads: int, points: int = 4, reach: float = 2.0) -> None:
        super().__init__()
        self.heads, self.points, self.reach = heads, points, reach
        self.offset = nn.Linear(2 * channels, heads * points * 3)
        self.weight = nn.Linear(2 * channels, heads * points)
        self.back = nn.Linear(channels, channels)
        for layer in (self.offset, self.back):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, features: Tensor, present: Tensor) -> Tensor:
        b, m, c, *size = features.shape
        sampled = self.sample(features, present).view(b * m, c, *size)
        back = self.back(sampled.permute(0, 2, 3, 4, 1).to(features.dtype))
        return features + back.permute(0, 4, 1, 2, 3).view(features.shape)

    def sample(self, features: Tensor, present: Tensor) -> Tensor:
        """The features (B, M, C, d, h, w) as they are read, before the way back."""
        b, m, c, *size = features.shape
        mask = present.view(b, m, 1, 1, 1, 1).to(features.dtype)
        mean = (features * mask).sum(1, keepdim=True) / mask.sum(1, keepdim=True).clamp_min(1)
        both = torch.cat([features, mean.expand_as(features)], dim=2).permute(0, 1, 3, 4, 5, 2).flatten(0, 1)
        exact = torch.promote_types(features.dtype, torch.float32)  # sixteen bits would move the places
        offsets = self.reach * torch.tanh(self.offset(both).to(exact))
        weights = self.weight(both).to(exact).unflatten(-1, (self.heads, self.points)).softmax(-1)
        n = b * m * self.heads
        return sample_around(
            features.reshape(n, c // self.heads, *size).to(exact),
            offsets.permute(0, 4, 1, 2, 3).reshape(n, self.points, 3, *size),
            weights.permute(0, 4, 5, 1, 2, 3).reshape(n, self.points, *size),
        ).view(features.shape)
