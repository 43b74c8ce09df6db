"""The path of tokens beside the convolutions."""

import torch

from MultimodalSegLib.networks.context import ContextScale

from .conftest import shaken


def test_training_starts_from_the_convolutions_alone():
    x = torch.randn(2, 6, 4, 4, 4)
    features, tokens = ContextScale(6, 8, 2, 4, first=True)(x, None)
    assert torch.equal(features, x)
    assert tokens.shape == (2, 4, 4, 4, 8)


def test_features_and_finer_tokens_both_reach_both_paths():
    scale = shaken(ContextScale(6, 8, 2, 4, first=False), 0.3)
    x = torch.randn(1, 6, 2, 2, 2, requires_grad=True)
    finer = torch.randn(1, 4, 4, 4, 4, requires_grad=True)
    for answer in scale(x, finer):
        for found in torch.autograd.grad(answer.square().sum(), [x, finer], retain_graph=True):
            assert found.abs().sum() > 0
