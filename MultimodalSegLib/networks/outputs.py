"""What the networks say of a volume."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor


class CoarseOutput(NamedTuple):
    """Logits at a coarser scale, for deep supervision; D, H, W as there, rounded up.

    Args:
        structures: (B, K, D, H, W).
        side: (B, 1, D, H, W), or (B, 0, D, H, W) for a network without this head.
        lesion: (B, 1, D, H, W), or (B, 0, D, H, W) for a network without this head.
    """

    structures: Tensor
    side: Tensor
    lesion: Tensor


class FusionOutput(NamedTuple):
    """What the network says of a volume.

    A head that the network does not have gives a tensor without elements, never None.

    Args:
        structures: (B, K, D, H, W) logits; channel 0 is background; left and right are one channel.
        side: (B, 1, D, H, W) logit that a voxel is on the patient's left; (B, 0, D, H, W) without this head.
        lesion: (B, 1, D, H, W) logit; (B, 0, D, H, W) without this head.
        presence: (B,) logit that there is any lesion; (0,) without the head of lesions.
        weights: (B, M, D/8, H/8, W/8) fusion weights, 0 to 1, summing to 1 over the present modalities; sides are
            rounded up.
        deep: logits at strides 4 and 8, in training of a network with deep supervision; else empty.
    """

    structures: Tensor
    side: Tensor
    lesion: Tensor
    presence: Tensor
    weights: Tensor
    deep: tuple[CoarseOutput, ...] = ()
