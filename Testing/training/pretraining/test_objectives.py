"""Each objective against numbers worked out by hand."""

import math

import pytest
import torch

from MultimodalSegLib.training.pretraining.heads import ProjectionHead, RestorationHead
from MultimodalSegLib.training.pretraining.objectives import (
    place_loss,
    restoration_loss,
    spread,
    spread_loss,
    view_loss,
)


def test_views_are_compared_with_all_other_views_and_never_with_themselves():
    logits = torch.randn(3, 2, 4, generator=torch.Generator().manual_seed(0))
    targets = torch.rand(2, 2, 4, generator=torch.Generator().manual_seed(1)).softmax(-1)
    logarithms = (logits / 0.5).log_softmax(-1)
    pairs = [(0, 1), (0, 2), (1, 0), (1, 2)]
    expected = sum(-(targets[t] * logarithms[v]).sum(-1).mean() for t, v in pairs) / 4
    assert torch.allclose(view_loss(logits, targets, 0.5), expected)
    with pytest.raises(ValueError, match="make no pair"):
        view_loss(logits[:1], targets[:1], 0.5)


def test_places_cost_the_cross_entropy_of_the_teachers_probabilities():
    targets = torch.tensor([[1.0, 0.0], [0.25, 0.75]])
    logits = torch.tensor([[0.0, 0.0], [0.0, 1.0]])
    sure = math.log(1 + math.exp(-2))  # of the second prototype at a temperature of 0.5
    expected = (math.log(2) + 0.25 * (2 + sure) + 0.75 * sure) / 2
    assert float(place_loss(logits, targets, 0.5)) == pytest.approx(expected, rel=1e-4)


def test_close_samples_cost_more_than_distant_ones_and_are_pushed_apart():
    close = torch.tensor([[1.0, 0.0], [1.0, 0.01], [-1.0, 0.0], [-1.0, 0.01]], requires_grad=True)
    loss = spread_loss(close)
    assert loss.item() == pytest.approx(-math.log(0.01), rel=1e-3)
    loss.backward()
    moved = close.detach() - 1e-4 * close.grad
    assert spread_loss(moved) < loss
    with pytest.raises(ValueError, match="1 sample has no neighbor"):
        spread_loss(torch.ones(1, 3))


def test_only_what_was_hidden_counts_for_restoration():
    images = torch.randn(1, 1, 4, 4, 4, generator=torch.Generator().manual_seed(0))
    mask = torch.zeros_like(images, dtype=torch.bool)
    mask[..., :2] = True
    wrong = images + torch.where(mask, 0.0, 5.0)
    assert float(restoration_loss(wrong, images, mask)) == 0.0
    assert float(restoration_loss(images + 2.0, images, mask)) == pytest.approx(4.0 / float(images.var()), rel=1e-4)


def test_spread_is_none_for_one_direction_and_one_for_opposite_ones():
    assert spread(torch.tensor([[1.0, 2.0], [2.0, 4.0]])) == pytest.approx(0.0, abs=1e-6)
    assert spread(torch.tensor([[1.0, 2.0], [-1.0, -2.0]])) == pytest.approx(1.0)


def test_logits_are_cosines_whatever_the_length_of_the_prototypes():
    torch.manual_seed(0)
    head, x = ProjectionHead(6, 10), torch.randn(5, 6)
    logits = head(x)
    assert logits.shape == (5, 10) and logits.abs().max().item() <= 1.0
    with torch.no_grad():
        head.prototypes *= 7.0
    assert torch.allclose(head(x), logits, atol=1e-6)


def test_restoration_is_of_the_size_of_the_image_and_local():
    torch.manual_seed(0)
    head, finest = RestorationHead(4), torch.randn(2, 4, 8, 4, 4)
    restored = head(finest)
    assert restored.shape == (2, 1, 16, 8, 8)
    finest[0, :, 3, 2, 1] += 1.0
    changed = (head(finest) != restored).nonzero()
    assert len(changed) == 8 and changed.min(0).values.tolist() == [0, 0, 6, 4, 2]
