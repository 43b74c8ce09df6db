"""Fusion of any set of modalities by weights that the network reads from the features."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .blocks import exact_where_tiny


def masked_softmax(scores: Tensor, present: Tensor) -> Tensor:
    """Softmax over modalities (dim 1) in which absent ones get exactly 0.

    Args:
        scores: (B, M, ...) finite.
        present: (B, M) bool; a row without any modality gives zeros, not NaN.
    """
    mask = present.view(*present.shape, *([1] * (scores.dim() - 2)))
    scores = scores.masked_fill(~mask, float("-inf"))
    top = scores.amax(dim=1, keepdim=True)
    weights = torch.exp(scores - torch.where(torch.isfinite(top), top, torch.zeros_like(top)))
    return weights / weights.sum(dim=1, keepdim=True).clamp_min(1e-12)


class GatedFusion(nn.Module):
    """Weighted mean of the modalities' features; one weight per modality and voxel.

    The weight of a modality is read from its own features beside the mean of all present ones (a grouped 3x3x3
    convolution, then 1x1x1), so that the order of modalities is of no account and an absent one has no influence.

    Shapes: features (B, M, C, D, H, W), present (B, M) bool -> fused (B, C, D, H, W), weights (B, M, D, H, W).
    """

    def __init__(self, channels: int, groups: int = 8) -> None:
        super().__init__()
        self.compare = nn.Conv3d(2 * channels, channels, 3, padding=1, groups=groups)
        self.score = nn.Conv3d(channels, 1, 1)
        nn.init.zeros_(self.score.weight)
        nn.init.zeros_(self.score.bias)  # type: ignore[arg-type]

    def forward(self, features: Tensor, present: Tensor) -> tuple[Tensor, Tensor]:
        b, m, c, *space = features.shape
        mask = present.view(b, m, 1, 1, 1, 1).to(features.dtype)
        if m == 1:
            return features[:, 0] * mask[:, 0], present.view(b, 1, 1, 1, 1).expand(b, 1, *space).float()
        mean = (features * mask).sum(1) / mask.sum(1).clamp_min(1.0)
        # groups must see a modality's channel beside the mean's channel: interleave the two
        both = torch.stack([features, mean[:, None].expand_as(features)], dim=3).reshape(b * m, 2 * c, *space)
        with exact_where_tiny(both) as both:
            scores = self.score(F.leaky_relu(self.compare(both), 0.01)).view(b, m, *space).float()
        weights = masked_softmax(scores, present)
        fused = (features * weights[:, :, None].to(features.dtype)).sum(1)
        return fused, weights
