"""What is explained: tiny lesions too, and the channel that decides."""

import numpy as np
import pytest
import torch

from MultimodalSegLib.errors import OutOfMemoryError
from MultimodalSegLib.explain.subject import subject_of, tiles
from MultimodalSegLib.explain.targets import Target, channel_of, on_working_grid, probability
from MultimodalSegLib.images.grid import Grid
from MultimodalSegLib.inference.view import network_view
from Testing.explain.conftest import a_subject, a_target, pointwise_network
from Testing.phantoms import a_ct, a_model


def test_a_lesion_of_one_voxel_is_not_lost_on_a_coarser_grid() -> None:
    reference, working = Grid((40, 40, 40)), Grid((10, 10, 10), (4.0, 4.0, 4.0), (1.5, 1.5, 1.5))
    mask = np.zeros(reference.shape, bool)
    mask[21, 10, 5] = True
    found = on_working_grid(mask, reference, working)
    assert found.nonzero().tolist() == [[5, 2, 1]]
    mask[:] = True
    assert bool(on_working_grid(mask, reference, working).all())


def test_channels_of_sides_and_of_the_lesion(tmp_path) -> None:
    model = a_model(tmp_path / "tiny")
    assert channel_of(model, 2) == channel_of(model, 41) == (1, 4)
    assert channel_of(model, 515) == (3, 4) and channel_of(model, 600) == (5, 0)


def test_the_shares_of_windows_add_up_to_one() -> None:
    total = torch.zeros(32, 24, 16)
    for tile in tiles((32, 24, 16), (16, 16, 16), 8):
        total[tile.place] += tile.weight
    torch.testing.assert_close(total, torch.ones_like(total))


@pytest.mark.parametrize(("channel", "rivals"), [(5, 0), (1, 4)])
def test_logits_are_read_alike_in_blocks_and_in_windows(fusion_net, channel: int, rivals: int) -> None:
    subject, target = a_subject(fusion_net), a_target(channel=channel, rivals=rivals)
    output = fusion_net(subject.images[None], torch.ones(1, 2, dtype=torch.bool), subject.family[None])
    logits = torch.cat([output.structures, output.side, output.lesion], 1)[0]
    tile = subject.tiles[0]
    found = subject.answer(tile).logits((slice(3, 12), slice(1, 6), slice(2, 15)), slice(channel, channel + 1))[0]
    torch.testing.assert_close(found, logits[channel, 3:12, 1:6, 2:15])
    torch.testing.assert_close(target.score(subject.answer(tile), tile), logits[channel][target.mask].sum())
    chance = logits[:4].softmax(0)[channel] if rivals else logits[channel].sigmoid()
    assert probability(subject, target) == pytest.approx(float(chance[target.mask].mean()), abs=1e-5)
    network = pointwise_network()
    whole, parts = probability(a_subject(network), target), probability(a_subject(network, window=(16, 16, 16)), target)
    assert whole == pytest.approx(parts, abs=1e-5)


def test_little_memory_means_windows_and_none_an_error(tmp_path) -> None:
    model = a_model(tmp_path / "tiny")
    view = network_view(model, {"CT": a_ct()})
    assert len(subject_of(model, view, "cpu").tiles) == 1
    assert len(subject_of(model, view, "cpu", memory_limit_mb=25, remembered=8.0).tiles) > 1
    with pytest.raises(OutOfMemoryError):
        subject_of(model, view, "cpu", memory_limit_mb=0.1)


def test_a_target_outside_a_window_has_no_score_there() -> None:
    mask = torch.zeros(32, 24, 16, dtype=torch.bool)
    mask[:4, :4, :4] = True
    target = Target("Lesion", 5, 0, mask)
    inside = [target.within(tile) is not None for tile in tiles((32, 24, 16), (16, 16, 16), 8)]
    assert any(inside) and not all(inside)
