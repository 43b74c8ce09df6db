"""Where the network's attention between modalities looked when it asked about a target."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from ..errors import InputError
from ..networks.cross_scale_attention import CrossScaleAttention
from ..networks.fusion_net import FusionNet
from .gradcam import Attribution, Report, on_tile
from .subject import Subject, Tile
from .targets import Target


@torch.no_grad()
def attention(subject: Subject, target: Target, report: Report = lambda done: None) -> Attribution:
    """How much attention each place of each modality gets from the target's tokens in the other modalities.

    Weights are means over heads, asking modalities and the tokens of the finer scale that the target fills, each by how
    far it does. They show where was looked, not what it meant for the answer (Jain and Wallace, NAACL 2019).

    Args:
        subject: the network and the case.
        target: what is explained.
        report: told after each tile.

    Raises:
        InputError: the network has no attention between modalities, or there is only one modality.
    """
    network, count = subject.network, len(subject.images)
    cross = network.cross if isinstance(network, FusionNet) else None
    if not isinstance(cross, CrossScaleAttention):
        raise InputError("This model has no attention between modalities.", "Choose gradcam, or another model.")
    if count < 2:
        raise InputError("With one modality there is no attention between modalities.", "Choose gradcam.")
    maps = torch.zeros(count, *subject.images.shape[1:])
    for n, tile in enumerate(subject.tiles):
        found = target.within(tile)
        if found is not None:
            share = torch.zeros(tile.weight.shape)
            share[found[0]] = found[1]
            coarse = _looks(subject, tile, cross, share)
            maps[(slice(None), *tile.place)] += sum(on_tile(scale, tile, network) for scale in coarse)
        report((n + 1) / len(subject.tiles))
    return Attribution(maps.sum(0), maps)


def _looks(subject: Subject, tile: Tile, cross: CrossScaleAttention, share: Tensor) -> list[Tensor]:
    """Attention (M, d, h, w) that each scale's tokens get from the tokens where the target is."""
    caught: list[Any] = []
    handle = cross.register_forward_pre_hook(lambda module, inputs: caught.append(inputs))
    try:
        subject.answer(tile)
    finally:
        handle.remove()
    features, present, spacing = caught[0]
    sides = features[0].shape[3:]
    stride = cross.strides[0]
    padded = F.pad(
        share, [n for s, p in reversed([*zip(share.shape, sides, strict=True)]) for n in (0, p * stride - s)]
    )
    asking = F.avg_pool3d(padded[None], stride).flatten()  # tokens of the finer scale
    weights = cross.weights([f.float() for f in features], present, spacing)[0]  # (M, N, M, N)
    looks = torch.einsum("n,anbk->bk", asking.to(weights.device), weights[:, : len(asking)]).cpu()
    parts = looks.split([f.shape[3:].numel() for f in features], dim=1)
    return [
        part.reshape(len(part), *f.shape[3:]) / f.shape[3:].numel() for part, f in zip(parts, features, strict=True)
    ]
