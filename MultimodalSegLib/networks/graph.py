"""A network as a plain graph of tensors, for engines that know neither dataclasses nor absent modalities."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .blocks import depth_to_space
from .fusion_net import FusionNet
from .inputs import cropped

RAW = ("structures", "side", "lesion", "presence", "weights")
LABELS = ("labels", "left", "lesion_probability", "presence", "weights")
HALF = ("half", "presence", "weights")
"""Names of a graph's outputs, in order."""


class RawGraph(nn.Module):
    """The network with every modality present.

    Args:
        network: any with the call of the fusion network.

    Shapes:
        images (1, M, D, H, W) float32, modality (1, M) int64 -> the tensors of :data:`RAW`, as in ``FusionOutput``.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor, modality: Tensor) -> tuple[Tensor, ...]:
        output = self.network(images, _all_present(images), modality)
        return output.structures, output.side, output.lesion, output.presence, output.weights


class LabelGraph(nn.Module):
    """The network with its answer read per voxel: two bytes and a probability where there were K + 2 logits.

    The fusion network's head works at half resolution and has 8 (K + 2) channels, one for each of the 2x2x2 voxels of
    a cube. It is run for one of them at a time, so that the logits of the whole volume never exist at once, and only
    the answers are put into place. Other networks answer at full resolution and are read there.

    Args:
        network: any with the call of the fusion network.

    Shapes:
        images (1, M, D, H, W) float32, modality (1, M) int64 -> labels (1, 1, D, H, W) uint8, the strongest structure;
        left (1, 1, D, H, W) uint8, 1 on the patient's left; lesion_probability (1, 1, D, H, W) float32;
        presence and weights as in ``FusionOutput``.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor, modality: Tensor) -> tuple[Tensor, ...]:
        if not isinstance(self.network, FusionNet):
            output = self.network(images, _all_present(images), modality)
            return *_read(output.structures, output.side, output.lesion), output.presence, output.weights
        network, sides = self.network, tuple(images.shape[2:])
        decoded, presence, weights = network.decoded(images, _all_present(images), modality)
        weight, bias = network.head.weight, network.head.bias
        assert bias is not None
        parts = [
            _read(*F.conv3d(decoded[0], weight[n::8], bias[n::8]).split(network.channels, dim=1)) for n in range(8)
        ]
        labels, left, lesion = (
            cropped(depth_to_space(torch.cat(kind, dim=1)), sides, 1) for kind in zip(*parts, strict=True)
        )
        return labels, left, lesion, presence, weights


class HalfResolutionGraph(nn.Module):
    """The fusion network up to its head, whose logits are not yet put into place.

    So the logits of the whole volume exist once, as 16-bit numbers; :func:`.blocks.depth_to_space` puts them into place
    channel by channel.

    Args:
        network: a fusion network.

    Shapes:
        images (1, M, D, H, W) float32, sides multiples of the stride; modality (1, M) int64 -> half (1, 8 C, D/2, H/2,
        W/2) float16, C = structures, side and lesion; presence and weights as in ``FusionOutput``, presence 0 for a
        network that does not say.
    """

    def __init__(self, network: FusionNet) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor, modality: Tensor) -> tuple[Tensor, ...]:
        decoded, presence, weights = self.network.decoded(images, _all_present(images), modality)
        said = presence if self.network.presence is not None else weights.new_zeros(1)
        return self.network.head(decoded[0]).half(), said, weights


def _all_present(images: Tensor) -> Tensor:
    return torch.ones(images.shape[:2], dtype=torch.bool, device=images.device)


def _read(structures: Tensor, side: Tensor, lesion: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Strongest structure, whether left, probability of lesion; from logits (1, C, ...) to (1, 1, ...)."""
    return structures.argmax(1, keepdim=True).to(torch.uint8), (side > 0).to(torch.uint8), lesion.sigmoid()
