"""How much a linear layer can read out of a network's features as they are: a quick look at what was pre-trained.

A logistic regression from the features of all scales of the decoder at a voxel to its class. The network is not
trained, so that a fit takes seconds where fine-tuning takes minutes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from MultimodalSegLib.networks.fusion_net import FusionNet
from MultimodalSegLib.training.data.cache import PreparedCase
from MultimodalSegLib.training.validation import mean_over_samples, overlap

VOXELS = 1500
"""Drawn of each class and case; twice as many of the background."""

ITERATIONS = 60
DECAY = 1e-4


@torch.inference_mode()
def features_of(network: FusionNet, case: PreparedCase) -> Tensor:
    """Features (C, D, H, W) of the decoder at all scales, interpolated to the voxels of a case with one image."""
    image = torch.from_numpy(np.array(case.images, np.float32))[None]
    present, family = torch.ones(1, 1, dtype=torch.bool), torch.tensor([case.family])
    missing = [n for side in case.shape[::-1] for n in (0, -side % network.config.stride)]
    padded = F.pad(image, missing, value=case.low[0])
    decoded, _, _ = network.eval().decoded(padded, present, family)
    scales = [F.interpolate(x.float(), size=padded.shape[2:], mode="trilinear")[0] for x in decoded]
    return torch.cat(scales)[(slice(None), *(slice(side) for side in case.shape))]


def channels_of(case: PreparedCase) -> Tensor:
    """(D, H, W) int64 classes."""
    return torch.from_numpy(np.array(case.truth[0], np.int64))


def fitted(network: FusionNet, cases: Sequence[PreparedCase], classes: int, seed: int) -> torch.nn.Module:
    """A linear layer from standardized features (N, C) to classes, fitted to voxels of labelled cases."""
    generator = torch.Generator().manual_seed(seed)
    x, y = [], []
    for case in cases:
        features, channels = features_of(network, case).flatten(1).T, channels_of(case).flatten()
        for number in range(classes):
            places = (channels == number).nonzero()[:, 0]
            chosen = places[torch.randperm(len(places), generator=generator)[: VOXELS if number else 2 * VOXELS]]
            x.append(features[chosen])
            y.append(channels[chosen])
    features, channels = torch.cat(x).clone(), torch.cat(y)
    standardize = torch.nn.BatchNorm1d(features.shape[1], affine=False, momentum=None)
    features = standardize(features)
    layer = torch.nn.Linear(features.shape[1], classes)
    torch.nn.init.zeros_(layer.weight)
    torch.nn.init.zeros_(layer.bias)
    optimizer = torch.optim.LBFGS(layer.parameters(), max_iter=ITERATIONS)

    def loss() -> Tensor:
        optimizer.zero_grad()
        value = F.cross_entropy(layer(features), channels) + DECAY * layer.weight.square().sum()
        value.backward()
        return value

    optimizer.step(loss)
    return torch.nn.Sequential(standardize, layer).eval()


@torch.inference_mode()
def dice_of(network: FusionNet, layer: torch.nn.Module, cases: Sequence[PreparedCase], classes: int) -> list[float]:
    """Mean Dice of each class but the background, over the cases that hold it."""
    counts = []
    for case in cases:
        true = channels_of(case)
        predicted = layer(features_of(network, case).flatten(1).T).argmax(1).view(true.shape)
        counts.append(overlap(predicted, true, classes)[1:])
    return [float(x) for x in mean_over_samples(torch.stack(counts).double())]
