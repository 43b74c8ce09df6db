"""Thinned networks: other answers by seed, the same one in all windows, and nothing left behind."""

import pytest
import torch
from torch import nn

from MultimodalSegLib.errors import InputError
from MultimodalSegLib.inference.uncertainty.dropout import dropout


def ask(network: nn.Module, images: torch.Tensor) -> torch.Tensor:
    with torch.inference_mode():
        return network(images, torch.tensor([[True]]), torch.tensor([[0]])).structures


def test_the_fusion_network_gives_other_answers_by_seed_and_is_itself_afterwards(a_random_model) -> None:
    network, images = a_random_model.network(), torch.randn(1, 1, 16, 16, 16)
    before = ask(network, images)
    with dropout(network, seed=1, rate=0.3):
        first = ask(network, images)
        again = ask(network, images)  # another window of the same sample
    with dropout(network, seed=2, rate=0.3):
        second = ask(network, images)
    assert torch.equal(first, again)
    assert not torch.allclose(first, before) and not torch.allclose(first, second)
    assert torch.equal(ask(network, images), before)


def test_layers_of_dropout_are_used_where_a_network_has_them() -> None:
    network, state = nn.Sequential(nn.Linear(4, 64), nn.Dropout(0.5), nn.BatchNorm1d(64)).eval(), torch.get_rng_state()
    given = torch.ones(2, 4)
    with dropout(network, seed=3):
        first = network(given)
        assert not network[2].training  # only what drops is switched on
    with dropout(network, seed=3):
        assert torch.equal(network(given), first)
    assert not torch.equal(network(given), first) and not network[1].training
    assert torch.equal(torch.get_rng_state(), state)


def test_a_network_that_cannot_be_thinned_says_so() -> None:
    with pytest.raises(InputError, match="no dropout"), dropout(nn.Linear(1, 1), seed=0):
        pass
