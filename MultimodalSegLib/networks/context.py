"""The second path of the encoder: few channels that see far, beside convolutions that see sharply."""

from __future__ import annotations

from monai.networks.nets.swin_unetr import PatchMergingV2
from torch import Tensor, nn

from .swin_stage import SwinStage


class ContextScale(nn.Module):
    """One scale of the path of tokens, and its exchange with the convolutional path in both directions.

    The way back starts at zero, so that training starts from the convolutions alone.

    Args:
        channels: of the convolutional features.
        width: of the tokens.
        heads: of their attention.
        window: tokens along a window's edge.
        first: whether there is no finer scale of tokens (of half the width).

    Shapes: features (N, channels, d, h, w) and tokens of the finer scale (N, 2d, 2h, 2w, width / 2) or None
    -> features and tokens (N, d, h, w, width).
    """

    def __init__(self, channels: int, width: int, heads: int, window: int, first: bool) -> None:
        super().__init__()
        self.merge = None if first else PatchMergingV2(width // 2)
        self.to_tokens = nn.Linear(channels, width)
        self.stage = SwinStage(width, heads, window)
        self.to_features = nn.Linear(width, channels)
        nn.init.zeros_(self.to_features.weight)
        nn.init.zeros_(self.to_features.bias)

    def forward(self, x: Tensor, tokens: Tensor | None) -> tuple[Tensor, Tensor]:
        local = self.to_tokens(x.permute(0, 2, 3, 4, 1))
        tokens = local if tokens is None or self.merge is None else local + self.merge(tokens)
        tokens = self.stage(tokens)
        return x + self.to_features(tokens).permute(0, 4, 1, 2, 3), tokens
