"""Every change of test-time augmentation has an exact way back, left and right included."""

import torch

from MultimodalSegLib.inference.uncertainty.change import Change, changes, intensity_ranges

SHAPE = (6, 7, 8)


def test_what_was_shifted_and_mirrored_comes_back_voxel_by_voxel() -> None:
    images = torch.rand(2, *SHAPE)
    change = Change(mirror=True, shift=(2, -3, 1))
    answer, part = change.undo(change.apply(images), side=None)
    assert torch.equal(answer, images[(slice(None), *part)])
    assert tuple(answer.shape[1:]) == (4, 4, 7)


def test_a_mirror_exchanges_the_sides() -> None:
    logits = torch.zeros(3, *SHAPE)
    logits[2, ..., :3] = 5.0  # the network says left there, in the mirrored images
    answer, _ = Change(mirror=True).undo(logits, side=2)
    assert bool((answer[2, ..., -3:] == -5.0).all()) and float(answer[2, ..., :-3].abs().max()) == 0.0


def test_the_first_change_is_none_and_a_ct_keeps_its_numbers_nearly(a_random_model) -> None:
    drawn = changes(a_random_model, ("CT", "MR"), 8)
    ranges = intensity_ranges(a_random_model, ("CT", "MR"))
    images = torch.rand(2, *SHAPE) * 2 - 1
    assert torch.equal(drawn[0].apply(images, ranges), images)
    ct, mr = 0.0, 0.0
    for change in drawn[1:]:
        changed = Change(gamma=change.gamma, slope=change.slope).apply(images, ranges)
        ct, mr = max(ct, float((changed - images)[0].abs().max())), max(mr, float((changed - images)[1].abs().max()))
        assert all(
            low - 1e-6 <= float(i.min()) and float(i.max()) <= high + 1e-6
            for i, (low, high) in zip(changed, ranges, strict=True)
        )
    assert 0 < ct < 0.15 < mr < 0.6
    assert sum(change.mirror for change in drawn) == 4
    assert drawn == changes(a_random_model, ("CT", "MR"), 8) != changes(a_random_model, ("CT", "MR"), 8, seed=1)
