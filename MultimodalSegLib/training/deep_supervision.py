"""The coarse answers of the network against the truth at their own resolution.

After Lee et al., "Deeply-supervised nets" (AISTATS 2015): the deeper layers get a short way to the truth. A coarse
voxel has the structure and side at its centre, so that thin structures stay; it holds a lesion if any of its voxels
does, so that small ones stay.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional as F

from .samples import Sample


class CoarseAnswer(Protocol):
    """Logits at a fraction of the resolution: (B, K, d, h, w), (B, 1, d, h, w), (B, 1, d, h, w)."""

    @property
    def structures(self) -> Tensor: ...

    @property
    def side(self) -> Tensor: ...

    @property
    def lesion(self) -> Tensor: ...


def coarse_sample(sample: Sample, size: Sequence[int]) -> Sample:
    """The truth of a sample on a grid of ``size`` voxels over the same field of view; images stay as they are."""
    shape = tuple(size)
    channel = F.interpolate(sample.channel[:, None].float(), size=shape, mode="nearest-exact")[:, 0]
    side = F.interpolate(sample.side.float(), size=shape, mode="nearest-exact")
    lesion = F.adaptive_max_pool3d(sample.lesion, shape)
    return Sample(sample.images, sample.family, channel.to(torch.int64), side.to(torch.int8), lesion)
