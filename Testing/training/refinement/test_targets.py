"""Objects to click at."""

import numpy as np
import pytest
import torch

from MultimodalSegLib.training.refinement.targets import a_lesion, a_part, a_structure, corrupted, draw_target
from MultimodalSegLib.training.samples import Sample

SHAPE = (20, 20, 20)


def a_sample() -> Sample:
    """Two halves of one structure left and right, another one beside them, two lesions."""
    channel, side, lesion = (np.zeros(SHAPE, np.int64) for _ in range(3))
    channel[4:12, 2:18, 2:18] = 3
    side[4:12, 2:18, 2:10], side[4:12, 2:18, 10:18] = 1, -1
    channel[12:16, 2:18, 2:18] = 5
    lesion[6:9, 4:7, 4:7] = lesion[6:9, 12:16, 12:16] = 1
    image = torch.linspace(-1, 1, 20).expand(1, 1, *SHAPE).clone()
    return Sample(
        image,
        torch.zeros(1, 1, dtype=torch.int64),
        torch.from_numpy(channel)[None],
        torch.from_numpy(side)[None, None].to(torch.int8),
        torch.from_numpy(lesion)[None, None].float(),
    )


def seeds(count: int = 30) -> list[np.random.Generator]:
    return [np.random.default_rng(n) for n in range(count)]


def test_a_lesion_is_one_connected_lesion_and_small_ones_come_as_often() -> None:
    lesion = a_sample().lesion[0, 0].numpy() > 0
    sizes = [int(a_lesion(lesion, rng).sum()) for rng in seeds()]
    assert set(sizes) == {27, 48}
    assert 8 < sizes.count(27) < 22


def test_a_structure_has_one_side_and_holes_where_lesions_are_or_is_joined_with_neighbors() -> None:
    found = [a_structure(a_sample(), rng) for rng in seeds(60)]
    sizes = {int(mask.sum()) for mask in found}
    left, right, other = 8 * 16 * 8 - 27, 8 * 16 * 8 - 48, 4 * 16 * 16
    assert {left, right, other} <= sizes
    assert sizes <= {left, right, other, left + right, left + other, right + other, left + right + other}
    assert len(sizes) > 3


def test_a_part_is_what_is_brighter_or_darker_inside_the_object() -> None:
    mask = a_sample().channel[0].numpy() == 5
    for rng in seeds(10):
        part = a_part(mask, a_sample().images[0, 0].numpy(), rng)
        assert 0 < part.sum() < mask.sum() and not (part & ~mask).any()
        columns = np.flatnonzero(part.any((0, 1)))
        assert columns[0] == 2 or columns[-1] == 17


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_lesions_come_as_often_as_asked(share: float) -> None:
    lesion = a_sample().lesion[0, 0].numpy() > 0
    found = [draw_target(a_sample(), rng, share) for rng in seeds()]
    assert all((mask is not None) and (lesion[mask].all() == bool(share)) for mask in found)


def test_nothing_to_see_gives_no_object() -> None:
    empty = a_sample()
    blank = Sample(empty.images, empty.family, empty.channel * 0, empty.side * 0, empty.lesion * 0)
    assert draw_target(blank, np.random.default_rng(0), 0.5) is None


def test_an_earlier_mask_is_wrong_but_resembles_the_object() -> None:
    mask = a_sample().channel[0].numpy() == 3
    for rng in seeds(20):
        wrong = corrupted(mask, rng)
        assert (wrong != mask).any() and (wrong & mask).any()
