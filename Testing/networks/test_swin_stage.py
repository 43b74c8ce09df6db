"""Windows of attention keep apart what is apart, at any size of the volume."""

import pytest
import torch
from monai.networks.nets.swin_unetr import SwinTransformerBlock, compute_mask

from MultimodalSegLib.networks.swin_stage import ShiftedWindowBlock, SwinStage, window_mask

from .conftest import shaken


@pytest.fixture
def a_block():
    return shaken(ShiftedWindowBlock(8, 2, 4, 2), 0.3).eval()


def test_the_mask_of_whole_windows_is_the_one_of_the_paper():
    theirs = compute_mask([8, 12, 8], (4, 4, 4), (2, 2, 2), "cpu")
    assert torch.equal(torch.tensor(window_mask((8, 12, 8), 4, (2, 2, 2))), theirs)


def test_the_block_is_the_one_of_monai_where_no_padding_is_needed(a_block):
    theirs = SwinTransformerBlock(8, 2, (4, 4, 4), (2, 2, 2)).eval()
    names = {"attention": "attn"}
    state = {".".join(names.get(p, p) for p in key.split(".")): v for key, v in a_block.state_dict().items()}
    assert not theirs.load_state_dict(state, strict=False).unexpected_keys
    x = torch.randn(2, 8, 8, 12, 8)
    mask = compute_mask([8, 8, 12], (4, 4, 4), (2, 2, 2), "cpu")
    torch.testing.assert_close(a_block(x), theirs(x, mask), atol=1e-5, rtol=1e-5)


def test_padding_takes_no_part_and_relative_places_keep_their_meaning(a_block):
    """3 of 4 tokens along an axis: the same as attention among the 48 tokens alone."""
    x = torch.randn(1, 3, 4, 4, 8)
    attention = a_block.attention
    real = torch.arange(64).view(4, 4, 4)[:3].flatten()
    bias = attention.relative_position_bias_table[attention.relative_position_index[real][:, real]]
    tokens = a_block.norm1(x).flatten(1, 3)
    query, key, value = attention.qkv(tokens).view(48, 3, 2, 4).permute(1, 2, 0, 3)
    scores = query @ key.transpose(1, 2) / 2 + bias.permute(2, 0, 1)
    wanted = attention.proj((scores.softmax(-1) @ value).transpose(0, 1).flatten(1)).view(1, 3, 4, 4, 8)
    torch.testing.assert_close(a_block._attend(a_block.norm1(x)), wanted, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("size", [(8, 8, 8), (7, 5, 9)])
def test_one_end_of_the_volume_does_not_see_the_other(a_block, size):
    x = torch.randn(1, *size, 8)
    moved = x.clone()
    moved[:, -1, -1, -1] += 10
    with torch.inference_mode():
        change = (a_block(moved) - a_block(x)).abs().amax(-1)[0]
    assert change[-1, -1, -1] > 0.1
    assert change[0].max() == change[:, 0].max() == change[:, :, 0].max() == 0


def test_shifted_windows_join_neighbors_that_windows_keep_apart():
    stage = shaken(SwinStage(8, 2, 4), 0.3).eval()
    x = torch.randn(1, 8, 4, 4, 8)
    moved = x.clone()
    moved[:, 0] += torch.randn(4, 4, 8)
    with torch.inference_mode():
        first = (stage[0](moved) - stage[0](x)).abs().amax((0, 2, 3, 4))
        both = (stage(moved) - stage(x)).abs().amax((0, 2, 3, 4))
    assert (first[4:] == 0).all()
    assert (both[4:6] > 1e-4).all()


def test_constants_are_not_saved_with_the_weights(a_block):
    assert all(value.is_floating_point() for value in a_block.state_dict().values())
