"""The network that answers clicks: any number of modalities, and a trunk that stays as it is."""

import pytest
import torch

from MultimodalSegLib.networks.build import build_network
from MultimodalSegLib.networks.click_net import GUIDANCE, ClickConfig, ClickNet
from MultimodalSegLib.networks.config import NetworkConfig

CONFIG = ClickConfig(NetworkConfig(2, 3, widths=(8, 16), side=False, lesion=False), (8, 16), 8)


@pytest.fixture(scope="module")
def a_network() -> ClickNet:
    torch.manual_seed(0)
    return ClickNet(CONFIG).eval()


def inputs(modalities: int, size: int = 16) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    torch.manual_seed(1)
    half = size // 2
    return (
        torch.randn(2, modalities, 3, size, size, size),
        torch.randn(2, 8 + 2, half, half, half),
        torch.rand(2, GUIDANCE, size, size, size),
    )


@pytest.mark.parametrize("modalities", [1, 2, 3])
def test_one_logit_for_each_voxel_whatever_the_number_of_modalities(a_network: ClickNet, modalities: int) -> None:
    logits = a_network(*inputs(modalities))
    assert logits.shape == (2, 1, 16, 16, 16)
    assert torch.isfinite(logits).all()


def test_the_order_of_the_modalities_does_not_count(a_network: ClickNet) -> None:
    looks, features, guidance = inputs(3)
    torch.testing.assert_close(
        a_network(looks, features, guidance), a_network(looks[:, [2, 0, 1]], features, guidance), rtol=1e-4, atol=1e-5
    )


def test_the_trunk_gets_no_gradient_and_the_whole_head_does(a_network: ClickNet) -> None:
    a_network(*inputs(2)).square().mean().backward()
    assert all(p.grad is None for p in a_network.trunk.parameters())
    assert all(p.grad is not None for p in a_network.head.parameters())


def test_its_metadata_build_the_same_network(a_network: ClickNet) -> None:
    again = build_network(CONFIG.to_dict())
    again.load_state_dict(a_network.state_dict())
    torch.testing.assert_close(again.eval()(*inputs(1)), a_network(*inputs(1)))


@pytest.mark.parametrize("widths", [(), (8,), (8, 0)])
def test_impossible_widths_are_refused(widths: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="widths"):
        ClickConfig(CONFIG.trunk, widths)
