"""The objective: its parts at each time of the training, and coarse answers against the truth at their resolution."""

from typing import NamedTuple

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from MultimodalSegLib.losses.boundary import boundary_loss
from MultimodalSegLib.losses.dice_cross_entropy import dice_cross_entropy
from MultimodalSegLib.losses.schedule import LossSchedule, LossWeights
from MultimodalSegLib.losses.topology import TopologyLoss
from MultimodalSegLib.networks.fusion_net import FusionOutput
from MultimodalSegLib.training.deep_supervision import coarse_sample
from MultimodalSegLib.training.objective import Objective, deep_supervision, lesion_loss, presence_loss, side_loss
from MultimodalSegLib.training.samples import Sample

CLASSES = 4
SHAPE = (16, 16, 24)
PARTS = ("structures", "side", "lesion", "presence", "boundary", "topology", "deep")


class Coarse(NamedTuple):
    structures: Tensor
    side: Tensor
    lesion: Tensor


def a_sample() -> Sample:
    """Three boxes, the second on both sides, and a lesion of one voxel."""
    channel = torch.zeros(1, *SHAPE, dtype=torch.int64)
    channel[:, 2:10, 2:10, 2:10] = 1
    channel[:, 2:10, 2:10, 12:20] = 2
    channel[:, 12:14, 4:12, 4:12] = 3
    side = torch.zeros(1, 1, *SHAPE, dtype=torch.int8)
    side[:, :, 2:10, 2:10, 12:16], side[:, :, 2:10, 2:10, 16:20] = -1, 1
    lesion = torch.zeros(1, 1, *SHAPE)
    lesion[..., 5, 5, 5] = 1
    return Sample(torch.zeros(1, 1, *SHAPE), torch.zeros(1, 1, dtype=torch.int64), channel, side, lesion)


def an_output(seed: int = 0) -> FusionOutput:
    maker = torch.Generator().manual_seed(seed)
    maps = [torch.randn(1, n, *SHAPE, generator=maker).requires_grad_() for n in (CLASSES, 1, 1)]
    return FusionOutput(*maps, torch.randn(1, generator=maker).requires_grad_(), torch.ones(1, 1, 2, 2, 3))


def always(**weights) -> LossSchedule:
    return LossSchedule(((0.0, LossWeights(**weights)),))


def coarse(stride: int) -> Coarse:
    maker = torch.Generator().manual_seed(stride)
    size = [n // stride for n in SHAPE]
    return Coarse(*(torch.randn(1, n, *size, generator=maker).requires_grad_() for n in (CLASSES, 1, 1)))


def test_the_total_is_the_weighted_sum_of_the_parts():
    sample, output = a_sample(), an_output()
    weights = {"alpha": 0.5, "cross_entropy": 2.0, "beta": 3.0, "side": 0.2, "lesion": 0.4, "presence": 0.6}
    total, parts = Objective(always(**weights))(output, sample, 0.5, 0, spacing=(2.0, 1.0, 1.0))
    wanted = {
        "structures": dice_cross_entropy(output.structures, sample.channel, 0.5, 2.0),
        "side": 0.2 * side_loss(output.side, sample.side),
        "lesion": 0.4 * lesion_loss(output.lesion, sample.lesion),
        "presence": 0.6 * presence_loss(output.presence, sample.lesion),
        "boundary": 3.0 * boundary_loss(output.structures.softmax(1), sample.channel, (2.0, 1.0, 1.0)),
    }
    assert tuple(parts) == PARTS
    assert float(total.detach()) == pytest.approx(sum(float(v.detach()) for v in wanted.values()), rel=1e-5)
    assert parts["boundary"] == pytest.approx(float(wanted["boundary"].detach()) / 3)
    assert parts["topology"] == parts["deep"] == 0.0


def test_the_head_s_parts_come_and_go_with_the_time():
    objective = Objective(topology=TopologyLoss(interval=4), topology_channels=(1, 3))
    seen = {}
    for fraction in (0.0, 0.5, 0.9):
        for step in (3, 4):
            _, parts = objective(an_output(), a_sample(), fraction, step)
            seen[fraction, step] = tuple(name for name in ("boundary", "topology") if parts[name] > 0)
    both = ("boundary", "topology")
    assert seen == {
        (0.0, 3): (),
        (0.0, 4): (),
        (0.5, 3): both[:1],
        (0.5, 4): both[:1],
        (0.9, 3): both[:1],
        (0.9, 4): both,
    }


def test_topology_takes_one_structure_after_the_other():
    sample, output = a_sample(), an_output()
    loss = TopologyLoss(interval=4)
    objective = Objective(always(gamma=1.0), loss, (1, 3))
    probability = output.structures.softmax(1)
    for step, channel in ((0, 1), (4, 3), (8, 1)):
        wanted = loss(probability[:, channel, None], (sample.channel == channel)[:, None], step)
        assert objective(output, sample, 0.0, step)[1]["topology"] == pytest.approx(float(wanted.detach()), rel=1e-5)
    assert objective(output, sample, 0.0, 5)[1]["topology"] == 0.0


def test_every_head_gets_a_gradient():
    output = an_output()
    objective = Objective(always(beta=1.0, gamma=1.0), TopologyLoss(interval=1), (1,))
    objective(output, a_sample(), 1.0, 0)[0].backward()
    for logit in output[:4]:
        assert logit.grad is not None and torch.isfinite(logit.grad).all() and logit.grad.abs().max() > 0


def test_heads_of_weight_zero_and_heads_that_are_not_there_cost_nothing():
    output, sample = an_output(), a_sample()
    nobody = torch.empty(1, 0, *SHAPE)
    bare = output._replace(side=nobody, lesion=nobody, presence=torch.empty(0))
    alone = float(dice_cross_entropy(output.structures, sample.channel).detach())
    zeros = {"side": 0.0, "lesion": 0.0, "presence": 0.0}
    for answer, weights in ((output, zeros), (bare, {})):
        total, parts = Objective(always(**weights))(answer, sample, 0.0, 0)
        assert float(total.detach()) == pytest.approx(alone)
        assert parts["side"] == parts["lesion"] == 0.0


def test_a_topology_loss_without_a_structure_is_refused():
    with pytest.raises(ValueError, match="at least one structure"):
        Objective(topology=TopologyLoss())


def test_a_coarse_truth_has_the_structure_at_the_centre_and_every_lesion():
    sample = a_sample()
    small = coarse_sample(sample, (4, 4, 6))
    assert torch.equal(small.channel, sample.channel[:, 2::4, 2::4, 2::4])
    assert torch.equal(small.side, sample.side[:, :, 2::4, 2::4, 2::4]) and small.side.dtype is torch.int8
    assert small.lesion.nonzero().tolist() == [[0, 0, 1, 1, 1]]
    odd = coarse_sample(sample, (3, 5, 6))  # a network that pads its input may round up
    assert odd.channel.shape[1:] == odd.lesion.shape[2:] == (3, 5, 6) and odd.lesion.sum() >= 1


def test_coarse_answers_are_weighted_by_scale():
    sample, answers = a_sample(), (coarse(4), coarse(8))
    one, other = (deep_supervision(answers, sample, LossWeights(deep=deep)) for deep in ((1.0, 0.0), (0.0, 1.0)))
    both = deep_supervision(answers, sample, LossWeights(deep=(0.5, 0.25)))
    assert float(both.detach()) == pytest.approx(0.5 * float(one.detach()) + 0.25 * float(other.detach()), rel=1e-6)
    both.backward()
    for answer in answers:
        assert all(logit.grad is not None and logit.grad.abs().max() > 0 for logit in answer)


def test_right_coarse_answers_cost_little_and_wrong_ones_much():
    sample = a_sample()
    truth = coarse_sample(sample, (4, 4, 6))
    right = Coarse(
        20.0 * F.one_hot(truth.channel, CLASSES).movedim(-1, 1).float(),
        20.0 * truth.side.float(),
        40.0 * truth.lesion - 20.0,
    )
    wrong = Coarse(right.structures.roll(1, dims=1), -right.side, -right.lesion)
    weights = LossWeights(deep=(1.0,))
    assert float(deep_supervision((right,), sample, weights)) < 0.01
    assert float(deep_supervision((wrong,), sample, weights)) > 10


def test_coarse_answers_are_part_of_the_total():
    sample, output = a_sample(), an_output()
    objective = Objective(always(deep=(0.5,)))
    plain, _ = objective(output, sample, 0.0, 0)
    total, parts = objective(output, sample, 0.0, 0, deep=(coarse(4),))
    assert parts["deep"] > 0
    assert float(total.detach()) == pytest.approx(float(plain.detach()) + parts["deep"], rel=1e-6)
    with pytest.raises(ValueError, match="2 coarse answers"):
        objective(output, sample, 0.0, 0, deep=(coarse(4), coarse(8)))


def test_false_alarms_where_no_lesion_is_cost_by_their_size():
    nothing = torch.zeros(1, 1, 32, 32, 32)
    costs = []
    for n in (0, 2, 8):
        logit = torch.full_like(nothing, -12.0)
        logit[..., :n, :n, :n] = 12.0
        costs.append(float(lesion_loss(logit, nothing)))
    assert costs[0] < 0.2 and costs[0] + 0.5 < costs[1] < costs[2]


def test_at_even_odds_a_lesion_is_not_called_everywhere():
    """A voxel that is lesion in one of ten cases is not worth marking: the best probability stays below one half."""
    torch.manual_seed(0)
    lesion = (torch.rand(1, 1, 32, 32, 32) < 0.1).float()
    chances = torch.linspace(0.02, 0.98, 49)
    costs = [float(lesion_loss(torch.full_like(lesion, float(torch.logit(p))), lesion)) for p in chances]
    assert float(chances[int(np.argmin(costs))]) < 0.5
