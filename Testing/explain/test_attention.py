"""Attention that is shown is the attention that the network computes with."""

import pytest
import torch

from MultimodalSegLib.errors import InputError
from MultimodalSegLib.explain.attention import attention
from MultimodalSegLib.networks.cross_scale_attention import CrossScaleAttention, within
from Testing.explain.conftest import SIDES, a_subject, a_target, pointwise_network


def test_weights_are_those_of_the_pass() -> None:
    torch.manual_seed(0)
    cross = CrossScaleAttention([4, 4], [8, 16], 8, 1, radius_mm=30.0)
    features, spacing = [torch.randn(1, 3, 4, 3, 2, 2), torch.randn(1, 3, 4, 1, 1, 1)], torch.full((3,), 1.5)
    present = torch.tensor([[True, True, False]])
    weights = cross.weights(features, present, spacing)  # (1, 3, 13, 3, 13)
    query, key, value, places = cross._tokens(features, spacing)
    expected = cross._ask(query, key, value, within(places, 30.0), present)[:, :, 0]
    torch.testing.assert_close(torch.einsum("banck,bckd->band", weights, value[:, :, 0]), expected)
    torch.testing.assert_close(weights.sum((3, 4))[:, :2], torch.ones(1, 2, 13))
    assert not weights[:, 0, :, 0].any() and not weights[:, :, :, 2].any()


def test_a_target_looks_at_every_modality(fusion_net) -> None:
    found = attention(a_subject(fusion_net), a_target())
    assert found.by_modality is not None and found.by_modality.shape == (2, *SIDES)
    assert all(float(map_.max()) > 0 for map_ in found.by_modality)
    assert torch.equal(found.whole, found.by_modality.sum(0))


def test_without_attention_or_with_one_modality_there_is_a_sentence(fusion_net) -> None:
    with pytest.raises(InputError, match="no attention"):
        attention(a_subject(pointwise_network()), a_target())
    with pytest.raises(InputError, match="one modality"):
        attention(a_subject(fusion_net, modalities=1), a_target())
