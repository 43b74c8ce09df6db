"""Masks hide as many tokens as they should, in blocks."""

import numpy as np
import pytest
import torch
from scipy import ndimage

from MultimodalSegLib.training.pretraining.masking import block_mask, hide, voxel_mask


@pytest.mark.parametrize("part", [0.1, 0.3, 0.5, 0.8])
def test_the_part_that_is_hidden_is_the_one_asked_for(part):
    for seed in range(20):
        mask = block_mask(np.random.default_rng(seed), (6, 5, 4), part)
        assert mask.shape == (6, 5, 4) and mask.sum() == round(part * 120)


@pytest.mark.parametrize("part", [0.001, 0.999])
def test_at_least_one_token_is_hidden_and_one_is_seen(part):
    assert 0 < block_mask(np.random.default_rng(0), (2, 2, 2), part).sum() < 8


def test_hidden_tokens_hang_together_more_than_scattered_ones():
    def pieces(mask):
        return ndimage.label(mask)[1]

    rng = np.random.default_rng(0)
    blocks = [block_mask(rng, (8, 8, 8), 0.2) for _ in range(20)]
    scattered = [rng.permutation(mask.ravel()).reshape(mask.shape) for mask in blocks]
    assert np.mean([pieces(mask) for mask in blocks]) < 0.3 * np.mean([pieces(mask) for mask in scattered])


def test_a_part_of_none_or_all_is_refused():
    with pytest.raises(ValueError, match="part is 1.0"):
        block_mask(np.random.default_rng(0), (2, 2, 2), 1.0)


def test_hidden_voxels_carry_nothing_and_seen_ones_stay():
    torch.manual_seed(0)
    images, hidden = torch.randn(2, 1, 8, 8, 8), torch.zeros(2, 2, 2, 2, dtype=torch.bool)
    hidden[0, 1, 0, 1] = True
    shown = hide(images, hidden, 4)
    mask = voxel_mask(hidden, 4)
    assert int(mask.sum()) == 64 and bool(mask[0, 0, 4:, :4, 4:].all())
    assert torch.equal(shown[~mask], images[~mask])
    assert torch.allclose(shown[mask], images[0][~mask[0]].mean().expand(64))
    changed = torch.where(mask, torch.full_like(images, 99.0), images)
    assert torch.equal(hide(changed, hidden, 4), shown)
