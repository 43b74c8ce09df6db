"""The finest features are told how large the lesions around them are."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

EDGES = (1, 3, 7)
"""Edges of the cubes in which lesion is counted, in voxels of the coarse logits."""


def local_occupancy(lesion: Tensor) -> Tensor:
    """Expected part of cubes of growing size that is lesion.

    A small lesion fills small cubes but not large ones; nothing of a cube outside the volume counts.

    Args:
        lesion: (B, 1, d, h, w) logits.

    Returns:
        (B, len(EDGES), d, h, w), 0 to 1.
    """
    chance = lesion.float().sigmoid()
    return torch.cat([_mean_around(chance, edge) / _mean_around(torch.ones_like(chance), edge) for edge in EDGES], 1)


def _mean_around(x: Tensor, edge: int) -> Tensor:
    """Mean of a cube around each voxel, zeros outside the volume; along one axis after the other.

    As convolutions, because OpenVINO has no average pooling of volumes in bfloat16.
    """
    for axis in range(3) if edge > 1 else ():
        shape, padding = [1] * 5, [0] * 3
        shape[2 + axis], padding[axis] = edge, edge // 2
        x = F.conv3d(x, x.new_full(shape, 1 / edge), padding=padding)
    return x


class SizeGate(nn.Module):
    """A factor of 0 to 2 for every channel and voxel, read from the size of the lesion there; starts as 1.

    The coarse logits are taken as they are: only their own supervision teaches them.

    Args:
        channels: of the features.
        hidden: channels between occupancy and factor.

    Shapes: features (B, C, D, H, W), coarse lesion logits (B, 1, d, h, w) -> (B, C, D, H, W).
    """

    def __init__(self, channels: int, hidden: int = 8) -> None:
        super().__init__()
        self.size = nn.Conv3d(len(EDGES), hidden, 1)
        self.gate = nn.Conv3d(hidden, channels, 1)
        nn.init.zeros_(self.gate.weight)
        nn.init.zeros_(self.gate.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor, lesion: Tensor) -> Tensor:
        size = F.leaky_relu(self.size(local_occupancy(lesion.detach())), 0.01)
        size = F.interpolate(size, [int(s) for s in x.shape[2:]], mode="trilinear", align_corners=False)
        return x * (2 * self.gate(size).sigmoid()).to(x.dtype)
