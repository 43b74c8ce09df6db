"""Small networks in which nothing hides behind a zero initial value."""

import pytest
import torch

from MultimodalSegLib.networks.config import NetworkConfig, teacher
from MultimodalSegLib.networks.fusion_net import FusionNet

SMALL = {
    "widths": (8, 16, 16),
    "swin_from": 1,
    "swin_width": 8,
    "head_width": 4,
    "cross_width": 8,
    "radius_mm": 12.0,
}
"""The teacher in small: strides 2, 4 and 8; attention between modalities at 4 and 8, tokens 6 and 12 mm apart."""


def shaken(network: torch.nn.Module, amount: float = 0.1) -> torch.nn.Module:
    """As if trained: every parameter moved by chance."""
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(amount * torch.randn_like(parameter))
    return network


@pytest.fixture
def small_teacher() -> NetworkConfig:
    return teacher(2, 5, **SMALL)


@pytest.fixture
def a_network(small_teacher) -> FusionNet:
    """The teacher in small, in evaluation mode."""
    return shaken(FusionNet(small_teacher)).eval()
