"""Student and teacher: how the teacher follows, what is learned, and that features do not collapse."""

import math

import pytest
import torch

from MultimodalSegLib.networks.fusion_net import FusionNet
from MultimodalSegLib.training.pretraining import loss
from MultimodalSegLib.training.pretraining.learner import (
    Learner,
    follow,
    is_kept,
    momentum,
    teacher_of,
    teacher_temperature,
)
from Testing.training.pretraining.small import a_plan, a_pretrainer


def test_the_teacher_is_a_mean_of_old_and_new():
    plan = a_plan()
    torch.manual_seed(0)
    student = Learner(plan)
    teacher = teacher_of(student)
    before = {name: value.clone() for name, value in teacher.state_dict().items()}
    with torch.no_grad():
        for parameter in student.parameters():
            parameter += torch.randn_like(parameter)
    follow(teacher, student, 0.9)
    new = student.state_dict()
    for name, value in teacher.state_dict().items():
        assert torch.allclose(value, 0.9 * before[name] + 0.1 * new[name], atol=1e-6), name
    assert not any(parameter.requires_grad for parameter in teacher.parameters())


def test_momentum_rises_to_one_and_the_temperature_to_its_second_value():
    plan = a_plan(steps=100, warm_up_steps=10)
    values = [momentum(plan, step) for step in range(101)]
    assert values[0] == pytest.approx(0.99) and values[50] == pytest.approx(0.995) and values[100] == 1.0
    assert values == sorted(values)
    assert [teacher_temperature(plan, step) for step in (0, 5, 10, 90)] == pytest.approx([0.04, 0.055, 0.07, 0.07])


def test_kept_is_what_a_fusion_network_has_beside_fusion_and_outputs():
    plan = a_plan()
    names = {name.partition(".")[0] for name in Learner(plan).kept()}
    assert names == {"stem", "down", "modulate", "encode", "up", "decode"}
    others = {name.partition(".")[0] for name, _ in FusionNet(plan.config).named_parameters() if not is_kept(name)}
    assert others == {"fuse", "head"}


def test_encoder_decoder_and_heads_get_gradients_and_nothing_else(cases, tmp_path):
    trainer = a_pretrainer(cases, tmp_path, frozen_steps=0)
    trainer.advance(trainer.batches())
    for name, parameter in trainer.student.named_parameters():
        within = name.removeprefix("network.")
        learned = not name.startswith("network.") or is_kept(within)
        assert (parameter.grad is not None) == learned, name


def test_prototypes_stay_as_they_are_in_the_first_steps(cases, tmp_path):
    trainer = a_pretrainer(cases, tmp_path, frozen_steps=1)
    prototypes = trainer.student.place_heads[0].prototypes
    start, batches = prototypes.detach().clone(), trainer.batches()
    trainer.advance(batches)
    assert torch.equal(prototypes, start)
    trainer.advance(batches)
    assert not torch.equal(prototypes, start)


def test_points_are_answered_by_the_features_there(one_thread):
    plan = a_plan(precision="32")
    torch.manual_seed(0)
    learner = Learner(plan).eval()
    images, family = torch.randn(2, 1, 16, 16, 16), torch.zeros(2, dtype=torch.long)
    centers = (torch.cartesian_prod(*[torch.arange(8)] * 3) + 0.5) / 4 - 1  # of the voxels at stride 2
    with torch.no_grad():
        answer = learner(images, family, centers.expand(2, -1, -1))
        present = torch.ones(2, 1, dtype=torch.bool)
        finest = learner.network.decoded(images, present, family[:, None])[0][0]
        expected = learner.place_heads[0](finest.flatten(2).transpose(1, 2).flatten(0, 1))
    assert [tuple(x.shape) for x in answer.places] == [(2, 512, 16)] * 3
    assert torch.allclose(answer.places[0].flatten(0, 1), expected, atol=1e-4)


def test_every_loss_falls_and_the_features_stay_apart(cases, tmp_path, one_thread):
    trainer = a_pretrainer(cases, tmp_path)
    batches = trainer.batches()
    rows = [trainer.advance(batches) for _ in range(20)]
    for name in ("loss", "places", "tokens", "restoration"):
        first, last = (sum(row[name] for row in part) / 5 for part in (rows[:5], rows[-5:]))
        assert last < first, name
    chance = math.log(trainer.plan.prototypes)
    assert rows[-1]["places"] < chance and rows[-1]["tokens"] < chance
    assert rows[-1]["spread"] > 0.1


def softmax(logits, temperature):
    return (logits.float() / temperature).softmax(1)


def prototypes_in_use(trainer):
    """Over how many prototypes the teacher's places of a batch are spread (exponential of the entropy)."""
    batches, views = trainer.batches(), next(trainer.batches())
    while trainer.step < trainer.plan.steps:
        trainer.advance(batches)
    points = views.here[:2, :, 0].flatten(0, 1)
    with torch.no_grad():
        logits = trainer.teacher(views.large.flatten(0, 1), views.large_family.flatten(), points).places[-1]
    share = softmax(logits.flatten(0, 1), 0.07).mean(0)
    return float(torch.exp(-(share * share.log()).sum()))


def test_without_balanced_assignments_they_collapse(cases, tmp_path, one_thread, monkeypatch):
    alone = {"steps": 8, "momentum": 0.8, "view_weight": 0.0, "spread_weight": 0.0, "restoration_weight": 0.0}
    balanced = prototypes_in_use(a_pretrainer(cases, tmp_path, **alone))
    monkeypatch.setattr(loss, "sinkhorn", softmax)
    plain = prototypes_in_use(a_pretrainer(cases, tmp_path, **alone))
    assert balanced > 2 * plain
