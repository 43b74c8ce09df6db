"""Published networks behind the call of the fusion network: modalities are channels from the first layer on."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .outputs import FusionOutput

LESION_BLOCK = 4
"""Edge in voxels of the blocks over which the lesion logit is averaged for the presence of any lesion."""

WEIGHT_STRIDE = 8
"""The fusion network tells its weights at this stride; so does early fusion, for callers that read them."""


class EarlyFusion(nn.Module):
    """Multi-channel early fusion around any backbone, so that a comparison compares fusion and nothing else.

    Each family of modalities has one channel: the mean of its present modalities, zeros if it has none. A second
    channel for each family says whether it is there (1 or 0 everywhere): without it a backbone could not tell an
    absent image from a flat one, which the fusion network is told. The order of modalities is of no account, and what
    is stored for an absent one is never read.

    The presence logit has no layer of its own: it is the largest mean of the lesion logit over blocks of
    ``LESION_BLOCK`` voxels an edge, so that a single voxel cannot claim a lesion. The weights are uniform over the
    present modalities: nothing was weighed.

    Args:
        backbone: maps (B, 2 * families, D, H, W) to (B, classes + 2, D, H, W); the last two channels become the
            logits of the left side and of lesion.
        families: number of modality families.
        classes: K, structures with background.
        stride: the backbone's sides are multiples of this; smaller volumes are padded with zeros and cut back.

    Shapes:
        images (B, M, D, H, W), present (B, M) bool, modality (B, M) int64; the spacing, which the fusion network can
        use, is of no account -> :class:`FusionOutput`.

    Example:
        >>> from torch import nn, ones, tensor, zeros
        >>> network = EarlyFusion(nn.Conv3d(4, 5, 1), families=2, classes=3, stride=1)
        >>> network(zeros(1, 1, 8, 8, 8), ones(1, 1) > 0, tensor([[1]])).structures.shape
        torch.Size([1, 3, 8, 8, 8])
    """

    def __init__(self, backbone: nn.Module, families: int, classes: int, stride: int) -> None:
        super().__init__()
        self.backbone, self.families, self.classes, self.stride = backbone, families, classes, stride

    def forward(
        self,
        images: Tensor,
        present: Tensor,
        modality: Tensor,
        spacing: Tensor | tuple[float, ...] | None = None,
    ) -> FusionOutput:
        present, modality = present.to(images.device), modality.to(images.device)
        depth, height, width = images.shape[2:]
        logits = self.backbone(self._padded(self.channels(images, present, modality)))[..., :depth, :height, :width]
        structures, side, lesion = logits.split([self.classes, 1, 1], dim=1)
        presence = F.avg_pool3d(lesion, LESION_BLOCK, ceil_mode=True, count_include_pad=False).amax((1, 2, 3, 4))
        return FusionOutput(structures, side, lesion, presence, uniform_weights(images, present))

    def channels(self, images: Tensor, present: Tensor, modality: Tensor) -> Tensor:
        """Mean image of each family, then its presence: (B, 2 * families, D, H, W)."""
        # where, not a product: an absent modality may hold NaN
        known = torch.where(present[:, :, None, None, None], images, 0.0)
        belongs = F.one_hot(modality, self.families).to(images.dtype) * present[..., None]  # (B, M, F)
        count = belongs.sum(1)  # (B, F)
        means = torch.einsum("bmdhw,bmf->bfdhw", known, belongs / count[:, None].clamp_min(1.0))
        there = (count > 0).to(images.dtype)[:, :, None, None, None].expand_as(means)
        return torch.cat([means, there], dim=1)

    def _padded(self, x: Tensor) -> Tensor:
        """At the far end, to multiples of the stride; at least two, for instance norm of one voxel is undefined."""
        missing = [max(-(-n // self.stride), 2) * self.stride - n for n in x.shape[2:]]
        return F.pad(x, [0, missing[2], 0, missing[1], 0, missing[0]])


def uniform_weights(images: Tensor, present: Tensor) -> Tensor:
    """The same weight for each present modality everywhere: (B, M, D/8, H/8, W/8), rounded up."""
    coarse = [-(-n // WEIGHT_STRIDE) for n in images.shape[2:]]
    weights = present / present.sum(1, keepdim=True).clamp_min(1)
    return weights[:, :, None, None, None].expand(-1, -1, *coarse)
