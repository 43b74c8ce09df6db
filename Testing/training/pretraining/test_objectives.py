"""Each objective against numbers worked out by hand."""

import math

import pytest
import torch

from MultimodalSegLib.training.pretraining.heads import ProjectionHead, RestorationHead
from MultimodalSegLib.training.pretraining.objectives import (
    restoration_loss,
    spread,
    spread_loss,
    token_loss,
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


def test_crops_weigh_the_same_however_many_of_their_tokens_are_hidden():
    targets = torch.tensor([[1.0, 0.0]] * 4)
    logits = torch.tensor([[0.0, 0.0], [9.0, -9.0], [9.0, -9.0], [9.0, -9.0]])
    owner = torch.tensor([0, 2, 2, 2])
    assert float(token_loss(logits, targets, owner, 1.0)) == pytest.approx(math.log(2) / 2, rel=1e-4)


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


def test_restoration_is_of_the_size_of_the_image_and_uses_every_scale():
    torch.manual_seed(0)
    head = RestorationHead([4, 6])
    scales = [torch.randn(2, 4, 8, 4, 4, requires_grad=True), torch.randn(2, 6, 4, 2, 2, requires_grad=True)]
    restored = head(scales)
    assert restored.shape == (2, 1, 16, 8, 8)
    restored.square().sum().backward()
    assert all(float(x.grad.abs().min()) > 0 for x in scales)
