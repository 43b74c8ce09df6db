"""The head is found in what scanners deliver: tables, noise, blanked surroundings, oblique grids, whole bodies."""

import numpy as np
import pytest

from MultimodalSegLib.images.grid import Grid
from MultimodalSegLib.images.volume import Volume
from MultimodalSegLib.inference.head_box import Box, constant_padding, field_of_view, head_box
from Testing.points import points_of

OBLIQUE = (0.8, -0.6, 0.0, 0.6, 0.8, 0.0, 0.0, 0.0, 1.0)


def a_grid(size=(64, 64, 64), spacing=4.0, direction=(1.0, 0, 0, 0, 1.0, 0, 0, 0, 1.0)):
    middle = np.reshape(direction, (3, 3)) @ ((np.array(size) - 1) / 2 * spacing)
    return Grid(size, (spacing,) * 3, tuple((-middle).tolist()), tuple(map(float, direction)))


def a_head(grid, inside, outside, center=(0, 0, 0), radii=(70, 90, 80)):
    p = points_of(grid)
    head = (((p - np.asarray(center)) / np.asarray(radii)) ** 2).sum(-1) < 1
    return np.where(head, inside, outside).astype(np.float32), p


def assert_near(box, low, high, tolerance=7.0):
    np.testing.assert_allclose(box.low, low, atol=tolerance)
    np.testing.assert_allclose(box.high, high, atol=tolerance)


HEAD_LOW, HEAD_HIGH = (-78, -98, -88), (78, 98, 88)  # with 8 mm of margin


@pytest.mark.parametrize("direction", [(1, 0, 0, 0, 1, 0, 0, 0, 1), (-1, 0, 0, 0, -1, 0, 0, 0, 1), OBLIQUE])
def test_ct_without_its_table(direction):
    grid = a_grid(direction=direction)
    array, p = a_head(grid, 40, -1000)
    array[(p[..., 1] > 100) & (p[..., 1] < 107) & (abs(p[..., 0]) < 110)] = 200
    assert_near(head_box({"CT": Volume(array, grid)}), HEAD_LOW, HEAD_HIGH)


def test_noisy_mri_with_a_bright_vessel():
    grid = a_grid()
    random = np.random.default_rng(0)
    array, p = a_head(grid, 400, 0)
    array += abs(random.normal(0, 15, grid.shape)).astype(np.float32)
    array[30:33, 30:33, 30:33] = 20000
    assert_near(head_box({"T1": Volume(array, grid)}), HEAD_LOW, HEAD_HIGH)


def test_scalp_beyond_a_dark_skull_is_head():
    grid = a_grid((96, 96, 96), 2.5)
    array, p = a_head(grid, 400, 0)
    for shrink, value in ((6, 15), (14, 300)):  # 6 mm of scalp, 8 mm of skull, brain
        inner = ((p / (np.array([70, 90, 80]) - shrink)) ** 2).sum(-1) < 1
        array[inner] = value
    assert_near(head_box({"T1": Volume(array, grid)}), HEAD_LOW, HEAD_HIGH)


@pytest.mark.parametrize("blank", [0.0, -1024.0, -3024.0])
def test_skull_stripped_ct_whatever_it_was_blanked_with(blank):
    grid = a_grid()
    array, _ = a_head(grid, 35, blank)
    array[array == 35] += np.random.default_rng(0).normal(0, 5, np.count_nonzero(array == 35))
    volume = Volume(array, grid)
    assert constant_padding(array) == blank
    assert_near(head_box({"CT": volume}), HEAD_LOW, HEAD_HIGH)


def test_all_volumes_count_but_pet_only_alone():
    grid = a_grid()
    small, _ = a_head(grid, 40, -1000, radii=(50, 50, 50))
    wide, _ = a_head(grid, 300, 0)
    everywhere = Volume(np.random.default_rng(0).uniform(1, 2, grid.shape).astype(np.float32), grid)
    assert_near(head_box({"CT": Volume(small, grid), "MR": Volume(wide, grid)}), HEAD_LOW, HEAD_HIGH)
    assert_near(head_box({"CT": Volume(small, grid), "PET": everywhere}), (-58,) * 3, (58,) * 3)
    assert_near(head_box({"PET": Volume(wide, grid)}), HEAD_LOW, HEAD_HIGH)


def test_body_scan_is_cut_below_the_head():
    grid = a_grid((80, 64, 150))
    array, p = a_head(grid, 40, -1000, center=(0, 0, 200))
    body = (p[..., 2] < 130) & (abs(p[..., 0]) < 150) & (abs(p[..., 1]) < 100)
    array[body] = 40
    box = head_box({"CT": Volume(array, grid)})
    assert box.high[2] == pytest.approx(288, abs=7)
    assert 255 <= box.size[2] <= 270
    assert head_box({"CT": Volume(array, grid)}, max_height_mm=120).size[2] <= 130


@pytest.mark.parametrize("value", [-1000.0, 0.0, 50.0])
def test_nothing_found_gives_the_whole_field_of_view(value):
    grid = a_grid((40, 40, 40), direction=OBLIQUE)
    box = head_box({"CT": Volume(np.full(grid.shape, value, np.float32), grid)})
    assert box == field_of_view(grid)


def test_never_beyond_the_field_of_view():
    grid = a_grid((30, 30, 30))
    box = head_box({"CT": Volume(np.full(grid.shape, 40, np.float32) + points_of(grid)[..., 0] / 10, grid)})
    view = field_of_view(grid)
    assert np.all(np.array(box.low) >= view.low) and np.all(np.array(box.high) <= view.high)


def test_a_single_thick_slice_stack_and_a_fine_volume_work():
    thick = Grid((256, 256, 5), (0.9, 0.9, 6.0), (-115.0, -115.0, 0.0))
    array, _ = a_head(thick, 40, -1000)
    assert head_box({"CT": Volume(array.astype(np.float32), thick)}).size[2] == pytest.approx(30, abs=0.1)


def test_working_grid_covers_the_box_and_has_it_in_its_middle():
    box = Box((-71.0, -80.5, -10.0), (70.0, 99.0, 133.3))
    grid = box.grid(1.5, 32)
    assert all(n % 32 == 0 for n in grid.size) and grid.direction == (1, 0, 0, 0, 1, 0, 0, 0, 1)
    view = field_of_view(grid)
    assert np.all(np.array(view.low) <= box.low) and np.all(np.array(view.high) >= box.high)
    np.testing.assert_allclose(np.add(view.low, view.high), np.add(box.low, box.high))
    assert np.all(np.array(grid.size) * 1.5 - box.size < 32 * 1.5)
    assert Box((0.0, 0.0, 0.0), (5.0, 5.0, 5.0)).grid(1.5, 32).size == (64, 64, 64)
