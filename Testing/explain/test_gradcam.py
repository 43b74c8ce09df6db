"""Grad-CAM is captum's, knows modalities apart, and has no seams between windows."""

import pytest
import torch
from captum.attr import LayerGradCam
from torch import nn

from MultimodalSegLib.errors import InputError
from MultimodalSegLib.explain.gradcam import gradcam, gradcam_plus_plus
from MultimodalSegLib.explain.layers import Layer, find_layer, layers, tapped
from MultimodalSegLib.explain.subject import Subject
from Testing.explain.conftest import SIDES, a_subject, a_target, pointwise_network


class Splitting(nn.Module):
    """A fusion layer whose first result passes through a module that captum can hook."""

    def __init__(self, fuse: nn.Module) -> None:
        super().__init__()
        self.fuse, self.mixed = fuse, nn.Identity()

    def forward(self, *inputs):
        fused, weights = self.fuse(*inputs)
        return self.mixed(fused), weights


def lesion_score(subject: Subject, target):
    """The score as a function of the images (1, M, D, H, W), through the network's ordinary call."""

    def score(images: torch.Tensor) -> torch.Tensor:
        present = torch.ones(images.shape[:2], dtype=torch.bool)
        output = subject.engine.network(images, present, subject.family.expand(images.shape[:2]))
        return (output.lesion[:, 0] * target.mask).sum((1, 2, 3))

    return score


@pytest.mark.parametrize("name", ["decoded4", "fused8", "fused2", "encoder4"])
def test_is_the_map_of_captum(fusion_net, name: str) -> None:
    subject, target = a_subject(fusion_net), a_target()
    found = gradcam(subject, [target], find_layer(fusion_net, name))[0]
    module = fusion_net.get_submodule(find_layer(fusion_net, name).path)
    if name.startswith("fused"):
        level = int(find_layer(fusion_net, name).path.split(".")[1])
        fusion_net.fuse[level] = Splitting(module)
        module = fusion_net.fuse[level].mixed
    images = subject.images[None].clone().requires_grad_()
    if name.startswith("encoder"):  # features and tokens come out: captum wants one result
        found = gradcam(subject, [target], Layer(name, "encode.0"))[0]
        module = fusion_net.encode[0]
    expected = LayerGradCam(lesion_score(subject, target), module).attribute(images, attr_dim_summation=True)
    fine = nn.functional.interpolate(expected, SIDES, mode="trilinear", align_corners=False)[:, 0].detach()
    torch.testing.assert_close(found.whole, fine.sum(0).clamp_min(0), rtol=1e-3, atol=1e-5 * float(fine.abs().max()))
    if name.startswith("encoder"):
        assert found.by_modality is not None and len(found.by_modality) == 2
        torch.testing.assert_close(found.by_modality, fine.clamp_min(0), rtol=1e-3, atol=1e-5 * float(fine.abs().max()))
    else:
        assert found.by_modality is None


def test_windows_give_the_same_map() -> None:
    network, layer = pointwise_network(), Layer("first", "backbone.0")
    whole = gradcam(a_subject(network), [a_target()], layer)[0].normalized().whole
    parts = a_subject(network, window=(16, 16, 16))
    assert len(parts.tiles) > 2
    tiled = gradcam(parts, [a_target()], layer)[0].normalized().whole
    assert float(whole.max()) == pytest.approx(1.0)
    torch.testing.assert_close(tiled, whole, rtol=1e-3, atol=1e-4)  # only the scale depends on the windows


@pytest.mark.parametrize("method", [gradcam, gradcam_plus_plus])
def test_windows_leave_no_seams(method) -> None:
    subject, ball = a_subject(pointwise_network(), window=(16, 16, 16)), a_target().mask
    even = subject.with_images((1.0 + 2.0 * ball).expand(2, *SIDES))
    found = method(even, [a_target()], Layer("first", "backbone.0"))[0].normalized().whole
    assert float(found.max()) == pytest.approx(1.0)
    for part in (found[ball], found[~ball]):
        assert float(part.max() - part.min()) < 1e-4


def test_several_targets_are_the_same_as_one_by_one(fusion_net) -> None:
    subject, layer = a_subject(fusion_net), find_layer(fusion_net)
    first, second = a_target(), a_target(channel=2, rivals=4)
    both = gradcam(subject, [first, second], layer)
    for target, found in zip((first, second), both, strict=True):
        torch.testing.assert_close(found.whole, gradcam(subject, [target], layer)[0].whole)


def test_grad_cam_plus_plus_is_its_formula(fusion_net) -> None:
    subject, target, layer = a_subject(fusion_net), a_target(), find_layer(fusion_net, "decoded4")
    with tapped(fusion_net, layer) as tap:
        score = target.score(subject.answer(subject.tiles[0]), subject.tiles[0])
    gradient, features = torch.autograd.grad(score, tap.features)[0][0], tap.features[0].detach()
    alpha = gradient**2 / (2 * gradient**2 + features.sum((1, 2, 3), keepdim=True) * gradient**3)
    weight = (alpha * gradient.relu()).mean((1, 2, 3))
    expected = (weight[:, None, None, None] * features).sum(0)
    fine = nn.functional.interpolate(expected[None, None], SIDES, mode="trilinear", align_corners=False)[0, 0]
    found = gradcam_plus_plus(subject, [target], layer)[0].whole
    torch.testing.assert_close(found, fine.relu(), rtol=1e-3, atol=1e-4 * float(fine.abs().max()))


def test_the_gradient_ends_at_the_layer(fusion_net) -> None:
    subject, target = a_subject(fusion_net), a_target()
    with tapped(fusion_net, find_layer(fusion_net, "fused4")) as tap:
        score = target.score(subject.answer(subject.tiles[0]), subject.tiles[0])
    assert tap.features.is_leaf and score.requires_grad
    with torch.enable_grad():
        assert not fusion_net.stem(torch.zeros(1, 8, 4, 4, 4)).requires_grad  # nothing before it is remembered


def test_layers_have_names_and_a_wrong_one_is_told(fusion_net) -> None:
    assert {"encoder2", "fused8", "decoded4"} <= set(layers(fusion_net))
    assert find_layer(fusion_net).name == "decoded2" and find_layer(fusion_net, "decode.0").path == "decode.0"
    with pytest.raises(InputError, match="no layer 'fused64'"):
        find_layer(fusion_net, "fused64")
    with pytest.raises(InputError, match="no default layer"):
        find_layer(pointwise_network())
