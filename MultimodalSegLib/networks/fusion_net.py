"""The fusion network: one encoder for every modality, learned fusion at each scale, one decoder."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from .blocks import ModalityModulation, ResidualBlock, depth_to_space, space_to_depth
from .fusion import GatedFusion


class FusionOutput(NamedTuple):
    """What the network says of a volume.

    Args:
        structures: (B, K, D, H, W) logits; channel 0 is background; left and right are one channel.
        side: (B, 1, D, H, W) logit that a voxel is on the patient's left.
        lesion: (B, 1, D, H, W) logit.
        presence: (B,) logit that there is any lesion.
        weights: (B, M, D/8, H/8, W/8) fusion weights, 0 to 1, summing to 1 over the present modalities.
    """

    structures: Tensor
    side: Tensor
    lesion: Tensor
    presence: Tensor
    weights: Tensor


class FusionNet(nn.Module):
    """Segment from any non-empty set of modalities.

    The trunk works at half the input resolution (space-to-depth in, depth-to-space out). Modalities are folded into
    the batch, share all weights and are told apart by :class:`ModalityModulation`; only present ones are computed.

    Args:
        families: number of modality families (CT, MR, ...).
        classes: K, structures with background.
        widths: channels at strides 2, 4, 8, 16, 32 of the input.
        recompute: trade time for memory in training.

    Shapes:
        images (B, M, D, H, W) normalized intensities, D, H, W multiples of ``2 ** len(widths)``;
        present (B, M) bool; modality (B, M) int64 family indices -> :class:`FusionOutput`.
    """

    def __init__(self, families: int, classes: int, widths: Sequence[int], recompute: bool = False) -> None:
        super().__init__()
        self.classes, self.recompute = classes, recompute
        self.stem = nn.Conv3d(8, widths[0], 3, padding=1)
        before = [widths[0], *widths[:-1]]
        self.down = nn.ModuleList(
            nn.Conv3d(i, o, 2, stride=2) if n else nn.Identity()
            for n, (i, o) in enumerate(zip(before, widths, strict=True))
        )
        self.modulate = nn.ModuleList(ModalityModulation(families, w) for w in widths)
        self.encode = nn.ModuleList(ResidualBlock(w, w) for w in widths)
        self.fuse = nn.ModuleList(GatedFusion(w) for w in widths)
        pairs = list(zip(widths[:-1], widths[1:], strict=True))
        self.up = nn.ModuleList(nn.ConvTranspose3d(coarse, fine, 2, stride=2) for fine, coarse in pairs)
        self.decode = nn.ModuleList(ResidualBlock(2 * fine, fine) for fine, _ in pairs)
        self.head = nn.Conv3d(widths[0], 8 * (classes + 2), 1)
        self.presence = nn.Linear(2 * widths[-1], 1)

    def forward(self, images: Tensor, present: Tensor, modality: Tensor) -> FusionOutput:
        x, presence, weights = self.before_head(images, present, modality)
        structures, side, lesion = depth_to_space(self.head(x)).split([self.classes, 1, 1], dim=1)
        return FusionOutput(structures, side, lesion, presence, weights)

    def before_head(self, images: Tensor, present: Tensor, modality: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Decoded features (B, C, D/2, H/2, W/2), presence logit (B,) and the fusion weights that are told."""
        features = self._encode(images[present][:, None], modality[present], present)
        fused, weights = [], []
        for fuse, f in zip(self.fuse, features, strict=True):
            mixed, weight = fuse(f, present)
            fused.append(mixed)
            weights.append(weight)
        x = fused[-1]
        pooled = torch.cat([x.mean((2, 3, 4)), x.amax((2, 3, 4))], dim=1)
        presence = self.presence(pooled).squeeze(1)
        for level in reversed(range(len(self.up))):
            x = torch.cat([self.up[level](x), fused[level]], dim=1)
            x = self._run(self.decode[level], x)
        return x, presence, weights[2]

    def _encode(self, x: Tensor, family: Tensor, present: Tensor) -> list[Tensor]:
        """Features (B, M, C, d, h, w) at each scale; absent modalities are zeros that no one reads."""
        x = self.stem(space_to_depth(x))
        scales = []
        for down, modulate, encode in zip(self.down, self.modulate, self.encode, strict=True):
            x = self._run(encode, modulate(down(x), family))
            if bool(present.all()):
                scales.append(x.view(*present.shape, *x.shape[1:]))
            else:
                full = x.new_zeros(*present.shape, *x.shape[1:])
                full[present] = x
                scales.append(full)
        return scales

    def _run(self, block: nn.Module, x: Tensor) -> Tensor:
        if self.recompute and self.training:
            return checkpoint(block, x, use_reentrant=False)
        return block(x)
