"""Grad-CAM and Grad-CAM++ in three dimensions, for several targets at once and without seams between windows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from ..networks.fusion_net import FusionNet
from ..networks.inputs import pad_to_stride
from .layers import Layer, tapped
from .subject import Subject, Tile
from .targets import Target

Report = Callable[[float], None]
"""Takes the finished fraction, 0 to 1; may raise to stop."""


@dataclass(frozen=True)
class Attribution:
    """How much each place of the working grid speaks for a target.

    Args:
        signed: (D, H, W) float32, in the method's own unit; below 0 where a place speaks against the target.
        by_modality: (M, D, H, W) 0 or more, in the same unit, where the method tells modalities apart.
    """

    signed: Tensor
    by_modality: Tensor | None = None

    @property
    def whole(self) -> Tensor:
        """The map as it is shown, (D, H, W): what speaks against the target is 0."""
        return self.signed.clamp_min(0)

    def normalized(self) -> Attribution:
        """Divided by the largest value, so that 1 is the place that speaks most for the target.

        The maps of the modalities share one unit, their own largest value, and can be compared with one another; maps
        of different targets or methods cannot. A map without any positive value stays 0.
        """
        parts = self.by_modality
        return Attribution(_to_one(self.signed), None if parts is None else _to_one(parts))


def _to_one(values: Tensor) -> Tensor:
    top = float(values.max())
    return values / top if top > 0 else torch.zeros_like(values)


def gradcam(
    subject: Subject, targets: Sequence[Target], layer: Layer, report: Report = lambda done: None
) -> list[Attribution]:
    """Grad-CAM of each target.

    The weight of a channel is the mean gradient of the score over the layer, in windows over all of them, so that one
    weighting holds everywhere; the weighted sum of the channels is put together with the Gaussian shares of the windows
    before its negative part is cut off. One forward pass serves all targets; the backward passes end at the layer.

    Args:
        subject: the network and the case.
        targets: what is explained.
        layer: whose channels are weighted; in the encoder there is a map for each modality too.
        report: told after each pass.

    Source: Selvaraju et al., Grad-CAM, ICCV 2017, equations 1 and 2; the score as in
        :class:`~MultimodalSegLib.explain.targets.Target`.
    """

    def weigh(gradient: Tensor, features: Tensor) -> Tensor:
        return gradient.mean((2, 3, 4))

    return _weighted(subject, targets, layer, weigh, report)


def gradcam_plus_plus(
    subject: Subject, targets: Sequence[Target], layer: Layer, report: Report = lambda done: None
) -> list[Attribution]:
    """Grad-CAM++ of each target: only positive gradients count, and weakly activated places count more.

    In windows, too, one weighting holds everywhere; it is near that of one shot, not equal, as the weights are no
    linear function of the gradient. The sum of a channel's activations is the mean over the windows times the voxels of
    the layer.

    Args:
        subject: as for :func:`gradcam`.
        targets: as for :func:`gradcam`.
        layer: as for :func:`gradcam`.
        report: as for :func:`gradcam`.

    Source: Chattopadhay et al., Grad-CAM++, WACV 2018, equations 10 and 19.
    """
    totals = _activation(subject, layer)

    def weigh(gradient: Tensor, features: Tensor) -> Tensor:
        square = gradient.square()
        below = 2 * square + totals[..., None, None, None] * square * gradient
        alpha = torch.where(below != 0, square / torch.where(below != 0, below, 1.0), 0.0)
        return (alpha * gradient.clamp_min(0)).mean((2, 3, 4))

    return _weighted(subject, targets, layer, weigh, report)


Weigh = Callable[[Tensor, Tensor], Tensor]
"""From gradient and features (n, C, d, h, w), float32, to weights (n, C), a mean over the places."""


def _weighted(
    subject: Subject, targets: Sequence[Target], layer: Layer, weigh: Weigh, report: Report
) -> list[Attribution]:
    network, steps = subject.network, len(subject.tiles) * (len(targets) + 1)
    weights: list[Tensor | None] = [None] * len(targets)
    kept: list[Tensor] = []
    for n, tile in enumerate(subject.tiles):
        with tapped(network, layer) as tap:
            answer = subject.answer(tile)
            features = tap.features.detach().float()
            for t, target in enumerate(targets):
                report((n * (len(targets) + 1) + t + 1) / steps)
                score = target.score(answer, tile)
                if score is None:
                    continue
                (gradient,) = torch.autograd.grad(score, tap.features, retain_graph=True)
                mean, so_far = weigh(gradient.float(), features), weights[t]
                weights[t] = mean if so_far is None else so_far + mean
        kept.append(features)
    del tap, answer
    found = []
    for weight in weights:
        assert weight is not None  # the tiles cover every mask
        maps = torch.zeros(len(weight), *subject.images.shape[1:])
        for tile, features in zip(subject.tiles, kept, strict=True):
            coarse = torch.einsum("nc,ncdhw->ndhw", weight / len(subject.tiles), features)
            maps[(slice(None), *tile.place)] += tile.weight * on_tile(coarse.cpu(), tile, network)
        found.append(Attribution(maps.sum(0), maps.clamp_min(0) if len(maps) > 1 else None))
    report(1.0)
    return found


@torch.no_grad()
def _activation(subject: Subject, layer: Layer) -> Tensor:
    """Sum (n, C) of the layer's activations over the whole case."""
    means, places = [], 0.0
    for tile in subject.tiles:
        with tapped(subject.network, layer) as tap, torch.no_grad():
            subject.answer(tile)
        means.append(tap.features.detach().float().mean((2, 3, 4)))
        places = tap.features[0, 0].numel() / tile.weight.numel()
    return torch.stack(means).mean(0) * places * subject.images[0].numel()


def on_tile(coarse: Tensor, tile: Tile, network: torch.nn.Module) -> Tensor:
    """Maps (n, d, h, w) of any scale of the network on the voxels of a tile, by linear interpolation."""
    sides = tile.weight.shape
    stride = network.config.stride if isinstance(network, FusionNet) else 1
    padded = pad_to_stride(torch.empty(1, 1, *sides, device="meta"), stride).shape[2:]
    fine = F.interpolate(coarse[None], list(padded), mode="trilinear", align_corners=False)[0]
    return fine[:, : sides[0], : sides[1], : sides[2]]
