"""Early fusion: any set of modalities, in any order, as channels of a plain backbone."""

import pytest
import torch
from torch import nn

from MultimodalSegLib.networks.early_fusion import EarlyFusion

CLASSES = 3


@pytest.fixture
def a_network() -> EarlyFusion:
    torch.manual_seed(0)
    backbone = nn.Sequential(
        nn.Conv3d(4, 8, 3, stride=2, padding=1), nn.InstanceNorm3d(8), nn.LeakyReLU(), nn.ConvTranspose3d(8, 5, 2, 2)
    )
    return EarlyFusion(backbone, families=2, classes=CLASSES, stride=8).eval()


def run(network, images, present, modality):
    with torch.inference_mode():
        return network(images, torch.tensor(present), torch.tensor(modality))


def same(first, second, atol=0.0):
    return all(torch.allclose(a, b, atol=atol) for a, b in zip(first[:4], second[:4], strict=True))


def test_a_family_is_the_mean_of_its_present_modalities_beside_its_presence(a_network):
    images = torch.randn(2, 3, 4, 4, 4)
    present = torch.tensor([[True, True, True], [False, True, False]])
    channels = a_network.channels(images, present, torch.tensor([[1, 0, 1], [1, 0, 1]]))
    assert torch.equal(channels[0, 0], images[0, 1])
    assert torch.allclose(channels[0, 1], (images[0, 0] + images[0, 2]) / 2)
    assert (channels[0, 2:] == 1).all()
    assert torch.equal(channels[1, 0], images[1, 1])
    assert (channels[1, 1] == 0).all() and (channels[1, 2] == 1).all() and (channels[1, 3] == 0).all()


def test_the_order_of_modalities_is_of_no_account(a_network):
    images = torch.randn(1, 3, 16, 16, 16)
    first = run(a_network, images, [[True, True, True]], [[0, 1, 1]])
    second = run(a_network, images[:, [2, 0, 1]], [[True, True, True]], [[1, 0, 1]])
    assert same(first, second, atol=1e-5)


@pytest.mark.parametrize("value", [7.0, float("nan"), float("inf")])
def test_an_absent_modality_has_no_influence_whatever_is_stored_for_it(a_network, value):
    images = torch.randn(1, 2, 16, 16, 16)
    changed = images.clone()
    changed[:, 1] = value
    first = run(a_network, images, [[True, False]], [[0, 1]])
    second = run(a_network, changed, [[True, False]], [[0, 1]])
    assert same(first, second) and first.structures.isfinite().all()
    assert same(first, run(a_network, images[:, :1], [[True]], [[0]]))
    assert not same(first, run(a_network, images, [[True, True]], [[0, 1]]), atol=1e-3)


def test_the_family_is_known_to_the_backbone(a_network):
    images = torch.randn(1, 1, 16, 16, 16)
    assert not same(run(a_network, images, [[True]], [[0]]), run(a_network, images, [[True]], [[1]]), atol=1e-3)


@pytest.mark.parametrize("shape", [(16, 24, 32), (17, 9, 5)])
def test_any_size_is_padded_and_cut_back(a_network, shape):
    output = run(a_network, torch.randn(2, 2, *shape), [[True, True], [True, False]], [[0, 1], [0, 1]])
    assert output.structures.shape == (2, CLASSES, *shape)
    assert output.side.shape == output.lesion.shape == (2, 1, *shape)
    coarse = tuple(-(-n // 8) for n in shape)
    assert output.weights.shape == (2, 2, *coarse)
    assert (output.weights[0] == 0.5).all()
    assert (output.weights[1, 0] == 1).all() and (output.weights[1, 1] == 0).all()


def test_presence_is_the_largest_mean_lesion_logit_of_a_block():
    logits = torch.full((1, 5, 8, 8, 8), -2.0)
    logits[0, 4, :4, :4, :4] = 3.0  # a lesion that fills one block
    logits[0, 4, 6, 6, 6] = 50.0  # one voxel that shouts: the mean of its block is (63 * -2 + 50) / 64
    network = EarlyFusion(Answering(logits), families=2, classes=CLASSES, stride=1)
    output = run(network, torch.zeros(1, 1, 8, 8, 8), [[True]], [[0]])
    assert output.presence.shape == (1,)
    assert output.presence.item() == pytest.approx(3.0)


class Answering(nn.Module):
    """A backbone that always gives the same answer."""

    def __init__(self, answer):
        super().__init__()
        self.answer = answer

    def forward(self, x):
        return self.answer
