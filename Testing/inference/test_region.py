"""The part of a case that a model is to see."""

import numpy as np
import pytest

from MultimodalSegLib.images.grid import Grid
from MultimodalSegLib.images.volume import Volume
from MultimodalSegLib.inference.head_box import field_of_view
from MultimodalSegLib.inference.region import padded, region_box
from Testing.points import points_of

TALL = Grid((75, 60, 160), (4.0, 4.0, 5.0), (-148.0, -118.0, -400.0))


def two_legs():
    """Legs of 50 and 40 mm radius and 600 mm length that touch nowhere, above a table."""
    p = points_of(TALL)
    radius = np.where(p[..., 0] > 0, 50, 40)
    legs = (np.hypot(abs(p[..., 0]) - 80, p[..., 1]) < radius) & (abs(p[..., 2]) < 300)
    array = np.where(legs, 40.0, -1000.0)
    array[(abs(p[..., 1] - 90) < 4) & (abs(p[..., 0]) < 140)] = 100
    return {"CT": Volume(array.astype(np.float32), TALL)}


def test_a_body_is_all_of_its_large_parts_from_top_to_bottom():
    box = region_box(two_legs(), "body")
    np.testing.assert_allclose(box.low, (-128, -58, -308), atol=8)
    np.testing.assert_allclose(box.high, (138, 58, 308), atol=8)


def test_a_head_is_one_part_and_not_that_tall():
    box = region_box(two_legs(), "head")
    assert box.low[0] > 0 and box.size[2] < 275


def test_a_volume_is_everything_that_was_scanned():
    assert region_box(two_legs(), "volume") == field_of_view(TALL)
    with pytest.raises(ValueError, match="'arm'"):
        region_box(two_legs(), "arm")


def test_padding_keeps_every_voxel_where_it_is():
    grid = Grid((5, 9, 6), (1.0, 2.0, 3.0), (10.0, 20.0, 30.0))
    images = np.random.default_rng(0).normal(0, 1, (2, *grid.shape)).astype(np.float32)
    larger, around = padded(images, grid, (4, 16, 4), 8)
    assert larger.shape == (2, 8, 16, 8) and around.shape == (8, 16, 8)
    shift = np.linalg.inv(around.affine) @ grid.affine[:, 3]
    i, j, k = (int(round(n)) for n in shift[:3])
    np.testing.assert_allclose(shift[:3], (i, j, k), atol=1e-9)
    np.testing.assert_array_equal(larger[:, k : k + 6, j : j + 9, i : i + 5], images)
    outside = np.ones(around.shape, bool)
    outside[k : k + 6, j : j + 9, i : i + 5] = False
    for one, large in zip(images, larger, strict=True):
        assert np.all(large[outside] == one.min())
    same, unchanged = padded(images, grid, (1, 1, 1), 1)
    assert same is images and unchanged == grid
