"""The fusion network: any set of modalities, in any order, and an absent one says nothing."""

from dataclasses import replace

import pytest
import torch

from MultimodalSegLib.networks.blocks import depth_to_space, space_to_depth
from MultimodalSegLib.networks.build import build_network
from MultimodalSegLib.networks.config import VARIANTS, NetworkConfig
from MultimodalSegLib.networks.cross_scale_attention import CrossScaleAttention
from MultimodalSegLib.networks.fusion_net import FusionNet, FusionOutput

from .conftest import shaken

CONFIG = {"kind": "fusion", "families": 2, "classes": 5, "widths": [8, 16, 16], "stride": 8}
BOTH, FAMILY = torch.tensor([[True, True]]), torch.tensor([[0, 1]])


def run(network, images, present, modality, spacing=None):
    with torch.inference_mode():
        return network(images, torch.tensor(present), torch.tensor(modality), spacing)


def flat(output: FusionOutput) -> list[torch.Tensor]:
    """All tensors of an output, the coarse ones too."""
    return [*output[:5], *(part for coarse in output.deep for part in coarse)]


@pytest.fixture(params=["teacher", "student", "first-model", *VARIANTS])
def any_network(request, small_teacher) -> FusionNet:
    """The teacher in small, the student, each variant, and what the first model is, all in evaluation mode."""
    plain = NetworkConfig.from_dict(CONFIG)
    configs = {"teacher": small_teacher, "student": replace(small_teacher, deformable=False), "first-model": plain}
    config = configs.get(request.param) or replace(small_teacher, **VARIANTS[request.param])
    return shaken(FusionNet(config)).eval()


def test_depth_to_space_undoes_space_to_depth():
    x = torch.randn(2, 3, 4, 6, 8)
    assert torch.equal(depth_to_space(space_to_depth(x)), x)
    pooled = torch.nn.functional.avg_pool3d(x, 2)
    assert torch.allclose(space_to_depth(x)[:, :8].mean(1), pooled[:, 0], atol=1e-6)


def test_logits_are_the_same_with_gradients_and_without(any_network):
    images, present, modality = torch.randn(2, 2, 32, 32, 32), BOTH.expand(2, 2), FAMILY.expand(2, 2)
    with torch.no_grad():
        lean = any_network(images, present, modality)
    whole = any_network(images, present, modality)
    for a, b in zip(lean[:3], whole[:3], strict=True):
        assert torch.allclose(a, b.detach(), atol=1e-5)


def test_shapes_and_weights(any_network):
    output = run(any_network, torch.randn(2, 3, 16, 24, 32), [[True, True, False], [True] * 3], [[0, 1, 1]] * 2)
    assert output.structures.shape == (2, 5, 16, 24, 32)
    assert output.side.shape == output.lesion.shape == (2, 1, 16, 24, 32)
    assert output.presence.shape == (2,)
    assert output.weights.shape == (2, 3, 2, 3, 4)
    assert torch.allclose(output.weights.sum(1), torch.ones(2, 2, 3, 4), atol=1e-5)
    assert (output.weights[0, 2] == 0).all()
    assert output.deep == ()
    assert all(torch.isfinite(part).all() for part in flat(output))


def test_an_absent_modality_has_no_influence_at_all(any_network):
    any_network.train()  # the coarse outputs too
    images = torch.randn(1, 2, 16, 16, 16)
    changed = images.clone()
    changed[:, 1] = float("nan")
    first = run(any_network, images, [[True, False]], [[0, 1]])
    second = run(any_network, changed, [[True, False]], [[0, -5]])
    assert all(torch.equal(a, b) for a, b in zip(flat(first), flat(second), strict=True))
    alone = run(any_network, images[:, :1], [[True]], [[0]])
    assert torch.allclose(first.structures, alone.structures, atol=1e-4)


def test_the_order_of_modalities_is_of_no_account(any_network):
    images = torch.randn(1, 3, 16, 16, 16)
    forward = run(any_network, images, [[True, True, True]], [[0, 1, 1]])
    backward = run(any_network, images.flip(1), [[True, True, True]], [[1, 1, 0]])
    assert torch.allclose(forward.structures, backward.structures, atol=1e-4)
    assert torch.allclose(forward.presence, backward.presence, atol=1e-4)
    assert torch.allclose(forward.weights, backward.weights.flip(1), atol=1e-5)


def test_samples_of_a_batch_do_not_meet(a_network):
    images = torch.randn(2, 2, 16, 16, 16)
    together = run(a_network, images, [[True, True], [False, True]], [[0, 1]] * 2)
    apart = run(a_network, images[1:], [[False, True]], [[0, 1]])
    assert torch.allclose(together.structures[1:], apart.structures, atol=1e-4)


def test_the_modality_is_known_to_the_network(a_network):
    images = torch.randn(1, 1, 16, 16, 16)
    as_ct, as_mr = (run(a_network, images, [[True]], [[family]]).structures for family in (0, 1))
    assert not torch.allclose(as_ct, as_mr, atol=1e-3)


def test_spacing_is_in_millimetres(a_network):
    """With voxels so large that all others are beyond the radius, only the same place of the other is seen."""
    images = torch.randn(1, 2, 16, 16, 16)
    usual, same, large = (
        run(a_network, images, [[True, True]], [[0, 1]], spacing).structures
        for spacing in (None, (1.5, 1.5, 1.5), torch.tensor([1.5, 1.5, 15.0]))
    )
    assert torch.equal(usual, same)
    assert not torch.allclose(usual, large, atol=1e-3)


@pytest.mark.parametrize("size", [(13, 16, 21), (8, 8, 8), (5, 3, 1)])
def test_sides_that_are_no_multiples_of_the_stride_come_back_as_they_are(a_network, size):
    output = a_network.train()(torch.randn(1, 2, *size), BOTH, FAMILY)
    assert output.structures.shape[2:] == output.lesion.shape[2:] == size
    for coarse, stride in zip(output.deep, (4, 8), strict=True):
        assert coarse.structures.shape[2:] == tuple(-(-s // stride) for s in size)
    assert output.weights.shape[2:] == tuple(-(-s // 8) for s in size)
    assert all(torch.isfinite(part).all() for part in flat(output))


def test_padding_does_nothing_where_none_is_needed(a_network):
    images = torch.randn(1, 2, 13, 16, 16)
    padded = torch.nn.functional.pad(images, (0, 0, 0, 0, 0, 3), mode="replicate")
    short, whole = (run(a_network, x, [[True, True]], [[0, 1]]) for x in (images, padded))
    assert torch.equal(short.structures, whole.structures[:, :, :13])


def test_heads_that_are_not_wanted_give_tensors_without_elements(small_teacher):
    network = FusionNet(replace(small_teacher, side=False, lesion=False, size_gate=False))
    output = network(torch.randn(2, 2, 16, 16, 16), BOTH.expand(2, 2), FAMILY.expand(2, 2))
    assert output.side.shape == output.lesion.shape == (2, 0, 16, 16, 16)
    assert output.presence.shape == (0,)
    assert all(coarse.lesion.shape[1] == coarse.side.shape[1] == 0 for coarse in output.deep)
    assert output.structures.shape == (2, 5, 16, 16, 16)


@pytest.mark.parametrize(
    ("images", "present", "modality", "message"),
    [
        (torch.zeros(1, 2, 8, 8), BOTH, FAMILY, "images are"),
        (torch.zeros(1, 3, 8, 8, 8), BOTH, FAMILY, "present has the shape"),
        (torch.zeros(1, 2, 8, 8, 8), ~BOTH, FAMILY, "no present modality"),
        (torch.zeros(1, 2, 8, 8, 8), BOTH, FAMILY + 1, "no modality family 2"),
        (torch.full((1, 2, 8, 8, 8), float("nan")), BOTH, FAMILY, "not finite"),
    ],
)
def test_what_cannot_be_answered_is_refused(a_network, images, present, modality, message):
    with pytest.raises(ValueError, match=message):
        a_network(images, present, modality)


def test_new_parts_start_as_the_identity(small_teacher):
    """Untrained, the teacher says exactly what the convolutions with the same weights say."""
    torch.manual_seed(0)
    whole = FusionNet(small_teacher).eval()
    plain = FusionNet(replace(small_teacher, encoder="cnn", cross_scale=False, deformable=False, size_gate=False))
    plain.load_state_dict({k: v for k, v in whole.state_dict().items() if k in plain.state_dict()})
    images = torch.randn(1, 2, 16, 16, 16)
    answers = (run(network.eval(), images, [[True, True]], [[0, 1]]) for network in (whole, plain))
    for a, b in zip(*map(flat, answers), strict=True):
        torch.testing.assert_close(a, b, atol=1e-6, rtol=1e-6)


def test_the_size_gate_reads_the_coarse_lesion_logits(a_network):
    images = torch.randn(1, 2, 16, 16, 16)
    before = run(a_network, images, [[True, True]], [[0, 1]])
    with torch.no_grad():
        a_network.coarse.stride4.lesion.bias.add_(10)
    after = run(a_network, images, [[True, True]], [[0, 1]])
    assert not torch.allclose(before.lesion, after.lesion, atol=1e-3)


def test_every_parameter_gets_a_gradient(any_network):
    output = any_network.train()(torch.randn(1, 2, 16, 16, 16), BOTH, FAMILY)
    sum(part.float().square().mean() for part in flat(output)).backward()
    silent = [name for name, p in any_network.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    # a common shift of all scores of a softmax changes nothing
    assert [name for name in silent if not name.endswith(("score.bias", "cross.key.bias"))] == []


def test_mixed_precision_gradients_are_right_where_the_deepest_scale_is_tiny():
    """oneDNN's bfloat16 gradient is garbage for 2x2x2 voxels; ours must stay near the float32 one."""
    torch.manual_seed(0)
    network = build_network(CONFIG).train()
    deepest = [p for name, p in network.named_parameters() if name.startswith("encode.2.conv")]
    for found, wanted in gradients(network, deepest, times=20):
        assert (found - wanted).norm() < 0.3 * wanted.norm()


def test_mixed_precision_gradients_of_attention_are_right(a_network):
    names = ("context", "cross", "deform", "coarse", "gate")
    weights = [p for name, p in a_network.named_parameters() if name.split(".")[0] in names and p.dim() > 1]
    for found, wanted in gradients(a_network.train(), weights, times=3):
        assert (found - wanted).norm() < 0.5 * wanted.norm()


def gradients(network, parameters, times):
    """Pairs of gradients in mixed precision and in float32, again and again: garbage comes by chance."""
    torch.manual_seed(5)
    images = torch.randn(1, 2, 16, 16, 16)

    def once(mixed: bool) -> list[torch.Tensor]:
        with torch.autocast("cpu", torch.bfloat16, enabled=mixed):
            output = network(images, BOTH, FAMILY)
        return list(torch.autograd.grad(sum(p.float().square().mean() for p in flat(output)), parameters))

    exact = once(False)
    for _ in range(times):
        yield from zip(once(True), exact, strict=True)


def test_an_exported_student_says_the_same_and_samples_nothing(small_teacher):
    network = shaken(FusionNet(replace(small_teacher, deformable=False))).eval()
    present = torch.tensor([[True, True, False]])
    inputs = (torch.randn(1, 3, 16, 16, 24), present, torch.tensor([[0, 1, 1]]))
    with torch.inference_mode():
        wanted = network(*inputs)
    program = torch.export.export(network, inputs)
    operators = {str(node.target) for node in program.graph.nodes}
    assert not any("grid_sampler" in name or "nonzero" in name for name in operators)
    for f, w in zip(flat(program.module()(*inputs)), flat(wanted), strict=True):
        torch.testing.assert_close(f, w, atol=1e-4, rtol=1e-4)


def test_attention_between_modalities_takes_the_two_coarsest_scales(small_teacher):
    cross = FusionNet(small_teacher).cross
    assert isinstance(cross, CrossScaleAttention) and cross.strides == (4, 8)


@pytest.mark.parametrize(
    ("change", "message"),
    [({"kind": "unknown"}, "unknown"), ({"stride": 32}, "stride 8"), ({"depth": 2}, "no option 'depth'")],
)
def test_a_wrong_description_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        build_network(CONFIG | change)
