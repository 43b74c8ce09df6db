"""The topology loss sees each kind of mistake in its own term, and repairs it."""

import numpy as np
import pytest
import torch
from scipy import ndimage
from skimage.measure import euler_number

from MultimodalSegLib.losses import topology
from MultimodalSegLib.losses.topology import TopologyLoss

INSIDE, OUTSIDE = 0.9, 0.05
SHAPE = (12, 14, 16)


def betti_numbers(mask: np.ndarray) -> tuple[int, int, int]:
    """Components, rings and hollows by counting: labels of both sides, and the Euler characteristic."""
    mask = np.pad(mask, 1)
    components = ndimage.label(mask)[1]
    hollows = ndimage.label(~mask, np.ones((3, 3, 3)))[1] - 1
    return components, components + hollows - euler_number(mask, connectivity=1), hollows


def a_shell() -> tuple[torch.Tensor, torch.Tensor]:
    """A hollow box, and a prediction whose hollow is all but filled."""
    truth = torch.zeros(SHAPE)
    truth[3:9, 3:10, 3:11] = 1
    truth[5:7, 5:8, 5:9] = 0
    probability = truth * (INSIDE - OUTSIDE) + OUTSIDE
    probability[5:7, 5:8, 5:9] = 0.8
    return probability, truth


def a_ring() -> tuple[torch.Tensor, torch.Tensor]:
    """A square ring, and a prediction with a gap in one side."""
    truth = torch.zeros(SHAPE)
    truth[5:7, 3:11, 3:13] = 1
    truth[5:7, 5:9, 5:11] = 0
    probability = truth * (INSIDE - OUTSIDE) + OUTSIDE
    probability[5:7, 3:5, 7:9] = 0.15
    return probability, truth


def a_bar() -> tuple[torch.Tensor, torch.Tensor]:
    """A solid bar, and a prediction in two pieces."""
    truth = torch.zeros(SHAPE)
    truth[4:8, 5:9, 2:14] = 1
    probability = truth * (INSIDE - OUTSIDE) + OUTSIDE
    probability[4:8, 5:9, 7:9] = 0.15
    return probability, truth


MISTAKES = pytest.mark.parametrize(("make", "dimension"), [(a_bar, 0), (a_ring, 1), (a_shell, 2)])


@MISTAKES
def test_a_mistake_raises_exactly_its_own_term(make, dimension):
    probability, truth = make()
    flawless = truth * (INSIDE - OUTSIDE) + OUTSIDE
    loss = TopologyLoss()
    for k, (wrong, right) in enumerate(zip(loss.terms(probability, truth), loss.terms(flawless, truth), strict=True)):
        if k == dimension:
            assert wrong > right + 0.3
        else:
            assert wrong == pytest.approx(float(right), abs=1e-6)


@MISTAKES
def test_ten_steps_repair_it(make, dimension):
    probability, truth = make()
    wanted = betti_numbers(truth.numpy() > 0.5)
    assert betti_numbers(probability.numpy() > 0.5)[dimension] != wanted[dimension]
    logit = probability.logit().requires_grad_()
    optimizer = torch.optim.Adam([logit], lr=1.0)
    loss = TopologyLoss(interval=1)
    for step in range(10):
        optimizer.zero_grad()
        loss(logit.sigmoid(), truth, step).backward()
        optimizer.step()
    assert betti_numbers(logit.detach().sigmoid().numpy() > 0.5) == wanted


def test_the_gradient_is_that_of_finite_differences():
    torch.manual_seed(0)
    truth = torch.zeros(5, 4, 6, dtype=torch.float64)
    truth[1:4, 1:3, 1:5] = 1
    probability = torch.rand(5, 4, 6, dtype=torch.float64).requires_grad_()
    loss = TopologyLoss((1.0, 0.5, 0.25), interval=1)
    assert torch.autograd.gradcheck(lambda p: loss(p, truth), probability, eps=1e-7)


def test_the_terms_are_weighted():
    probability, truth = a_shell()
    plain, doubled = TopologyLoss().terms(probability, truth), TopologyLoss((2.0, 0.0, 3.0)).terms(probability, truth)
    assert doubled[0] == 2 * plain[0] and doubled[1] == 0 and doubled[2] == 3 * plain[2]


def test_the_mean_over_steps_is_the_loss_at_every_step():
    probability, truth = a_ring()
    every, seldom = TopologyLoss(interval=1), TopologyLoss(interval=4)
    given = [float(seldom(probability, truth, step)) for step in range(8)]
    assert [value > 0 for value in given] == [True, False, False, False] * 2
    assert np.mean(given) == pytest.approx(float(every(probability, truth)))


def test_a_batch_counts_as_the_mean_of_its_volumes():
    (first, truth), loss = a_ring(), TopologyLoss(interval=1)
    second, other = a_bar()
    both = loss(torch.stack([first, second])[:, None], torch.stack([truth, other])[:, None])
    assert float(both) == pytest.approx((float(loss(first, truth)) + float(loss(second, other))) / 2)


def test_the_crop_is_the_box_of_the_truth_with_a_margin(monkeypatch):
    seen = []
    real = topology.persistence_diagrams
    monkeypatch.setattr(topology, "persistence_diagrams", lambda v, *a: seen.append(tuple(v.shape)) or real(v, *a))
    truth = torch.zeros(64, 64, 64)
    truth[10:14, 20:40, 63:] = 1
    TopologyLoss(size=24)(torch.rand(64, 64, 64), truth)
    assert seen == [(8, 24, 3)] * 2  # 4 + 2 * 2, 20 + 2 * 5 averaged down, 1 + 2 at the edge


def test_a_large_ring_is_still_a_ring_after_averaging():
    """At 96 voxels a side the crop is averaged to 24, and the gap is seen as before."""
    probability, truth = (x.repeat_interleave(6, 0).repeat_interleave(6, 1).repeat_interleave(6, 2) for x in a_ring())
    flawless = truth * (INSIDE - OUTSIDE) + OUTSIDE
    loss = TopologyLoss(size=24)
    wrong, right = loss.terms(probability, truth), loss.terms(flawless, truth)
    assert wrong[1] > right[1] + 0.3
    assert abs(wrong[0] - right[0]) < 0.15 and abs(wrong[2] - right[2]) < 0.15


def test_the_diagrams_of_a_truth_are_made_once(monkeypatch):
    calls = []
    real = topology.persistence_diagrams
    monkeypatch.setattr(topology, "persistence_diagrams", lambda *given: calls.append(1) or real(*given))
    probability, truth = a_shell()
    loss = TopologyLoss(interval=1)
    first = loss(probability, truth)
    assert len(calls) == 2
    assert loss(probability, truth) == first and len(calls) == 3
    loss(probability, a_ring()[1])
    assert len(calls) == 5


def test_nothing_there_and_nothing_said_costs_nothing_but_an_invention_does():
    empty = torch.zeros(8, 8, 8)
    said = torch.full((8, 8, 8), 0.1)
    loss = TopologyLoss(interval=1)
    said.requires_grad_()
    nothing = loss(said, empty)
    nothing.backward()
    assert float(nothing.detach()) == 0.0 and said.grad is not None and not said.grad.any()
    invented = empty.clone()
    invented[2:4, 2:4, 2:4] = 0.8
    assert float(loss(invented, empty)) == pytest.approx(0.8)


def test_what_does_not_fit_is_refused():
    for given in ({"weights": (1.0, 1.0)}, {"weights": (1.0, -1.0, 1.0)}, {"size": 3}, {"interval": 0}, {"bars": 0}):
        with pytest.raises(ValueError, match="at least"):
            TopologyLoss(**given)
    loss = TopologyLoss()
    with pytest.raises(ValueError, match="must both be"):
        loss(torch.zeros(4, 4, 4), torch.zeros(4, 4, 5))
    with pytest.raises(ValueError, match="must both be"):
        loss(torch.zeros(1, 2, 4, 4, 4), torch.zeros(1, 2, 4, 4, 4))
    with pytest.raises(ValueError, match="not finite"):
        loss(torch.full((4, 4, 4), float("nan")), torch.ones(4, 4, 4))
