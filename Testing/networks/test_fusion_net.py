"""The fusion network: any set of modalities, in any order, and an absent one says nothing."""

import pytest
import torch

from MultimodalSegLib.networks.blocks import depth_to_space, space_to_depth
from MultimodalSegLib.networks.build import build_network
from MultimodalSegLib.networks.fusion import GatedFusion, masked_softmax

CONFIG = {"kind": "fusion", "families": 2, "classes": 5, "widths": [8, 16, 16], "stride": 8}


@pytest.fixture
def a_network() -> torch.nn.Module:
    torch.manual_seed(0)
    network = build_network(CONFIG).eval()
    with torch.no_grad():
        for parameter in network.parameters():  # as if trained: nothing may hide behind a zero initial value
            parameter.add_(0.1 * torch.randn_like(parameter))
    return network


def run(network, images, present, modality):
    with torch.inference_mode():
        return network(images, torch.tensor(present), torch.tensor(modality))


def test_depth_to_space_undoes_space_to_depth():
    x = torch.randn(2, 3, 4, 6, 8)
    assert torch.equal(depth_to_space(space_to_depth(x)), x)
    pooled = torch.nn.functional.avg_pool3d(x, 2)
    assert torch.allclose(space_to_depth(x)[:, :8].mean(1), pooled[:, 0], atol=1e-6)


def test_shapes_and_weights(a_network):
    output = run(a_network, torch.randn(2, 3, 16, 24, 32), [[True, True, False], [True, True, True]], [[0, 1, 1]] * 2)
    assert output.structures.shape == (2, 5, 16, 24, 32)
    assert output.side.shape == output.lesion.shape == (2, 1, 16, 24, 32)
    assert output.presence.shape == (2,)
    assert output.weights.shape == (2, 3, 2, 3, 4)
    assert torch.allclose(output.weights.sum(1), torch.ones(2, 2, 3, 4), atol=1e-5)
    assert (output.weights[0, 2] == 0).all()


def test_an_absent_modality_has_no_influence_at_all(a_network):
    images = torch.randn(1, 2, 16, 16, 16)
    changed = images.clone()
    changed[:, 1] = 100 * torch.randn(16, 16, 16)
    first = run(a_network, images, [[True, False]], [[0, 1]])
    second = run(a_network, changed, [[True, False]], [[0, 1]])
    assert all(torch.equal(a, b) for a, b in zip(first[:5], second[:5], strict=True))
    alone = run(a_network, images[:, :1], [[True]], [[0]])
    assert torch.allclose(first.structures, alone.structures, atol=1e-4)


def test_the_order_of_modalities_is_of_no_account(a_network):
    images = torch.randn(1, 3, 16, 16, 16)
    forward = run(a_network, images, [[True, True, True]], [[0, 1, 1]])
    backward = run(a_network, images.flip(1), [[True, True, True]], [[1, 1, 0]])
    assert torch.allclose(forward.structures, backward.structures, atol=1e-4)
    assert torch.allclose(forward.weights, backward.weights.flip(1), atol=1e-5)


def test_the_modality_is_known_to_the_network(a_network):
    images = torch.randn(1, 1, 16, 16, 16)
    as_ct, as_mr = (run(a_network, images, [[True]], [[family]]).structures for family in (0, 1))
    assert not torch.allclose(as_ct, as_mr, atol=1e-3)


def test_weights_depend_on_the_features():
    torch.manual_seed(1)
    fusion = GatedFusion(8)
    torch.nn.init.normal_(fusion.score.weight)
    features = torch.randn(1, 2, 8, 4, 4, 4)
    _, weights = fusion(features, torch.tensor([[True, True]]))
    assert weights.std() > 0.01


def test_masked_softmax_of_no_modality_is_zero_not_nan():
    weights = masked_softmax(torch.randn(1, 2, 3), torch.tensor([[False, False]]))
    assert (weights == 0).all()


def test_every_parameter_gets_a_gradient():
    network = build_network(CONFIG).train()
    for fusion in network.fuse:
        torch.nn.init.normal_(fusion.score.weight)
    output = network(torch.randn(1, 2, 16, 16, 16), torch.tensor([[True, True]]), torch.tensor([[0, 1]]))
    sum(part.float().square().mean() for part in output[:5]).backward()
    silent = [name for name, p in network.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert [
        name for name in silent if not name.endswith("score.bias")
    ] == []  # a common shift of all scores changes nothing


def test_mixed_precision_gradients_are_right_where_the_deepest_scale_is_tiny():
    """oneDNN's bfloat16 gradient is garbage for 2x2x2 voxels; ours must stay near the float32 one."""
    torch.manual_seed(0)
    network = build_network(CONFIG).train()
    images = torch.randn(1, 2, 16, 16, 16)
    present, modality = torch.tensor([[True, True]]), torch.tensor([[0, 1]])
    deepest = [p for name, p in network.named_parameters() if name.startswith("encode.2.conv")]

    def gradients(mixed: bool) -> list[torch.Tensor]:
        with torch.autocast("cpu", torch.bfloat16, enabled=mixed):
            output = network(images, present, modality)
        return list(torch.autograd.grad(output.structures.float().square().mean(), deepest))

    exact = gradients(False)
    for _ in range(20):
        for found, wanted in zip(gradients(True), exact, strict=True):
            assert (found - wanted).norm() < 0.3 * wanted.norm()


@pytest.mark.parametrize(("change", "message"), [({"kind": "unknown"}, "unknown"), ({"stride": 32}, "stride 8")])
def test_a_wrong_description_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        build_network(CONFIG | change)
