"""The network that adds detail."""

from dataclasses import replace

import pytest
import torch

from MultimodalSegLib.networks.build import build_network
from MultimodalSegLib.networks.detail_net import Conditions, DetailConfig, DetailNet
from Testing.enhancement.handmade import a_detail_network


def known(spacing: float = 5.0, family: int = 1, noise: float = 0.0) -> Conditions:
    return Conditions(torch.tensor([family]), torch.tensor([spacing]), torch.tensor([noise]))


def test_it_starts_by_adding_nothing() -> None:
    network = DetailNet(DetailConfig(2, (8, 8), 1))
    assert not network(torch.randn(1, 3, 8, 8, 8), torch.zeros(1), known()).any()


def test_what_is_told_changes_the_answer() -> None:
    network, images = a_detail_network(), torch.randn(1, 3, 8, 8, 8)
    for block in network.modules():
        if hasattr(block, "tell"):
            torch.nn.init.normal_(block.tell.weight, std=0.5)  # at the beginning it does not listen
    usual = network(images, torch.zeros(1), known())
    for time, told in ((0.5, known()), (0.0, known(3.0)), (0.0, known(family=0)), (0.0, known(noise=0.3))):
        assert not torch.allclose(usual, network(images, torch.tensor([time]), told), atol=1e-5)


def test_it_is_built_from_what_a_bundle_says() -> None:
    config = DetailConfig(2, (8, 16), 1, noise=0.0)
    built = build_network(config.to_dict())
    assert isinstance(built, DetailNet) and built.config == config and not config.is_flow and config.stride == 4


def test_a_bundle_from_before_lesions_were_painted_is_read_as_it_was_written() -> None:
    old = {name: value for name, value in DetailConfig(2).to_dict().items() if name not in ("images", "kinds")}
    assert DetailConfig.from_dict(old) == DetailConfig(2) and old["kind"] == "detail"


def test_one_that_paints_tells_kinds_of_lesions_apart() -> None:
    network = build_network(DetailConfig(2, (8, 8), 1, 8, 0.5, images=5, kinds=3).to_dict())
    torch.nn.init.normal_(network.head.weight, std=0.02)
    for block in network.modules():
        if hasattr(block, "tell"):
            torch.nn.init.normal_(block.tell.weight, std=0.5)
    images = torch.randn(1, 5, 8, 8, 8)
    first, second = (network(images, torch.zeros(1), replace(known(), kind=torch.tensor([n]))) for n in (0, 2))
    assert not torch.allclose(first, second, atol=1e-5)


@pytest.mark.parametrize("wrong", [{"families": 0}, {"widths": ()}, {"noise": 2.0}])
def test_impossible_values_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="below 1|not between"):
        DetailConfig(**{"families": 2, **wrong})  # type: ignore[arg-type]
