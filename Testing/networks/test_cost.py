"""Parameters and multiply-adds are counted right, attention with them, and without computing anything."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from MultimodalSegLib.networks.build import build_network
from MultimodalSegLib.networks.config import VARIANTS
from MultimodalSegLib.networks.cost import multiply_adds, network_entry, network_names, parameters, without_values


class ConvolutionAndAttention(nn.Module):
    """Its multiply-adds can be counted by hand."""

    def __init__(self):
        super().__init__()
        self.grouped = nn.Conv3d(2, 4, 3, padding=1, groups=2)

    def forward(self, images, present, modality):
        tokens = self.grouped(images).flatten(2).transpose(1, 2)  # (1, N, 4)
        return F.scaled_dot_product_attention(tokens, tokens, tokens)


def test_multiply_adds_are_those_counted_by_hand():
    n = 4 * 6 * 8
    convolution = n * 4 * (2 // 2) * 27
    attention = 2 * n * n * 4  # scores, and the mean of the values
    with torch.device("meta"):
        network = ConvolutionAndAttention()
    assert multiply_adds(network, (4, 6, 8), 2) == convolution + attention
    assert parameters(network) == 4 * 27 + 4


@pytest.mark.parametrize("modalities", [1, 2])
def test_a_network_without_values_costs_what_the_real_one_does(modalities):
    entry = network_entry("student")
    network = build_network(entry).eval()
    present = torch.ones(1, modalities, dtype=torch.bool)
    # the processor's own attention in one step is not in torch's table of costs
    with torch.inference_mode(), sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        network(torch.randn(1, modalities, 32, 32, 64), present, torch.zeros(1, modalities, dtype=torch.int64))
    hollow = without_values(entry)
    assert multiply_adds(hollow, (32, 32, 64), modalities) == counter.get_total_flops() // 2 > 1e8
    assert parameters(hollow) == parameters(network)


def test_what_a_variant_leaves_out_is_seen_in_its_cost():
    hollow = {name: without_values(network_entry(name)) for name in ("teacher", "student", *VARIANTS)}
    count = {name: parameters(network) for name, network in hollow.items()}
    work = {name: multiply_adds(network, (64, 64, 64), 2) for name, network in hollow.items()}
    assert count["student"] <= 0.4 * count["teacher"] and work["student"] < 0.4 * work["teacher"]
    for name in ("no-cross-scale", "no-deformable", "mean-fusion", "cnn-only", "swin-only"):
        assert count[name] < count["teacher"] and work[name] < work["teacher"], name
    assert work["no-grouping"] > 1.2 * work["teacher"]


def test_a_second_modality_is_a_channel_for_early_fusion_and_a_volume_for_the_fusion_network():
    one, two = (multiply_adds(without_values(network_entry("dynunet")), (64, 64, 64), m) for m in (1, 2))
    assert one <= two < 1.01 * one
    one, two = (multiply_adds(without_values(network_entry("student")), (64, 64, 64), m) for m in (1, 2))
    assert 1.3 * one < two < 2 * one


def test_names_are_told_once_each():
    names = network_names()
    assert len(names) == len(set(names)) and {"teacher", "student", "cnn-only", "resenc", "mednext"} <= set(names)
