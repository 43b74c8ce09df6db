"""The two backbones that MONAI does not have: TransUNet in 3D and nnU-Net's residual encoder."""

import pytest
import torch
from torch import nn

from MultimodalSegLib.networks.baselines.residual_encoder import ResidualEncoderUNet
from MultimodalSegLib.networks.baselines.transunet import TransUNet


def a_transunet() -> nn.Module:
    torch.manual_seed(0)
    return TransUNet(2, 3, widths=(4, 4, 8, 8), hidden=24, layers=2, heads=4, lattice=3)


def a_residual_encoder() -> nn.Module:
    torch.manual_seed(0)
    return ResidualEncoderUNet(2, 3, widths=(4, 8, 8), blocks=(1, 3, 2))


@pytest.mark.parametrize("build", [a_transunet, a_residual_encoder])
def test_the_answer_has_the_input_s_size_and_every_parameter_learns(build):
    network = build()
    logits = network(torch.randn(1, 2, 32, 48, 32))
    assert logits.shape == (1, 3, 32, 48, 32)
    logits.square().mean().backward()
    silent = [n for n, p in network.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert [name for name in silent if "cross_attn" not in name] == []  # a norm of MONAI's block that it does not use


def test_every_token_of_transunet_sees_every_other():
    network = a_transunet().eval()
    tokens = torch.randn(1, 24, 4, 2, 2)
    changed = tokens.clone()
    changed[..., 0, 0, 0] += torch.randn(24)
    moved = (network._attend(tokens) - network._attend(changed)).abs().amax((0, 1))
    assert (moved > 1e-6).all()


def test_a_token_of_transunet_knows_where_it_is():
    network = a_transunet().eval()
    tokens = network._attend(torch.zeros(1, 24, 4, 2, 2))
    assert (tokens[..., 0, 0, 0] - tokens[..., 3, 1, 1]).abs().max() > 1e-3


def test_the_residual_encoder_has_the_blocks_of_its_plan():
    with torch.device("meta"):
        network = ResidualEncoderUNet(4, 29)
    assert [len(stage) for stage in network.encode] == [1, 3, 4, 6, 6, 6]
    assert 95e6 < sum(p.numel() for p in network.parameters()) < 110e6  # nnU-Net's ResEnc L: 102 million
