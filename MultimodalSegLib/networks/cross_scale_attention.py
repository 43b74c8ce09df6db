"""Modalities look at each other, across scales, no farther than a radius."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .positional_encoding import PhysicalPositionEncoding, token_centers

NEVER = -1e4
"""Added to the score of an excluded key: its weight is exactly 0, and the number exists in 16 bits."""


def masked_attention(query: Tensor, key: Tensor, value: Tensor, allowed: Tensor) -> Tensor:
    """softmax(Q K^T / sqrt(d) + M) V, where M excludes what is not allowed; zeros where nothing is allowed.

    Args:
        query: (B, heads, Q, d).
        key: (B, heads, K, d).
        value: (B, heads, K, d) finite.
        allowed: (B, Q, K) bool.
    """
    mask = torch.zeros(allowed.shape, dtype=query.dtype, device=query.device).masked_fill(~allowed, NEVER)
    answer = F.scaled_dot_product_attention(query, key, value, attn_mask=mask[:, None])
    return answer * allowed.any(-1)[:, None, :, None].to(answer.dtype)


def within(places: Tensor, radius_mm: float) -> Tensor:
    """Whether two of the places (N, 3) are at most so far apart: (N, N) bool."""
    distance = (places[:, None] - places[None, :]).square().sum(-1)
    return distance <= radius_mm**2


class CrossScaleAttention(nn.Module):
    """Each modality asks the others, at all given scales at once, what they see within a radius.

    One softmax runs over the tokens of all other modalities and scales. The way back starts at zero. Where no other is
    present or near, features come back as they are.

    Args:
        widths: channels of the features at each scale.
        strides: of these scales, in voxels of the network's input.
        width: channels of the tokens.
        heads: of the attention.
        radius_mm: how far apart the centers of two tokens may be.

    Shapes: features (B, M, C, d, h, w) of each scale, present (B, M) bool, spacing (3,) mm -> features likewise.

    Source: Vaswani et al., Attention is all you need, NeurIPS 2017, equation 1, with the additive mask M.
    """

    def __init__(self, widths: Sequence[int], strides: Sequence[int], width: int, heads: int, radius_mm: float) -> None:
        super().__init__()
        self.strides, self.heads, self.radius_mm = tuple(strides), heads, radius_mm
        self.embed = nn.ModuleList(nn.Sequential(nn.Linear(w, width), nn.LayerNorm(width)) for w in widths)
        self.position = PhysicalPositionEncoding(width)
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width)
        self.value = nn.Linear(width, width)
        self.back = nn.ModuleList(nn.Linear(width, w, bias=False) for w in widths)
        for parameter in self.back.parameters():
            nn.init.zeros_(parameter)

    def forward(self, features: Sequence[Tensor], present: Tensor, spacing: Tensor) -> list[Tensor]:
        if present.shape[1] == 1:
            return list(features)
        query, key, value, places = self._tokens(features, spacing)
        answer = self._ask(query, key, value, within(places, self.radius_mm), present)
        answer = answer.transpose(2, 3).flatten(3)  # (B, M, N, width)
        parts = answer.split([f.shape[3:].numel() for f in features], dim=2)
        return [
            f + back(part).transpose(2, 3).reshape(f.shape)
            for f, back, part in zip(features, self.back, parts, strict=True)
        ]

    def _tokens(self, features: Sequence[Tensor], spacing: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Queries, keys and values (B, M, heads, N, d) of the tokens of all scales, and their places (N, 3) in mm."""
        centers = [token_centers(f.shape[3:], s, spacing) for f, s in zip(features, self.strides, strict=True)]
        places = torch.cat([torch.stack(torch.meshgrid(*c, indexing="ij"), -1).flatten(0, 2) for c in centers])
        code = torch.cat([self.position(c) for c in centers])  # for N places (N, 3): (N, width)
        tokens = torch.cat(
            [embed(f.flatten(3).transpose(2, 3)) for embed, f in zip(self.embed, features, strict=True)], dim=2
        )  # (B, M, N, width)
        located = tokens + code
        query, key, value = (
            t.unflatten(3, (self.heads, -1)).transpose(2, 3)  # (B, M, heads, N, width / heads)
            for t in (self.query(located), self.key(located), self.value(tokens))
        )
        return query, key, value, places

    def weights(self, features: Sequence[Tensor], present: Tensor, spacing: Tensor) -> Tensor:
        """What each token's attention is, mean of the heads, for the same inputs as a pass; it takes N^2 memory.

        Returns:
            (B, M, N, M, N): of asking modality and token, on each modality and token; 0 on the own modality and beyond
            the radius. Tokens are those of the first scale, then of the next.
        """
        query, key, _, places = self._tokens(features, spacing)
        scores = torch.einsum("bahqd,bchkd->bhaqck", query, key) / query.shape[-1] ** 0.5
        m = present.shape[1]
        others = ~torch.eye(m, dtype=torch.bool, device=present.device)
        near = within(places, self.radius_mm)
        allowed = near[None, None, :, None, :] & others[None, :, None, :, None] & present[:, None, None, :, None]
        scores = scores.masked_fill(~allowed[:, None], NEVER)
        shares = scores.flatten(4).softmax(-1).view(scores.shape).mean(1)
        return shares * allowed

    def _ask(self, query: Tensor, key: Tensor, value: Tensor, near: Tensor, present: Tensor) -> Tensor:
        """Each modality's queries on the keys and values of the others: (B, M, heads, N, d)."""
        answers = []
        modalities = range(present.shape[1])
        for asking in modalities:
            others = [m for m in modalities if m != asking]
            allowed = near[None, :, None, :] & present[:, None, others, None]  # (B, N, M - 1, N)
            keys, values = (t[:, others].transpose(1, 2).flatten(2, 3) for t in (key, value))
            answers.append(masked_attention(query[:, asking], keys, values, allowed.flatten(2)))
        return torch.stack(answers, dim=1)
