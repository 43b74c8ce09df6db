"""Small networks and cases for the methods of explanation."""

import pytest
import torch
from torch import Tensor, nn

from MultimodalSegLib.explain.subject import Subject, tiles
from MultimodalSegLib.explain.targets import Target
from MultimodalSegLib.inference.windows import Engine
from MultimodalSegLib.networks.config import NetworkConfig
from MultimodalSegLib.networks.early_fusion import EarlyFusion
from MultimodalSegLib.networks.fusion_net import FusionNet

SIDES = (32, 24, 16)
CLASSES = 4
LESION = CLASSES + 1


def a_ball(sides=SIDES, radius: float = 4.0) -> Tensor:
    """A ball in the middle, bool."""
    axes = torch.meshgrid(*(torch.arange(n) - (n - 1) / 2 for n in sides), indexing="ij")
    return torch.stack(axes).square().sum(0) < radius**2


def a_subject(network: nn.Module, sides=SIDES, window=None, modalities: int = 2) -> Subject:
    """Random images with a bright ball, and a network asked about them with the processor in 32 bits."""
    images = torch.randn(modalities, *sides, generator=torch.Generator().manual_seed(1))
    images += 3 * a_ball(sides)
    engine = Engine(network.eval().requires_grad_(False), torch.device("cpu"), torch.float32)
    parts = tiles(sides, window or sides, 8)
    return Subject(engine, images, torch.arange(modalities), parts, (1.5, 1.5, 1.5))


def a_target(sides=SIDES, channel: int = LESION, rivals: int = 0) -> Target:
    return Target("Lesion", channel, rivals, a_ball(sides))


def pointwise_network() -> EarlyFusion:
    """Each voxel by itself, so that windows cannot change the answer; lesion follows brightness."""
    torch.manual_seed(0)
    backbone = nn.Sequential(nn.Conv3d(4, 6, 1), nn.LeakyReLU(0.1), nn.Conv3d(6, CLASSES + 2, 1))
    backbone[0].weight.data.abs_()
    backbone[2].weight.data[LESION].abs_()
    return EarlyFusion(backbone, families=2, classes=CLASSES, stride=1)


@pytest.fixture
def fusion_net() -> FusionNet:
    """A small network with every part that the shipped ones have."""
    torch.manual_seed(0)
    config = NetworkConfig(
        families=2, classes=CLASSES, widths=(8, 8, 16), swin_from=1, swin_width=8, head_width=8, groups=4,
        cross_scale=True, cross_width=16, deformable=False, encoder="dual", size_gate=True, deep_supervision=True,
    )  # fmt: skip
    network = FusionNet(config)
    for parameter in network.parameters():  # the ways back begin at zero: let every part take part
        if not parameter.any():
            nn.init.normal_(parameter, std=0.1)
    return network
