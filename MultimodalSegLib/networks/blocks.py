"""The convolutional bricks of the fusion network."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn import functional as F

LEAST_SIDE = 3
"""Below so many voxels along an axis convolutions run in float32: on processors the bfloat16 gradient of the weights of
a 3x3x3 convolution over 2x2x2 voxels is garbage, often infinite (seen with torch 2.13, oneDNN)."""


@contextmanager
def exact_where_tiny(x: Tensor) -> Iterator[Tensor]:
    """Features (N, C, D, H, W) as they are, or in float32 without mixed precision if an axis is tiny."""
    if min(x.shape[2:]) >= LEAST_SIDE or x.is_meta:
        yield x
        return
    with torch.autocast(x.device.type, enabled=False):
        yield x.float()


def space_to_depth(x: Tensor) -> Tensor:
    """Fold each 2x2x2 cube of voxels into channels: (N, C, D, H, W) -> (N, 8C, D/2, H/2, W/2)."""
    n, c, d, h, w = x.shape
    x = x.view(n, c, d // 2, 2, h // 2, 2, w // 2, 2)
    return x.permute(0, 1, 3, 5, 7, 2, 4, 6).reshape(n, 8 * c, d // 2, h // 2, w // 2)


def depth_to_space(x: Tensor) -> Tensor:
    """The inverse of :func:`space_to_depth`: (N, 8C, D, H, W) -> (N, C, 2D, 2H, 2W)."""
    n, c, d, h, w = x.shape
    return _in_order(x).reshape(n, c // 8, 2 * d, 2 * h, 2 * w)


def depth_to_space_into(x: Tensor, out: Tensor) -> None:
    """The same into memory that is there, ``out`` (N, C, 2D, 2H, 2W)."""
    n, c, d, h, w = x.shape
    out.view(n, c // 8, d, 2, h, 2, w, 2).copy_(_in_order(x))


def _in_order(x: Tensor) -> Tensor:
    """A view (N, C, D, 2, H, 2, W, 2) of (N, 8C, D, H, W)."""
    n, c, d, h, w = x.shape
    return x.view(n, c // 8, 2, 2, 2, d, h, w).permute(0, 1, 5, 2, 6, 3, 7, 4)


class ResidualBlock(nn.Module):
    """Two 3x3x3 convolutions with instance normalization and a shortcut.

    Shapes: (N, in, D, H, W) -> (N, out, D, H, W).
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv3d(in_channels, out_channels, 3, padding=1, bias=False)
        self.norm1 = nn.InstanceNorm3d(out_channels, affine=True)
        self.conv2 = nn.Conv3d(out_channels, out_channels, 3, padding=1, bias=False)
        self.norm2 = nn.InstanceNorm3d(out_channels, affine=True)
        same = in_channels == out_channels
        self.shortcut: nn.Module = nn.Identity() if same else nn.Conv3d(in_channels, out_channels, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        with exact_where_tiny(x) as x:
            y = F.leaky_relu(self.norm1(self.conv1(x)), 0.01)
            y = self.norm2(self.conv2(y))
            return F.leaky_relu(y + self.shortcut(x), 0.01)


class PlainBlock(nn.Module):
    """Instance normalization and a threshold, where windows of attention take the place of convolutions.

    Shapes: (N, C, D, H, W) -> the same.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.InstanceNorm3d(channels, affine=True)

    def forward(self, x: Tensor) -> Tensor:
        return F.leaky_relu(self.norm(x), 0.01)


class ModalityModulation(nn.Module):
    """Scale and shift of feature channels that depend on the modality alone (FiLM, Perez et al., AAAI 2018).

    Starts as the identity, so that at first every modality is treated alike.

    Shapes: features (N, C, D, H, W) and family indices (N,) -> (N, C, D, H, W).
    """

    def __init__(self, families: int, channels: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.zeros(families, channels))
        self.shift = nn.Parameter(torch.zeros(families, channels))

    def forward(self, x: Tensor, family: Tensor) -> Tensor:
        scale = self.scale[family][:, :, None, None, None].to(x.dtype)
        shift = self.shift[family][:, :, None, None, None].to(x.dtype)
        return x * (1 + scale) + shift
