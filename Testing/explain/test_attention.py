"""Attention that is shown is the attention that the network computes with."""

import pytest
import torch

from MultimodalSegLib.errors import InputError
from MultimodalSegLib.explain.attention import attention
from MultimodalSegLib.networks.cross_scale_attention import CrossScaleAttention, within
from Testing.explain.conftest import SIDES, a_subject, a_target, pointwise_network


def test_weights_are_those_of_the_pass() -> None:
    torch.manual_seed(0)
    cross = CrossScaleAttention([8, 12], [8, 16], 16, 2, radius_mm=40.0)
    features, spacing = [torch.randn(1, 3, 8, 4, 4, 2), torch.randn(1, 3, 12, 2, 2, 1)], torch.full((3,), 1.5)
    present = torch.tensor([[True, True, False]])
    weights = cross.weights(features, present, spacing)
    query, key, value, places = cross._tokens(features, spacing)
    expected = cross._ask(query, key, value, within(places, 40.0), present)
    one_head = CrossScaleAttention([8, 12], [8, 16], 16, 1, radius_mm=40.0)
    one_head.load_state_dict(cross.state_dict())
    single = one_head.weights(features, present, spacing)
    values = one_head._tokens(features, spacing)[2][:, :, 0]
    answer = one_head._ask(*one_head._tokens(features, spacing)[:3], within(places, 40.0), present)[:, :, 0]
    torch.testing.assert_close(torch.einsum("banck,bckd->band", single, values), answer)
    assert expected.shape[2] == 2
    torch.testing.assert_close(weights.sum((3, 4))[:, :2], torch.ones(1, 2, 36))
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
