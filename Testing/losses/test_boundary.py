"""The boundary loss against plain loops."""

import itertools

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from MultimodalSegLib.losses.boundary import boundary_loss

SPACING = (5.0, 0.75, 1.5)


def by_loops(probability: np.ndarray, truth: np.ndarray, spacing: tuple[float, ...]) -> float:
    """The definition, voxel by voxel."""
    lengths = []
    for index in itertools.product(*map(range, probability.shape)):
        squares = 0.0
        for axis, side in enumerate(spacing, start=2):
            beyond = list(index)
            beyond[axis] += 1
            if beyond[axis] < probability.shape[axis]:
                slopes = [(x[tuple(beyond)] - x[index]) / side for x in (probability, truth)]
                squares += (slopes[0] - slopes[1]) ** 2
        lengths.append(squares**0.5)
    return float(np.mean(lengths))


@pytest.fixture
def a_pair() -> tuple[torch.Tensor, torch.Tensor]:
    """Probabilities (2, 3, 4, 5, 6) float64 and integer classes."""
    torch.manual_seed(0)
    return torch.randn(2, 3, 4, 5, 6, dtype=torch.float64).softmax(1), torch.randint(0, 3, (2, 4, 5, 6))


def test_the_value_is_that_of_plain_loops(a_pair):
    probability, target = a_pair
    one_hot = F.one_hot(target, 3).movedim(-1, 1).double()
    wanted = by_loops(probability.numpy(), one_hot.numpy(), SPACING)
    assert float(boundary_loss(probability, one_hot, SPACING)) == pytest.approx(wanted, rel=1e-12)
    assert float(boundary_loss(probability, target, SPACING)) == pytest.approx(wanted, rel=1e-12)
    assert float(boundary_loss(probability.float(), target, SPACING)) == pytest.approx(wanted, rel=1e-5)


def test_the_gradient_is_that_of_finite_differences(a_pair):
    probability, target = a_pair
    probability.requires_grad_()
    assert torch.autograd.gradcheck(lambda p: boundary_loss(p, target, SPACING), probability)


def test_a_perfect_answer_costs_nothing_and_has_no_slope(a_pair):
    _, target = a_pair
    probability = F.one_hot(target, 3).movedim(-1, 1).double().requires_grad_()
    loss = boundary_loss(probability, target, SPACING)
    loss.backward()
    assert float(loss.detach()) == 0.0
    assert probability.grad is not None and not probability.grad.any()


def test_a_flat_border_costs_its_area_over_its_spacing():
    truth = torch.zeros(1, 1, 10, 10, 10)
    truth[:, :, 5:] = 1
    nothing = torch.zeros_like(truth)
    assert float(boundary_loss(nothing, truth, (2.0, 1.0, 1.0))) == pytest.approx(0.5 / 10)
    assert float(boundary_loss(nothing, truth, (1.0, 2.0, 2.0))) == pytest.approx(1.0 / 10)


def test_half_precision_probabilities_get_half_precision_gradients():
    probability = torch.full((1, 2, 4, 4, 4), 0.5, dtype=torch.bfloat16, requires_grad=True)
    target = torch.zeros(1, 4, 4, 4, dtype=torch.int64)
    target[:, 2:] = 1
    boundary_loss(probability, target).backward()
    assert probability.grad is not None and probability.grad.dtype is torch.bfloat16
    assert probability.grad.abs().max() > 0


@pytest.mark.parametrize(
    ("probability", "target", "spacing", "said"),
    [
        (torch.zeros(2, 4, 4, 4), torch.zeros(2, 4, 4, 4), (1.0, 1.0, 1.0), "must be"),
        (torch.zeros(1, 2, 4, 4, 4), torch.zeros(1, 3, 4, 4, 4), (1.0, 1.0, 1.0), "fits no"),
        (torch.zeros(1, 2, 4, 4, 4), torch.zeros(1, 4, 4, 4), (1.0, 1.0, 1.0), "integers"),
        (torch.zeros(1, 2, 4, 4, 4), torch.full((1, 4, 4, 4), 2), (1.0, 1.0, 1.0), "2 classes"),
        (torch.zeros(1, 1, 4, 4, 4), torch.zeros(1, 1, 4, 4, 4), (1.0, 0.0, 1.0), "positive"),
        (torch.zeros(1, 1, 4, 4, 4), torch.zeros(1, 1, 4, 4, 4), (1.0, float("nan"), 1.0), "positive"),
    ],
)
def test_what_does_not_fit_is_refused(probability, target, spacing, said):
    with pytest.raises(ValueError, match=said):
        boundary_loss(probability, target, spacing)
