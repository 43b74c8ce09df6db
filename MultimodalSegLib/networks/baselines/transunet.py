"""TransUNet in three dimensions: a convolutional encoder, a transformer over its last features, a U-Net decoder."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from monai.networks.blocks.dynunet_block import UnetResBlock, UnetUpBlock
from monai.networks.blocks.transformerblock import TransformerBlock
from torch import Tensor, nn
from torch.nn import functional as F

NORM = ("INSTANCE", {"affine": True})


class TransUNet(nn.Module):
    """Convolutions for detail, self-attention of all tokens at one sixteenth of the resolution for context.

    The transformer has the size of the paper's (ViT-B: 12 layers of 768 channels and 12 heads); the convolutional
    stages are residual blocks instead of a pre-trained ResNet-50, for there are no weights to start from. Positions
    are a learned lattice that is interpolated to the tokens, so that any size of volume can be given.

    Args:
        in_channels: of the input.
        out_channels: of the logits.
        widths: channels of the convolutional stages at strides 1, 2, 4, 8.
        hidden: channels of a token.
        layers: of the transformer.
        heads: of its attention.
        lattice: edge of the lattice of positions; 6 are the tokens of 96 voxels.

    Shapes:
        (B, in, D, H, W) -> (B, out, D, H, W); sides are multiples of 16.

    Source:
        Chen et al., TransUNet: Transformers make strong encoders for medical image segmentation, 2021, section 3;
        in three dimensions, Chen et al., Medical Image Analysis 97, 2024.

    Example:
        >>> network = TransUNet(1, 3, widths=(4, 4, 8, 8), hidden=16, layers=1, heads=2)
        >>> network(torch.zeros(1, 1, 32, 32, 32)).shape
        torch.Size([1, 3, 32, 32, 32])
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        widths: Sequence[int] = (32, 64, 128, 256),
        hidden: int = 768,
        layers: int = 12,
        heads: int = 12,
        lattice: int = 6,
    ) -> None:
        super().__init__()
        before = [in_channels, *widths[:-1]]
        self.stages = nn.ModuleList(
            UnetResBlock(3, i, o, kernel_size=3, stride=2 if n else 1, norm_name=NORM)
            for n, (i, o) in enumerate(zip(before, widths, strict=True))
        )
        self.embed = nn.Conv3d(widths[-1], hidden, 2, stride=2)
        self.positions = nn.Parameter(0.02 * torch.randn(1, hidden, lattice, lattice, lattice))
        self.transformer = nn.Sequential(*(TransformerBlock(hidden, 4 * hidden, heads) for _ in range(layers)))
        self.norm = nn.LayerNorm(hidden)
        self.reduce = nn.Conv3d(hidden, widths[-1], 3, padding=1)
        coarse = [widths[-1], *reversed(widths[1:])]
        self.decode = nn.ModuleList(
            UnetUpBlock(3, i, o, kernel_size=3, stride=1, upsample_kernel_size=2, norm_name=NORM)
            for i, o in zip(coarse, reversed(widths), strict=True)
        )
        self.head = nn.Conv3d(widths[0], out_channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        skips = []
        for stage in self.stages:
            x = stage(x)
            skips.append(x)
        x = self.reduce(self._attend(self.embed(x)))
        for decode, skip in zip(self.decode, reversed(skips), strict=True):
            x = decode(x, skip)
        return self.head(x)

    def _attend(self, x: Tensor) -> Tensor:
        """Let every token (B, hidden, d, h, w) see every other."""
        space = x.shape[2:]
        x = x + F.interpolate(self.positions, size=space, mode="trilinear", align_corners=True)
        x = self.norm(self.transformer(x.flatten(2).transpose(1, 2)))
        return x.transpose(1, 2).unflatten(2, space)
