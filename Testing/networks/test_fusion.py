"""Fusion of modalities: learned weights, and the two baselines of them."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from MultimodalSegLib.networks.fusion import ConcatFusion, GatedFusion, MeanFusion, masked_softmax

BOTH = torch.tensor([[True, True]])
FAMILY = torch.tensor([[0, 1]])


def multiply_adds(fusion: torch.nn.Module, channels: int) -> float:
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        fusion(torch.randn(1, 2, channels, 6, 6, 6), BOTH, FAMILY)
    return counter.get_total_flops() / 2


def test_grouping_saves_more_than_three_fifths_of_the_multiply_adds():
    grouped, whole = (multiply_adds(GatedFusion(64, groups), 64) for groups in (8, 1))
    assert whole == 2 * 216 * (27 * 128 * 64 + 64)  # modalities, voxels, 3x3x3 and 1x1x1 convolution
    assert grouped <= 0.4 * whole


def test_weights_depend_on_the_features():
    torch.manual_seed(1)
    fusion = GatedFusion(8)
    torch.nn.init.normal_(fusion.score.weight)
    _, weights = fusion(torch.randn(1, 2, 8, 4, 4, 4), BOTH)
    assert weights.std() > 0.01


def test_masked_softmax_of_no_modality_is_zero_not_nan():
    weights = masked_softmax(torch.randn(1, 2, 3), torch.tensor([[False, False]]))
    assert (weights == 0).all()


def test_the_mean_is_taken_over_present_modalities():
    features = torch.randn(2, 3, 4, 2, 2, 2)
    fused, weights = MeanFusion()(features, torch.tensor([[True, True, True], [True, False, True]]))
    torch.testing.assert_close(fused[0], features[0].mean(0))
    torch.testing.assert_close(fused[1], features[1, [0, 2]].mean(0))
    assert (weights[1, 1] == 0).all() and (weights[1, 0] == 0.5).all()


def test_concatenation_gives_each_family_its_own_place():
    fusion = ConcatFusion(4, families=3)
    features = torch.randn(1, 2, 4, 2, 2, 2)
    fused, weights = fusion(features, BOTH, torch.tensor([[2, 0]]))
    places = torch.cat([features[:, 1], torch.zeros(1, 4, 2, 2, 2), features[:, 0]], dim=1)
    torch.testing.assert_close(fused, fusion.mix(places))
    assert (weights == 0.5).all()


def test_volumes_of_one_family_share_its_place_by_their_mean():
    fusion = ConcatFusion(4, families=2)
    features = torch.randn(1, 3, 4, 2, 2, 2)
    present = torch.tensor([[True, True, False]])
    fused, _ = fusion(features, present, torch.tensor([[1, 1, 0]]))
    places = torch.cat([torch.zeros(1, 4, 2, 2, 2), features[:, :2].mean(1)], dim=1)
    torch.testing.assert_close(fused, fusion.mix(places))


@pytest.mark.parametrize("fusion", [GatedFusion(8), MeanFusion()])
def test_one_modality_alone_is_taken_as_it_is(fusion):
    features = torch.randn(1, 1, 8, 2, 2, 2)
    fused, weights = fusion(features, torch.tensor([[True]]))
    assert torch.equal(fused, features[:, 0]) and (weights == 1).all()
