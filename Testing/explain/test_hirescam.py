"""HiResCAM is gradient times activation place by place, in windows too, and stays with its target."""

import torch
from captum.attr import LayerGradientXActivation
from torch import nn

from MultimodalSegLib.explain.gradcam import gradcam
from MultimodalSegLib.explain.hirescam import hirescam
from MultimodalSegLib.explain.layers import Layer, find_layer
from MultimodalSegLib.explain.targets import Target
from Testing.explain.conftest import LESION, SIDES, a_ball, a_subject, a_target, pointwise_network
from Testing.explain.test_gradcam import lesion_score


def test_is_gradient_times_activation_of_captum(fusion_net) -> None:
    subject, target = a_subject(fusion_net), a_target()
    found = hirescam(subject, [target], find_layer(fusion_net, "decoded4"))[0].whole
    images = subject.images[None].clone().requires_grad_()
    product = LayerGradientXActivation(lesion_score(subject, target), fusion_net.decode[1]).attribute(images)
    coarse = product.sum(1, keepdim=True).detach()
    fine = nn.functional.interpolate(coarse, SIDES, mode="trilinear", align_corners=False)[0, 0]
    torch.testing.assert_close(found, fine.clamp_min(0), rtol=1e-3, atol=1e-5 * float(fine.abs().max()))


def test_windows_add_up_to_the_whole() -> None:
    network, layer = pointwise_network(), Layer("first", "backbone.0")
    whole = hirescam(a_subject(network), [a_target()], layer)[0].whole
    tiled = hirescam(a_subject(network, window=(16, 16, 16)), [a_target()], layer)[0].whole
    assert float(whole.max()) > 0
    torch.testing.assert_close(tiled, whole, rtol=1e-4, atol=1e-5)


def test_one_of_two_lesions_is_told_from_the_other() -> None:
    subject, layer = a_subject(pointwise_network()), Layer("first", "backbone.0")
    half = a_ball()
    half[:16] = False
    target = Target("Lesion 1", LESION, 0, half)
    of_one, of_all = hirescam(subject, [target], layer)[0].whole, gradcam(subject, [target], layer)[0].whole
    other = a_ball() & ~half
    assert not of_one[other].any() and bool((of_one[half] > 0).any())
    assert bool((of_all[other] > 0).any())  # Grad-CAM marks whatever looks alike
