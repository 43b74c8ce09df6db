"""Where the head looks."""

import numpy as np
import pytest

from MultimodalSegLib.refinement.crops import EDGES, crop_size, crop_start, first_edge, reaches_border

SHAPE, SIZE = (96, 96, 64), (48, 48, 48)


@pytest.mark.parametrize("place", [(0, 0, 0), (47, 50, 30), (95, 95, 63), (-20, 200, 10)])
def test_a_crop_lies_inside_the_grid_at_even_voxels(place: tuple[int, int, int]) -> None:
    start = crop_start(np.array(place), SIZE, SHAPE)
    assert all(s % 2 == 0 and 0 <= s <= n - e for s, e, n in zip(start, SIZE, SHAPE, strict=True))


def test_a_crop_has_the_place_in_its_middle_where_it_can() -> None:
    assert crop_start(np.array([47, 50, 30]), SIZE, SHAPE) == (24, 26, 6)


def test_a_crop_is_cut_to_the_grid_in_strides() -> None:
    assert crop_size(96, (160, 72, 64), 16) == (96, 64, 64)


def test_prompts_that_lie_apart_get_a_larger_crop() -> None:
    assert first_edge(np.array([[10, 10, 10]])) == EDGES[0]
    assert first_edge(np.array([[10, 10, 10], [10, 50, 10]])) == 64
    assert first_edge(np.array([[0, 0, 0], [10, 500, 10]])) == EDGES[-1]


def test_only_a_face_behind_which_the_grid_goes_on_counts() -> None:
    change = np.zeros(SIZE, bool)
    change[0, 20, 20] = True
    assert not reaches_border(change, (0, 10, 10), SIZE, SHAPE)
    assert reaches_border(change, (2, 10, 10), SIZE, SHAPE)
    change = np.zeros(SIZE, bool)
    change[20, 20, -1] = True
    assert not reaches_border(change, (0, 0, 16), SIZE, SHAPE)
    assert reaches_border(change, (0, 0, 14), SIZE, SHAPE)
