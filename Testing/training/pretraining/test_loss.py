"""The loss of a batch: what is compared with what."""

import pytest
import torch

from MultimodalSegLib.training.pretraining.learner import Answer, Learner, teacher_of
from MultimodalSegLib.training.pretraining.loss import learning_loss, place_losses
from Testing.training.pretraining.small import a_plan, a_pretrainer

VIEWS, BATCH, LARGE, POINTS, PROTOTYPES = 3, 2, 2, 8, 4
NOTHING = torch.zeros(0)


def an_answer(logits):
    """Of (N, P, K) logits at one scale."""
    return Answer(NOTHING, NOTHING, [logits], NOTHING)


def as_said(truth):
    """What student and teacher say if they see ``truth`` (V, T, B, P) everywhere, in the order of their answers."""
    logits = 5 * torch.nn.functional.one_hot(truth, PROTOTYPES).float()
    student = logits.transpose(1, 2).reshape(VIEWS * BATCH, LARGE * POINTS, PROTOTYPES)
    teacher = logits.permute(1, 2, 0, 3, 4).reshape(LARGE * BATCH, VIEWS * POINTS, PROTOTYPES)
    return student, teacher


def losses_of(student, teacher):
    large = LARGE * BATCH
    answers = an_answer(student[:large]), an_answer(student[large:]), an_answer(teacher)
    known = answers[2]._replace(volume=torch.zeros(1))
    return [float(x) for x in place_losses(*answers[:2], known, (VIEWS, BATCH, LARGE, POINTS), 0.5, 1.0)]


def test_each_place_is_compared_with_itself():
    truth = torch.arange(VIEWS * LARGE * BATCH * POINTS).view(VIEWS, LARGE, BATCH, POINTS)
    truth = truth[..., torch.randperm(POINTS, generator=torch.Generator().manual_seed(0))] // 3 % PROTOTYPES
    student, teacher = as_said(truth)
    assert max(losses_of(student, teacher)) < 0.1
    assert min(losses_of(student.roll(1, 1), teacher)) > 1.0


def test_hidden_places_are_those_of_a_large_view_beside_itself():
    truth = torch.randint(PROTOTYPES, (VIEWS, LARGE, BATCH, POINTS), generator=torch.Generator().manual_seed(0))
    wrong = truth.clone()
    for view in range(LARGE):
        wrong[view, view] = (wrong[view, view] + 1) % PROTOTYPES
    (student, _), (_, teacher) = as_said(wrong), as_said(truth)
    shared, unseen = losses_of(student, teacher)
    assert shared < 0.1 and unseen > 1.0


@pytest.fixture
def a_batch(cases, tmp_path):
    return next(a_pretrainer(cases, tmp_path).batches())


def test_what_the_teacher_said_before_balances_what_it_says_now(a_batch, one_thread):
    plan = a_plan()
    torch.manual_seed(0)
    student = Learner(plan)
    teacher = teacher_of(student)
    alone = learning_loss(student, teacher, a_batch, plan, 5, torch.zeros(0, plan.prototypes))
    again = learning_loss(student, teacher, a_batch, plan, 5, alone.said.roll(1, 1))
    assert alone.said.shape == (8, plan.prototypes)
    assert again.parts["views"] != pytest.approx(alone.parts["views"], abs=1e-4)
    assert again.parts["places"] == pytest.approx(alone.parts["places"], abs=1e-4)


def test_the_loss_is_the_weighted_sum_of_its_parts(a_batch, one_thread):
    plan = a_plan(view_weight=2.0, place_weight=3.0, token_weight=5.0, spread_weight=7.0, restoration_weight=11.0)
    torch.manual_seed(0)
    student = Learner(plan)
    loss, parts, _ = learning_loss(student, teacher_of(student), a_batch, plan, 0, torch.zeros(0, plan.prototypes))
    names = ("views", "places", "tokens", "closeness", "restoration")
    expected = sum(w * parts[name] for w, name in zip((2, 3, 5, 7, 11), names, strict=True))
    assert float(loss.detach()) == pytest.approx(expected, rel=1e-5)
