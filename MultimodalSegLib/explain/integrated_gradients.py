"""Integrated gradients: what each voxel of the input adds on the way from a blurred image to the image."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from .gradcam import Attribution, Report
from .subject import Answer, Subject, Tile
from .targets import Target

STEPS = 8
"""Points on the way; each is a forward and a backward pass through the whole network."""


def integrated_gradients(
    subject: Subject,
    target: Target,
    baseline: Tensor,
    steps: int = STEPS,
    report: Report = lambda done: None,
) -> Attribution:
    """Integrated gradients of the target's score, positive part, by modality and as their sum.

    Args:
        subject: the network and the case.
        target: what is explained.
        baseline: (M, D, H, W) images that show nothing of the target, such as blurred ones.
        steps: Gauss-Legendre points between baseline and images.
        report: told after each pass.

    Source: Sundararajan et al., Axiomatic attribution for deep networks, ICML 2017, equation 1.
    """
    signed = signed_integrated_gradients(subject, target, baseline, steps, report)
    return Attribution(signed.sum(0), signed.clamp_min(0) if len(signed) > 1 else None)


def signed_integrated_gradients(
    subject: Subject,
    target: Target,
    baseline: Tensor,
    steps: int = STEPS,
    report: Report = lambda done: None,
) -> Tensor:
    """As :func:`integrated_gradients`, (M, D, H, W) with its sign: the sum is the score less that of the baseline."""
    points, shares = np.polynomial.legendre.leggauss(steps)
    gradients = torch.zeros_like(subject.images)
    tiles = [tile for tile in subject.tiles if target.within(tile) is not None]
    for n, (point, share) in enumerate(zip((1 + points) / 2, shares / 2, strict=True)):
        between = subject.with_images(baseline + float(point) * (subject.images - baseline))
        for t, tile in enumerate(tiles):
            gradients[(slice(None), *tile.place)] += float(share) * _input_gradient(between, target, tile)
            report((n * len(tiles) + t + 1) / (steps * len(tiles)))
    return gradients * (subject.images - baseline)


def _input_gradient(subject: Subject, target: Target, tile: Tile) -> Tensor:
    """Gradient (M, d, h, w) of the tile's part of the score."""
    images = subject.seen(tile).requires_grad_()
    score = target.score(Answer(subject.engine, images, subject.family), tile)
    assert score is not None  # only tiles that the target touches are asked
    (gradient,) = torch.autograd.grad(score, images)
    return gradient.cpu()
