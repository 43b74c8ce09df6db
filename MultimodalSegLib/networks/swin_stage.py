"""Self-attention in shifted windows, for volumes of any size."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from monai.networks.blocks import MLPBlock
from monai.networks.nets.swin_unetr import WindowAttention, window_partition, window_reverse
from torch import Tensor, nn
from torch.nn import functional as F

Size = tuple[int, int, int]

APART = -100.0
"""Added to the score of two tokens that must not see each other: their weight becomes e-100."""


@lru_cache(maxsize=64)
def window_mask(size: Size, window: int, shift: Size) -> np.ndarray:
    """Which tokens of a window may see each other.

    A token sees neither the padding that fills the last window nor tokens that the cyclic shift brought from the other
    end of the volume.

    Args:
        size: tokens along each axis, before padding.
        window: tokens along a window's edge.
        shift: tokens by which the padded volume is rolled.

    Returns:
        (windows, n, n) float32, 0 or :data:`APART`, for windows of n = window**3 tokens.
    """
    labels = []
    for count, roll in zip(size, shift, strict=True):
        padded = -(-count // window) * window
        position = np.arange(padded)
        origin = (position + roll) % padded
        labels.append(np.where(origin >= count, 2, position >= padded - roll).astype(np.float32))
    region = 9 * labels[0][:, None, None] + 3 * labels[1][None, :, None] + labels[2][None, None, :]
    counts = [side // window for side in region.shape]
    cubes = region.reshape(counts[0], window, counts[1], window, counts[2], window)
    parts = cubes.transpose(0, 2, 4, 1, 3, 5).reshape(-1, window**3)  # the order of MONAI's window_partition
    mask: np.ndarray = np.where(parts[:, :, None] == parts[:, None, :], 0.0, APART).astype(np.float32)
    return mask


class ShiftedWindowBlock(nn.Module):
    """Attention within windows and a multilayer perceptron, each with layer normalization and a shortcut.

    MONAI's own block lets padding take part, and gives relative positions another meaning where a volume is smaller
    than a window; here every window is whole and padding is masked.

    Args:
        width: channels of a token.
        heads: of the attention.
        window: tokens along a window's edge.
        shift: tokens by which windows are moved, 0 for none.

    Shapes: (N, d, h, w, width) -> the same.

    Source: Liu et al., Swin Transformer, ICCV 2021 (arXiv 2103.14030), equation 3.
    """

    def __init__(self, width: int, heads: int, window: int, shift: int) -> None:
        super().__init__()
        self.window, self.shift = window, shift
        self.norm1 = nn.LayerNorm(width)
        self.attention = WindowAttention(width, heads, (window,) * 3, qkv_bias=True)
        # a constant of the window's shape: neither learned nor averaged, so not saved
        index = self.attention.relative_position_index
        self.attention.register_buffer("relative_position_index", index, persistent=False)
        self.norm2 = nn.LayerNorm(width)
        self.mlp = MLPBlock(width, 4 * width, dropout_mode="swin")

    def forward(self, x: Tensor) -> Tensor:
        x = x + self._attend(self.norm1(x))
        result: Tensor = x + self.mlp(self.norm2(x))
        return result

    def _attend(self, x: Tensor) -> Tensor:
        n, d, h, w, c = x.shape
        edge = self.window
        size = (int(d), int(h), int(w))
        padded = [-(-s // edge) * edge for s in size]
        shift = tuple(self.shift if p > edge else 0 for p in padded)
        pads = [p - s for p, s in zip(padded, size, strict=True)]
        x = F.pad(x, (0, 0, 0, pads[2], 0, pads[1], 0, pads[0]))
        x = torch.roll(x, [-s for s in shift], (1, 2, 3))
        parts = window_partition(x, (edge,) * 3)  # (N * windows, edge**3, C)
        mask = torch.tensor(window_mask(size, edge, (shift[0], shift[1], shift[2])), device=x.device)
        parts = self.attention(parts, mask).view(-1, edge, edge, edge, c)
        x = window_reverse(parts, (edge,) * 3, [n, *padded])
        return torch.roll(x, shift, (1, 2, 3))[:, :d, :h, :w]


class SwinStage(nn.Sequential):
    """Windows, then windows moved by half their edge, so that neighbors meet.

    Shapes: (N, d, h, w, width) -> the same.
    """

    def __init__(self, width: int, heads: int, window: int) -> None:
        super().__init__(*(ShiftedWindowBlock(width, heads, window, shift) for shift in (0, window // 2)))
