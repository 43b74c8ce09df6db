"""Sampling at learned places: starts at the voxel itself, and its gradients are right."""

import pytest
import torch

from MultimodalSegLib.networks.deformable_attention import DeformableAttention, sample_around

from .conftest import shaken

PRESENT = torch.tensor([[True, True]])


def test_it_starts_by_reading_each_voxel_itself_with_places_of_different_weight():
    torch.manual_seed(0)
    attention = DeformableAttention(8, heads=2)
    features = torch.randn(1, 2, 8, 3, 4, 5)
    torch.testing.assert_close(attention.sample(features, PRESENT), features, atol=1e-5, rtol=1e-5)
    assert torch.equal(attention(features, PRESENT), features)
    weight = attention.weight(torch.randn(10, 16)).view(10, 2, 4).softmax(-1)
    assert weight.std(-1).min() > 0.01  # otherwise all places would learn the same


def test_an_offset_is_in_voxels_and_in_the_order_of_the_axes():
    values = torch.randn(1, 2, 4, 5, 6)
    for axis in range(3):
        offsets = torch.zeros(1, 1, 3, 4, 5, 6)
        offsets[:, :, axis] = 1.0
        found = sample_around(values, offsets, torch.ones(1, 1, 4, 5, 6))
        moved = values.roll(-1, axis + 2)
        last = values.shape[axis + 2] - 1
        inner = torch.arange(last)
        torch.testing.assert_close(found.index_select(axis + 2, inner), moved.index_select(axis + 2, inner))
        rim = torch.tensor([last])  # beyond it the last voxel goes on
        torch.testing.assert_close(found.index_select(axis + 2, rim), values.index_select(axis + 2, rim))


def test_places_are_weighted():
    values = torch.arange(6.0).view(1, 1, 1, 1, 6)
    offsets = torch.zeros(1, 2, 3, 1, 1, 6)
    offsets[0, 0, 2], offsets[0, 1, 2] = 1.0, -0.5
    weights = torch.tensor([0.75, 0.25]).view(1, 2, 1, 1, 1).expand(1, 2, 1, 1, 6)
    assert sample_around(values, offsets, weights)[0, 0, 0, 0, 3] == pytest.approx(0.75 * 4 + 0.25 * 2.5)


def test_the_gradients_of_sampling_are_right():
    torch.manual_seed(0)
    values = torch.randn(1, 2, 2, 3, 2, dtype=torch.float64, requires_grad=True)
    # away from voxel centers, where linear interpolation has a corner
    offsets = (0.1 + 0.3 * torch.rand(1, 2, 3, 2, 3, 2, dtype=torch.float64)).requires_grad_()
    weights = torch.rand(1, 2, 2, 3, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(sample_around, (values, offsets, weights))


def test_the_gradients_of_the_whole_module_are_right():
    module = shaken(DeformableAttention(4, heads=2, points=2), 0.2).double()
    torch.manual_seed(4)
    features = torch.randn(1, 2, 4, 2, 2, 2, dtype=torch.float64, requires_grad=True)
    parameters = list(module.parameters())
    assert torch.autograd.gradcheck(lambda f, *_: module(f, PRESENT), (features, *parameters))


def test_an_absent_modality_does_not_move_the_places_of_another():
    module = shaken(DeformableAttention(8, heads=2), 0.3)
    features = torch.randn(1, 2, 8, 3, 3, 3)
    moved = features.clone()
    moved[:, 1] += 3
    only_first = torch.tensor([[True, False]])
    assert torch.equal(module(features, only_first)[:, 0], module(moved, only_first)[:, 0])
    assert not torch.allclose(module(features, PRESENT)[:, 0], module(moved, PRESENT)[:, 0], atol=1e-3)


def test_mixed_precision_moves_no_place_by_much():
    module = shaken(DeformableAttention(8, heads=2), 0.1)
    features = torch.randn(1, 2, 8, 6, 6, 6)
    exact = module(features, PRESENT)
    with torch.autocast("cpu", torch.bfloat16):
        rough = module(features, PRESENT)
    assert (rough - exact).abs().mean() < 0.02 * exact.abs().mean()
