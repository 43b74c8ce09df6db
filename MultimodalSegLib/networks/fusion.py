"""Fusion of any set of modalities: by weights that the network reads from the features, or simpler."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .blocks import exact_where_tiny
from .config import NetworkConfig


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

    Shapes: features (B, M, C, D, H, W), present (B, M) bool -> fused (B, C, D, H, W), weights (B, M, D, H, W); the
    family indices are not needed.
    """

    def __init__(self, channels: int, groups: int = 8) -> None:
        super().__init__()
        self.compare = nn.Conv3d(2 * channels, channels, 3, padding=1, groups=groups)
        self.score = nn.Conv3d(channels, 1, 1)
        nn.init.zeros_(self.score.weight)
        nn.init.zeros_(self.score.bias)  # type: ignore[arg-type]

    def forward(self, features: Tensor, present: Tensor, modality: Tensor | None = None) -> tuple[Tensor, Tensor]:
        b, m, c, *space = features.shape
        mask = present.view(b, m, 1, 1, 1, 1).to(features.dtype)
        if m == 1:
            return features[:, 0] * mask[:, 0], present.view(b, 1, 1, 1, 1).expand(b, 1, *space).float()
        parts = features.unbind(1)  # one after the other: the finest features are the largest of the whole network
        mean = weighted_sum(parts, mask) / mask.sum(1).clamp_min(1.0)
        scores = torch.stack([self._scores(part, mean) for part in parts], dim=1).float()
        weights = masked_softmax(scores, present)
        return weighted_sum(parts, weights[:, :, None].to(features.dtype)), weights

    def _scores(self, features: Tensor, mean: Tensor) -> Tensor:
        """(B, D, H, W) of one modality (B, C, D, H, W) beside the mean of all."""
        both = torch.stack([features, mean], dim=2).flatten(1, 2)  # a group sees a channel and that of the mean
        with exact_where_tiny(both) as both:
            scores: Tensor = self.score(F.leaky_relu(self.compare(both), 0.01))
        return scores[:, 0]


class MeanFusion(nn.Module):
    """Mean of the present modalities' features: the baseline of learned weights.

    Shapes: as :class:`GatedFusion`.
    """

    def forward(self, features: Tensor, present: Tensor, modality: Tensor | None = None) -> tuple[Tensor, Tensor]:
        weights = equal_weights(features, present)
        return weighted_sum(features.unbind(1), weights[:, :, None].to(features.dtype)), weights


class ConcatFusion(nn.Module):
    """A 1x1x1 convolution over the features of all families side by side: the usual early fusion.

    Modalities of one family share its place by their mean, and the place of an absent family is zero, so that the
    order of modalities is of no account here either. There are no weights to read out: they are given as equal.

    Shapes: as :class:`GatedFusion`, with family indices (B, M) int64.
    """

    def __init__(self, channels: int, families: int) -> None:
        super().__init__()
        self.families = families
        self.mix = nn.Conv3d(families * channels, channels, 1)

    def forward(self, features: Tensor, present: Tensor, modality: Tensor) -> tuple[Tensor, Tensor]:
        family = torch.arange(self.families, device=modality.device)
        member = ((modality[:, None] == family[:, None]) & present[:, None]).to(features.dtype)  # (B, families, M)
        share = member / member.sum(2, keepdim=True).clamp_min(1)
        places = torch.einsum("bfm,bmcdhw->bfcdhw", share, features).flatten(1, 2)
        return self.mix(places), equal_weights(features, present)


def weighted_sum(parts: Sequence[Tensor], weights: Tensor) -> Tensor:
    """Of modalities (B, C, D, H, W) with weights (B, M, ...) that fit each of them."""
    total = parts[0] * weights[:, 0]
    for part, weight in zip(parts[1:], weights.unbind(1)[1:], strict=True):
        total = total + part * weight
    return total


def equal_weights(features: Tensor, present: Tensor) -> Tensor:
    """The same weight (B, M, D, H, W) for every present modality."""
    b, m, _, *space = features.shape
    share = present.float() / present.sum(1, keepdim=True).clamp_min(1)
    return share.view(b, m, 1, 1, 1).expand(b, m, *space)


def fusion_layer(config: NetworkConfig, channels: int) -> nn.Module:
    """The fusion that a network is configured to have, for one scale."""
    if config.fusion == "gated":
        return GatedFusion(channels, config.groups)
    return MeanFusion() if config.fusion == "mean" else ConcatFusion(channels, config.families)
