"""Dice with cross-entropy against MONAI and torch."""

import pytest
import torch
from monai.losses import DiceLoss
from torch.nn import functional as F

from MultimodalSegLib.losses.dice_cross_entropy import SMOOTH, dice_cross_entropy


def reference(logits: torch.Tensor, target: torch.Tensor, weight: float, entropy: float) -> torch.Tensor:
    """The same from MONAI's Dice on the classes that are there, and torch's cross-entropy."""
    there = target.unique()
    truth = F.one_hot(target, logits.shape[1]).movedim(-1, 1).to(logits.dtype)
    dice = DiceLoss(batch=True, smooth_nr=SMOOTH, smooth_dr=SMOOTH)
    return entropy * F.cross_entropy(logits, target) + weight * dice(logits.softmax(1)[:, there], truth[:, there])


@pytest.mark.parametrize("weights", [(0.7, 1.0), (1.0, 0.3), (1.0, 0.0)])
def test_value_and_gradient_equal_the_definition(weights):
    torch.manual_seed(0)
    logits = torch.randn(2, 6, 5, 4, 3, requires_grad=True)
    target = torch.randint(0, 5, (2, 5, 4, 3))  # class 5 is absent
    expected = reference(logits, target, *weights)
    (wanted,) = torch.autograd.grad(expected, logits)
    loss = dice_cross_entropy(logits, target, *weights)
    (gradient,) = torch.autograd.grad(2 * loss, logits)
    assert torch.allclose(loss, expected, atol=1e-6)
    assert torch.allclose(gradient, 2 * wanted, atol=1e-7)


def test_a_sure_right_answer_costs_next_to_nothing():
    target = torch.randint(0, 4, (1, 8, 8, 8))
    right = 40.0 * F.one_hot(target, 4).movedim(-1, 1).float()
    assert dice_cross_entropy(right, target) < 1e-3
    assert dice_cross_entropy(right.roll(1, dims=1), target) > 10


def test_half_precision_logits_get_half_precision_gradients():
    logits = torch.randn(1, 3, 4, 4, 4, dtype=torch.bfloat16, requires_grad=True)
    dice_cross_entropy(logits, torch.zeros(1, 4, 4, 4, dtype=torch.int64)).backward()
    assert logits.grad is not None and logits.grad.dtype is torch.bfloat16


def test_what_does_not_fit_is_refused():
    logits, target = torch.zeros(1, 3, 4, 4, 4), torch.zeros(1, 4, 4, 4, dtype=torch.int64)
    with pytest.raises(ValueError, match="do not fit"):
        dice_cross_entropy(logits, target[:, :3])
    for weights in ((-1.0, 1.0), (1.0, float("nan"))):
        with pytest.raises(ValueError, match="at least 0"):
            dice_cross_entropy(logits, target, *weights)
