"""Student and teacher: how the teacher follows, what is learned, and that features do not collapse."""

import pytest
import torch

from MultimodalSegLib.networks.fusion_net import FusionNet
from MultimodalSegLib.training.pretraining import learner
from MultimodalSegLib.training.pretraining.learner import (
    Learner,
    follow,
    is_encoder,
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


def test_the_encoder_is_what_a_fusion_network_has_before_the_modalities_meet():
    plan = a_plan()
    names = {name.partition(".")[0] for name in Learner(plan).encoder()}
    assert names == {"stem", "down", "modulate", "encode"}
    others = {name.partition(".")[0] for name, _ in FusionNet(plan.config).named_parameters() if not is_encoder(name)}
    assert others == {"fuse", "up", "decode", "head"}


def test_only_encoder_and_heads_get_gradients(cases, tmp_path):
    trainer = a_pretrainer(cases, tmp_path)
    trainer.advance(trainer.batches())
    for name, parameter in trainer.student.named_parameters():
        within = name.removeprefix("network.")
        learned = not name.startswith("network.") or is_encoder(within)
        assert (parameter.grad is not None) == learned, name


def test_every_loss_falls_and_the_features_stay_apart(cases, tmp_path, one_thread):
    trainer = a_pretrainer(cases, tmp_path)
    batches = trainer.batches()
    rows = [trainer.advance(batches) for _ in range(20)]
    for name in ("loss", "views", "tokens", "restoration"):
        first, last = (sum(row[name] for row in part) / 5 for part in (rows[:5], rows[-5:]))
        assert last < first, name
    assert rows[-1]["spread"] > 0.1


def prototypes_in_use(trainer):
    """Over how many prototypes the teacher's assignments of a batch are spread (exponential of the entropy)."""
    batches = trainer.batches()
    views = next(trainer.batches())
    while trainer.step < trainer.plan.steps:
        trainer.advance(batches)
    logits = trainer.teacher(views.large.flatten(0, 1), views.large_family.flatten()).volume
    share = learner.sinkhorn(logits, 0.07).mean(0)
    return float(torch.exp(-(share * share.log()).sum()))


def test_without_balanced_assignments_they_collapse(cases, tmp_path, one_thread, monkeypatch):
    alone = {"momentum": 0.8, "spread_weight": 0.0, "restoration_weight": 0.0}
    balanced = prototypes_in_use(a_pretrainer(cases, tmp_path, steps=30, **alone))
    monkeypatch.setattr(learner, "sinkhorn", lambda logits, temperature: (logits.float() / temperature).softmax(1))
    plain = prototypes_in_use(a_pretrainer(cases, tmp_path, steps=30, **alone))
    assert balanced > 2 * plain
