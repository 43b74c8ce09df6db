"""HiResCAM: each place of a layer counts with its own gradient, not with the mean gradient of its channel."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from .gradcam import Attribution, Report, on_tile
from .layers import Layer, tapped
from .subject import Subject
from .targets import Target


def hirescam(
    subject: Subject, targets: Sequence[Target], layer: Layer, report: Report = lambda done: None
) -> list[Attribution]:
    """HiResCAM of each target.

    Behind a layer with instance normalization the gradient of a channel has a mean of nearly zero by construction, and
    Grad-CAM's weights are what the borders leave of it; gradients taken place by place do not suffer from that. In
    windows the shares of the answer are in the gradients already, so the maps of the windows are added.

    Args:
        subject: the network and the case.
        targets: what is explained.
        layer: whose channels are weighted; in the encoder there is a map for each modality too.
        report: told after each pass.

    Source: Draelos and Carin, Use HiResCAM instead of Grad-CAM for faithful explanations of convolutional neural
        networks, arXiv 2011.08891, 2020, equation 5.
    """
    network, steps = subject.network, len(subject.tiles) * len(targets)
    found: list[torch.Tensor | None] = [None] * len(targets)
    for n, tile in enumerate(subject.tiles):
        reached = [t for t, target in enumerate(targets) if target.within(tile) is not None]
        if not reached:
            continue
        with tapped(network, layer) as tap:
            answer = subject.answer(tile)
            for t in reached:
                score = targets[t].score(answer, tile)
                assert score is not None  # only targets that touch the tile are asked
                (gradient,) = torch.autograd.grad(score, tap.features, retain_graph=True)
                coarse = (gradient.float() * tap.features.detach().float()).sum(1).cpu()
                maps = found[t]
                if maps is None:
                    maps = found[t] = torch.zeros(len(coarse), *subject.images.shape[1:])
                maps[(slice(None), *tile.place)] += on_tile(coarse, tile, network)
                report((n * len(targets) + t + 1) / steps)
    del tap, answer
    report(1.0)
    return [
        Attribution(maps.sum(0), maps.clamp_min(0) if len(maps) > 1 else None)
        for maps in found
        if maps is not None  # the tiles cover every mask
    ]
