"""Patches around lesions, together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ...enhancement.intensities import noise_level
from ...networks.detail_net import Conditions
from ...painting.canvas import paint_weight, without_region
from ...painting.flow import OTHER
from ...synthesis.lesion_looks import KINDS
from ..samples import FAMILIES
from .scenes import Scene

LEAST_ERROR = 0.02
"""Mean squared difference of lesion and continued surroundings below which a patch counts no more."""


@dataclass(frozen=True)
class PaintBatch:
    """Patches to learn from.

    Args:
        truth: (B, 1, d, h, w), with the lesion.
        start: same shape, without the region that is painted.
        weight: same shape, how much of each voxel is painted.
        others: (B, 3, d, h, w): mask, another scan, what that is.
        known: conditions.
    """

    truth: Tensor
    start: Tensor
    weight: Tensor
    others: Tensor
    known: Conditions

    def to(self, device: torch.device) -> PaintBatch:
        """The same on a device."""
        truth, start, weight, others = (part.to(device) for part in (self.truth, self.start, self.weight, self.others))
        return PaintBatch(truth, start, weight, others, self.known.to(device))

    def errors(self, change: Tensor) -> Tensor:
        """Mean squared error (B,) of an answer (B, 1, d, h, w) in the region that is painted."""
        squared = (change - (self.truth - self.start)).square()
        return (squared * self.weight).sum((1, 2, 3, 4)) / self.weight.sum((1, 2, 3, 4)).clamp(min=1)

    def unpainted(self) -> Tensor:
        """The same (B,) of the continued surroundings, but no less than :data:`LEAST_ERROR`."""
        return self.errors(torch.zeros_like(self.start)).clamp(min=LEAST_ERROR)


def patches(scenes: Sequence[Scene], size: int, other_chance: float, rng: np.random.Generator) -> PaintBatch:
    """One patch of one scan of each scene, around a voxel of its lesion.

    Args:
        scenes: with lesions.
        size: voxels along the edge.
        other_chance: how often another scan of the patient is shown, where there is one.
        rng: source of every choice.
    """
    drawn = [_patch(scene, size, other_chance, rng) for scene in scenes]
    truth, start, weight, others, family, noise = zip(*drawn, strict=True)
    return PaintBatch(
        _stacked(truth)[:, None],
        _stacked(start)[:, None],
        _stacked(weight)[:, None],
        _stacked(others),
        Conditions(
            torch.tensor(family),
            torch.tensor([scene.spacing for scene in scenes], dtype=torch.float32),
            torch.tensor(noise, dtype=torch.float32),
            torch.tensor([KINDS.index(scene.kind) for scene in scenes]),
        ),
    )


def _patch(
    scene: Scene, size: int, other_chance: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, int, float]:
    """Truth, start, weight, others, family and noise of one patch."""
    first, *rest = rng.permutation(len(scene.images))
    other = rest[0] if rest and rng.random() < other_chance else None
    where = np.argwhere(scene.mask)
    middle = where[rng.integers(len(where))] + rng.integers(-size // 5, size // 5 + 1, 3)
    corner = np.clip(middle - size // 2, 0, np.asarray(scene.mask.shape) - size)
    part = tuple(slice(int(c), int(c) + size) for c in corner)
    truth, mask = scene.images[first][part], scene.mask[part]
    weight = paint_weight(mask)
    start = without_region(truth, weight)
    seen = np.zeros_like(truth) if other is None else scene.images[other][part]
    what = np.full_like(truth, OTHER[None if other is None else scene.families[other]])
    family = FAMILIES.index(scene.families[first])
    return truth, start, weight, np.stack([mask.astype(np.float32), seen, what]), family, noise_level(start)


def _stacked(arrays: Sequence[np.ndarray]) -> Tensor:
    return torch.from_numpy(np.stack(arrays).astype(np.float32, copy=False))
