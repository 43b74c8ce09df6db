"""The finest features are conditioned on the size of lesions."""

import pytest
import torch

from MultimodalSegLib.networks.size_gate import EDGES, SizeGate, local_occupancy

from .conftest import shaken


def test_a_small_lesion_fills_small_cubes_alone():
    lesion = torch.full((1, 1, 15, 15, 15), -50.0)
    lesion[..., 6:9, 6:9, 6:9] = 50.0  # 3 voxels wide
    small = local_occupancy(lesion)[0, :, 7, 7, 7]
    assert EDGES == (1, 3, 7)
    torch.testing.assert_close(small, torch.tensor([1.0, 1.0, 27 / 343]), atol=1e-4, rtol=0)


def test_the_outside_of_the_volume_does_not_count():
    torch.testing.assert_close(local_occupancy(torch.full((1, 1, 3, 4, 5), 50.0)), torch.ones(1, 3, 3, 4, 5))


def test_it_starts_as_the_identity_and_then_depends_on_the_size():
    x = torch.randn(1, 6, 16, 16, 16)
    small = torch.full((1, 1, 8, 8, 8), -5.0)
    small[..., 4, 4, 4] = 5.0
    large = torch.full((1, 1, 8, 8, 8), 5.0)
    assert torch.equal(SizeGate(6)(x, small), x)
    gate = shaken(SizeGate(6), 0.5)
    at = (slice(None), slice(None), 8, 8, 8)
    assert not torch.allclose(gate(x, small)[at], gate(x, large)[at], rtol=0.05)


def test_each_channel_is_gated_by_itself_between_nothing_and_double():
    x = torch.ones(1, 6, 4, 4, 4)
    factor = shaken(SizeGate(6), 3.0)(x, torch.randn(1, 1, 2, 2, 2))
    assert factor.min() >= 0 and factor.max() <= 2
    assert factor.std(1).min() > 0


def test_the_estimate_is_taught_by_its_own_supervision_alone():
    lesion = torch.randn(1, 1, 2, 2, 2, requires_grad=True)
    x = torch.randn(1, 6, 4, 4, 4, requires_grad=True)
    gate = shaken(SizeGate(6), 0.5)
    gate(x, lesion).sum().backward()
    assert lesion.grad is None and x.grad is not None


@pytest.mark.parametrize("size", [(4, 4, 4), (6, 10, 4)])
def test_it_meets_features_of_twice_the_size(size):
    x = torch.randn(2, 6, *(2 * s for s in size))
    assert SizeGate(6)(x, torch.randn(2, 1, *size)).shape == x.shape
