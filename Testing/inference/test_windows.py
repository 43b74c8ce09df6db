"""Windows cover the volume and put the same answer together as one shot."""

import numpy as np
import pytest
import torch
from torch import nn

from MultimodalSegLib.inference.windows import Engine, gaussian, joined, window_starts
from MultimodalSegLib.networks.fusion_net import FusionOutput

CPU = torch.device("cpu")


class Plain(nn.Module):
    """A network without normalization over space: what it says of a voxel depends on its neighbors at most."""

    def __init__(self, reach):
        super().__init__()
        self.conv = nn.Conv3d(1, 6, 2 * reach + 1, padding=reach)

    def forward(self, images, present, modality):
        logits = self.conv(images.mean(1, keepdim=True))
        weights = torch.softmax(torch.nn.functional.avg_pool3d(images, 8), 1)
        return FusionOutput(logits[:, :4], logits[:, 4:5], logits[:, 5:6], images.amax((1, 2, 3, 4)), weights)


@pytest.fixture
def images():
    return torch.randn(2, 48, 40, 56, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("reach", [0, 1])
def test_windows_agree_with_one_shot(images, reach):
    torch.manual_seed(0)
    engine = Engine(Plain(reach).eval(), CPU, torch.float32)
    family = torch.tensor([0, 1])
    done = []
    whole = engine.one_shot(images, family)
    parts = engine.windowed(images, family, (32, 32, 32), 8, done.append)
    assert whole.windows == 1 and parts.windows == len(done) == 8 and done[-1] == 1
    difference = (whole.logits - parts.logits.float()).abs()
    # a voxel at the rim of one window misses its neighbors, but counts little there
    assert difference.max() < 0.01 if reach == 0 else difference.mean() < 0.02
    assert parts.presence == pytest.approx(whole.presence)
    assert float(parts.modality_weights.sum()) == pytest.approx(1, abs=1e-3)
    torch.testing.assert_close(parts.modality_weights, whole.modality_weights, atol=0.05, rtol=0)


@pytest.mark.parametrize(("size", "window"), [(96, 96), (160, 96), (192, 96), (64, 32), (40, 32), (256, 64)])
def test_starts_cover_everything_and_overlap(size, window):
    stride = 8
    starts = window_starts(size, window, stride)
    covered = np.zeros(size, int)
    for start in starts:
        assert start % stride == 0 and start + window <= size
        covered[start : start + window] += 1
    assert covered.min() >= 1
    assert all(b - a <= 0.75 * window for a, b in zip(starts, starts[1:], strict=False))


def test_weights_fall_from_the_middle():
    weight = gaussian([16, 8, 24])
    assert weight.shape == (16, 8, 24) and weight.min() > 0 and weight.max() <= 1
    assert weight[8, 4, 12] > weight[0, 4, 12] > weight[0, 0, 0]


def test_joining_takes_no_copy_when_it_can():
    block = torch.randn(1, 6, 4, 5, 6)
    parts = block[:, :4], block[:, 4:5], block[:, 5:6]
    whole = joined(*(part[0] for part in parts))
    assert torch.equal(whole, block[0]) and whole.data_ptr() == block.data_ptr()
    apart = joined(parts[0][0], parts[1][0].clone(), parts[2][0])
    assert torch.equal(apart, block[0]) and apart.data_ptr() != block.data_ptr()
    swapped = joined(parts[0][0], parts[2][0], parts[1][0])
    assert torch.equal(swapped, block[0][[0, 1, 2, 3, 5, 4]])


class Bare(nn.Module):
    """Structures alone, without side and lesion, and fusion weights at an eighth of the sides, rounded up."""

    def forward(self, images, present, modality):
        logits = torch.cat([-images.mean(1, keepdim=True), images.mean(1, keepdim=True)], 1)
        weights = torch.softmax(nn.functional.avg_pool3d(images, 8, ceil_mode=True), 1)
        return FusionOutput(logits, logits[:, :0], logits[:, :0], logits.new_zeros(0), weights)


def test_a_network_without_side_and_lesion_on_odd_sizes():
    images = torch.randn(2, 39, 23, 17, generator=torch.Generator().manual_seed(0))
    engine = Engine(Bare().eval(), CPU, torch.float32)
    family = torch.tensor([0, 1])
    whole = engine.one_shot(images, family)
    parts = engine.windowed(images, family, (13, 23, 11), 1, lambda done: None)
    assert whole.logits.shape == parts.logits.shape == (2, 39, 23, 17) and parts.windows == 4 * 2
    torch.testing.assert_close(parts.logits.float(), whole.logits, atol=5e-3, rtol=0)
    assert whole.presence == parts.presence == float("-inf")
    assert float(whole.modality_weights.sum()) == pytest.approx(1, abs=1e-5)


def test_fusion_weights_of_windows_are_those_of_one_shot(images):
    """Windows that begin at multiples of the cells give the very same map where the network looks at nothing else."""
    engine = Engine(Plain(0).eval(), CPU, torch.float32)
    family = torch.tensor([0, 1])
    whole = engine.one_shot(images, family).fusion
    parts = engine.windowed(images, family, (32, 32, 32), 8, lambda done: None).fusion
    assert whole.shape == parts.shape == (2, 6, 5, 7)
    torch.testing.assert_close(parts, whole, atol=1e-5, rtol=0)


def test_fusion_weights_on_odd_sizes_cover_everything():
    images = torch.randn(2, 39, 23, 17, generator=torch.Generator().manual_seed(0))
    fusion = Engine(Bare().eval(), CPU, torch.float32).windowed(images, torch.tensor([0, 1]), (24, 23, 17), 1, print)
    assert fusion.fusion.shape == (2, 5, 3, 3)
    torch.testing.assert_close(fusion.fusion.sum(0), torch.ones(5, 3, 3), atol=1e-5, rtol=0)
