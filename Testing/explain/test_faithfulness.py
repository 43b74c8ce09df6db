"""Figures of a map: good maps get good ones, bad maps bad ones, and what ignores the weights is caught."""

import pytest
import torch
from torch import nn

from MultimodalSegLib.explain.baselines import baseline_figures, blurred_mask
from MultimodalSegLib.explain.faithfulness import (
    NEAR_MM,
    brightest,
    curve_figures,
    deletion,
    distance_mm,
    faithfulness,
    insertion,
    mass_inside,
    pointing_game,
    stability,
)
from MultimodalSegLib.explain.gradcam import Attribution, gradcam
from MultimodalSegLib.explain.layers import find_layer
from MultimodalSegLib.explain.randomization import (
    cascade,
    computing_order,
    ignores_weights,
    likeness,
    randomized_likeness,
)
from MultimodalSegLib.networks.early_fusion import EarlyFusion
from Testing.explain.conftest import CLASSES, a_subject, a_target


def brightness_network() -> EarlyFusion:
    """The logit of lesion is the brightness of the first modality less one."""
    last = nn.Conv3d(4, CLASSES + 2, 1)
    nn.init.zeros_(last.weight)
    nn.init.zeros_(last.bias)
    last.weight.data[CLASSES + 1, 0], last.bias.data[CLASSES + 1] = 4.0, -4.0
    return EarlyFusion(last, families=2, classes=CLASSES, stride=1)


def test_curves_tell_a_good_map_from_a_bad_one() -> None:
    subject, target = a_subject(brightness_network()), a_target()
    baseline, good = torch.zeros_like(subject.images), target.mask.float()
    noise = torch.rand(good.shape, generator=torch.Generator().manual_seed(3))
    for bad in (1 - good, noise):
        assert insertion(subject, target, good, baseline).area > insertion(subject, target, bad, baseline).area + 0.1
        assert deletion(subject, target, good, baseline).area < deletion(subject, target, bad, baseline).area - 0.1
    curve = insertion(subject, target, good, baseline)
    assert curve.values[0] < 0.05 < 0.9 < curve.values[3] == curve.values[-1]  # all of it at one volume


def test_where_the_mass_of_a_map_lies() -> None:
    target = a_target()
    distance = distance_mm(target.mask, (1.5, 1.5, 1.5))
    inside, far = target.mask.float(), torch.zeros(target.mask.shape)
    far[0, 0, 0] = 1.0
    assert pointing_game(inside, distance) and not pointing_game(far, distance)
    assert not pointing_game(torch.zeros_like(far), distance) and mass_inside(torch.zeros_like(far), distance) == 0
    assert mass_inside(inside + far, distance) == pytest.approx(1 - 1 / float(inside.sum() + 1))
    assert (
        mass_inside(torch.roll(inside, 3, 0), distance)
        < 1.0
        == mass_inside(torch.roll(inside, 3, 0), distance, NEAR_MM)
    )


def test_the_brightest_part_holds_its_share() -> None:
    values = torch.tensor([[[5.0, 3.0, 1.0, 1.0]]])
    assert brightest(values, 0.4).flatten().tolist() == [5.0, 0, 0, 0]
    assert brightest(values, 0.75).flatten().tolist() == [5.0, 3.0, 0, 0]
    assert not brightest(torch.zeros(2, 2, 2)).any()


def test_a_map_that_only_depends_on_noise_is_unstable() -> None:
    subject = a_subject(brightness_network())
    bright = subject.images[0].clamp_min(0)
    assert stability(subject, bright, lambda s: Attribution(s.images[0])) > 0.99
    assert abs(stability(subject, bright, lambda s: Attribution(torch.randn(s.images[0].shape)))) < 0.1


def test_all_figures_at_once(fusion_net) -> None:
    subject, target, layer = a_subject(fusion_net), a_target(), find_layer(fusion_net)
    map_ = gradcam(subject, [target], layer)[0].whole
    found = faithfulness(
        subject, target, map_, lambda s: gradcam(s, [target], layer)[0], torch.zeros_like(subject.images)
    )
    assert {"insertion_area", "deletion_area", "pointing_game", "mass_inside", "stability"} <= set(found)
    assert all(0 <= found[name] <= 1 for name in ("insertion_area", "deletion_area", "mass_inside", "mass_near"))


def test_a_map_that_ignores_the_weights_is_caught_and_grad_cam_is_not(fusion_net) -> None:
    subject, target, layer = a_subject(fusion_net), a_target(), find_layer(fusion_net, "decoded4")

    def blurred_prediction(other):
        return Attribution(blurred_mask(target, other.spacing))

    map_, seen = blurred_prediction(subject).signed, []
    caught = randomized_likeness(subject, target, map_, blurred_prediction, seeds=(0,), report=seen.append)
    assert len(caught) == 4 and ignores_weights(caught) and min(caught.values()) == pytest.approx(1.0)
    assert seen == [0.25, 0.5, 0.75, 1.0]

    def cam(other):
        return gradcam(other, [target], layer)[0]

    assert ignores_weights(randomized_likeness(subject, target, cam(subject).signed, cam, steps=1)) is False


def test_a_map_whose_sign_alone_follows_the_weights_is_caught(fusion_net) -> None:
    subject, target = a_subject(fusion_net), a_target()
    signs = iter((1.0, -1.0, -1.0))

    def image_or_negative(other):
        return Attribution(next(signs) * other.images[0])

    caught = randomized_likeness(subject, target, subject.images[0], image_or_negative, steps=1)
    assert ignores_weights(caught) and caught.popitem()[1] == pytest.approx(1.0)


def test_of_an_empty_map_nobody_can_tell(fusion_net) -> None:
    subject, target = a_subject(fusion_net), a_target()
    map_ = subject.images[0]
    empty = torch.zeros_like(map_)
    assert likeness(map_, empty, target, subject.spacing) is None
    assert likeness(map_ - 9, map_, target, subject.spacing) == pytest.approx(1.0)  # all of it against
    silent = randomized_likeness(subject, target, map_, lambda other: Attribution(empty), steps=1)
    assert list(silent.values()) == [None] and ignores_weights(silent) is None
    seeds = iter((empty, map_, empty))
    once = randomized_likeness(subject, target, map_, lambda other: Attribution(next(seeds)), steps=1)
    assert ignores_weights(once) is True  # one network that answers is enough


def test_the_baselines_know_nothing_of_the_images() -> None:
    subject, target = a_subject(brightness_network()), a_target()
    baseline, seen = torch.zeros_like(subject.images), []
    found = baseline_figures(subject, target, baseline, seen.append)
    mask = curve_figures(subject, target, target.mask.float(), baseline)
    assert set(found) == {"random", "blurred mask"} and set(found["random"]) == set(mask)
    assert found["random"]["insertion_area"] + 0.1 < found["blurred mask"]["insertion_area"]
    assert found["blurred mask"]["insertion_area"] == pytest.approx(mask["insertion_area"], abs=0.05)
    assert seen == sorted(seen) and seen[-1] == 1.0


def test_the_cascade_forgets_from_the_answer_to_the_images(fusion_net) -> None:
    subject = a_subject(fusion_net)
    order = computing_order(subject)
    assert order[-1] == "head" and order.index("stem") < order.index("decode.1.conv1") < order.index("decode.0.conv1")
    before = {name: p.clone() for name, p in fusion_net.named_parameters()}
    changed = []
    for _, network in cascade(fusion_net, order, steps=3):
        changed.append({n for n, p in network.named_parameters() if not torch.equal(p, before[n])})
    assert "head.weight" in changed[0] and "stem.weight" not in changed[0] and "stem.weight" in changed[-1]
    assert changed[0] < changed[1] < changed[2]
    assert all(torch.equal(p, before[n]) for n, p in fusion_net.named_parameters())
