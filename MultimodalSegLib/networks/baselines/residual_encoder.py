"""nnU-Net's residual-encoder U-Net: many residual blocks on the way down, one convolution a scale on the way up."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from monai.networks.blocks.convolutions import Convolution
from monai.networks.blocks.dynunet_block import UnetResBlock
from torch import Tensor, nn

NORM = ("INSTANCE", {"affine": True})
ACTIVATION = ("leakyrelu", {"negative_slope": 0.01, "inplace": True})


class ResidualEncoderUNet(nn.Module):
    """U-Net whose encoder is deep and whose decoder is thin.

    The default is the plan "ResEnc L"; the shortcut of a strided block is a strided 1x1x1 convolution (MONAI's block)
    where nnU-Net pools before it.

    Args:
        in_channels: of the input.
        out_channels: of the logits.
        widths: channels of each scale.
        blocks: residual blocks of each scale.

    Shapes:
        (B, in, D, H, W) -> (B, out, D, H, W); sides are multiples of ``2 ** (len(widths) - 1)``.

    Source:
        Isensee et al., nnU-Net Revisited, MICCAI 2024; block numbers and widths are those of its ResEnc presets.

    Example:
        >>> network = ResidualEncoderUNet(1, 3, widths=(4, 8), blocks=(1, 2))
        >>> network(torch.zeros(1, 1, 8, 8, 8)).shape
        torch.Size([1, 3, 8, 8, 8])
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        widths: Sequence[int] = (32, 64, 128, 256, 320, 320),
        blocks: Sequence[int] = (1, 3, 4, 6, 6, 6),
    ) -> None:
        super().__init__()
        self.stem = _convolution(in_channels, widths[0])
        before = [widths[0], *widths[:-1]]
        self.encode = nn.ModuleList(
            nn.Sequential(
                UnetResBlock(3, i, o, kernel_size=3, stride=2 if n else 1, norm_name=NORM),
                *(UnetResBlock(3, o, o, kernel_size=3, stride=1, norm_name=NORM) for _ in range(count - 1)),
            )
            for n, (i, o, count) in enumerate(zip(before, widths, blocks, strict=True))
        )
        pairs = list(zip(reversed(widths[1:]), reversed(widths[:-1]), strict=True))
        self.up = nn.ModuleList(nn.ConvTranspose3d(coarse, fine, 2, stride=2) for coarse, fine in pairs)
        self.decode = nn.ModuleList(_convolution(2 * fine, fine) for _, fine in pairs)
        self.head = nn.Conv3d(widths[0], out_channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        skips = []
        for encode in self.encode:
            x = encode(x)
            skips.append(x)
        for up, decode, skip in zip(self.up, self.decode, reversed(skips[:-1]), strict=True):
            x = decode(torch.cat([up(x), skip], dim=1))
        return self.head(x)


def _convolution(in_channels: int, out_channels: int) -> nn.Module:
    return Convolution(3, in_channels, out_channels, kernel_size=3, norm=NORM, act=ACTIVATION)
