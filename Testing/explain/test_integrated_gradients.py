"""Integrated gradients are captum's, add up, and know modalities apart."""

import pytest
import torch
from captum.attr import IntegratedGradients

from MultimodalSegLib.explain.blurring import blurred
from MultimodalSegLib.explain.integrated_gradients import integrated_gradients, signed_integrated_gradients
from MultimodalSegLib.explain.occlusion import score
from Testing.explain.conftest import a_subject, a_target, pointwise_network
from Testing.explain.test_gradcam import lesion_score


def test_are_those_of_captum(fusion_net) -> None:
    subject, target = a_subject(fusion_net), a_target()
    baseline = blurred(subject.images, subject.spacing)
    found = signed_integrated_gradients(subject, target, baseline, steps=3)
    expected = IntegratedGradients(lesion_score(subject, target)).attribute(
        subject.images[None], baseline[None], n_steps=3, method="gausslegendre"
    )[0]
    torch.testing.assert_close(found, expected.float(), rtol=1e-3, atol=1e-4 * float(expected.abs().max()))
    both = integrated_gradients(subject, target, baseline, steps=3)
    assert both.by_modality is not None and both.by_modality.shape == subject.images.shape
    assert float(both.whole.min()) >= 0


@pytest.mark.parametrize("window", [None, (16, 16, 16)])
def test_add_up_to_what_the_score_gains_in_windows_too(window) -> None:
    subject, target = a_subject(pointwise_network(), window=window), a_target()
    baseline = torch.zeros_like(subject.images)
    gain = score(subject, target) - score(subject.with_images(baseline), target)
    found = signed_integrated_gradients(subject, target, baseline, steps=24)
    assert float(found.sum()) == pytest.approx(gain, rel=0.02)
    assert not found[:, ~target.mask].any()  # each voxel is seen by itself
