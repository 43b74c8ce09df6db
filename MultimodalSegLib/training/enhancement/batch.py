"""Patches of several volumes, together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ...networks.detail_net import Conditions
from .samples import DetailPair

LEAST_ERROR = 1e-3
"""Mean squared difference of truth and start below which a volume counts no more."""


@dataclass(frozen=True)
class DetailBatch:
    """Patches to learn from.

    Args:
        truth: (B, 1, d, h, w).
        start: (B, 1, d, h, w).
        distance: (B, d), millimetres to the nearest slice.
        known: conditions.
        weight: (B,), makes the loss 1 for a network that adds nothing: else CT, with its sharp edges of bone and air,
            would count ten times as much as MRI.
    """

    truth: Tensor
    start: Tensor
    distance: Tensor
    known: Conditions
    weight: Tensor

    def to(self, device: torch.device) -> DetailBatch:
        """The same on a device."""
        truth, start, distance = (part.to(device) for part in (self.truth, self.start, self.distance))
        return DetailBatch(truth, start, distance, self.known.to(device), self.weight.to(device))


def patches(pairs: Sequence[DetailPair], size: int, rng: np.random.Generator | None = None) -> DetailBatch:
    """One patch of each volume.

    Args:
        pairs: the volumes.
        size: voxels along the edge.
        rng: chooses the places; the middle without it.
    """
    parts = [_part(pair, size, rng) for pair in pairs]
    return DetailBatch(
        torch.stack([pair.truth[at] for pair, at in zip(pairs, parts, strict=True)])[:, None],
        torch.stack([pair.start[at] for pair, at in zip(pairs, parts, strict=True)])[:, None],
        torch.stack([pair.distance[at[0]] for pair, at in zip(pairs, parts, strict=True)]),
        Conditions(
            torch.tensor([pair.family for pair in pairs]),
            torch.tensor([pair.spacing for pair in pairs]),
            torch.tensor([pair.noise for pair in pairs]),
        ),
        1 / torch.tensor([max(pair.error, LEAST_ERROR) for pair in pairs]),
    )


def _part(pair: DetailPair, size: int, rng: np.random.Generator | None) -> tuple[slice, ...]:
    """Where the patch of a volume lies."""
    free = [n - size for n in pair.truth.shape]
    corner = [int(rng.integers(0, n + 1)) for n in free] if rng is not None else [n // 2 for n in free]
    return tuple(slice(c, c + size) for c in corner)
