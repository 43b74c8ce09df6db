"""What a scanner does moves nothing."""

from dataclasses import replace

import numpy as np
import pytest

from MultimodalSegLib.images.grid import Grid
from MultimodalSegLib.synthesis.acquisition import Acquisition, _sheared, _slices, acquire, sample_acquisition


@pytest.mark.parametrize("axis", (0, 1, 2))
@pytest.mark.parametrize("factor", (1.5, 2.0, 2.67, 4.0, 5.3))
def test_thick_slices_leave_a_slope_where_it_is(axis, factor):
    slope = np.moveaxis(np.broadcast_to(np.arange(40, dtype=np.float32)[:, None, None], (40, 5, 6)), 0, axis)
    for seed in range(5):
        seen = np.moveaxis(_slices(slope, axis, factor, np.random.default_rng(seed)), axis, 0)
        assert np.allclose(seen[6:-6], np.arange(6, 34)[:, None, None], atol=0.15)


def test_thick_slices_average_what_lies_in_them():
    image = np.zeros((32, 4, 4), np.float32)
    image[16] = 8.0
    seen = _slices(image, 0, 4.0, np.random.default_rng(0))
    assert 1.0 <= seen.max() <= 2.0 and (seen[:, 0, 0] > 0).sum() >= 4
    assert seen[:, 0, 0].sum() == pytest.approx(8.0, rel=0.01)
    assert _slices(image, 0, 1.1, np.random.default_rng(0)) is image


@pytest.mark.parametrize("tilt", [-20.0, 12.0])
def test_a_tilted_gantry_blurs_along_its_own_slices_and_moves_nothing(tilt):
    grid = Grid((20, 40, 60), (1.5, 1.5, 1.5))
    exact = Acquisition(0.0, 0, 6.0, 0.0, 0.0, np.zeros((4, 4, 4), np.float32), 1.0, np.zeros((3, 2)), None)
    k, j, _ = np.indices(grid.shape, dtype=np.float32)
    place = k - 30 - np.tan(np.radians(tilt)) * (j - 19.5)
    layer = np.where(np.abs(place) < 1, 100.0, 0.0).astype(np.float32)  # lies between the tilted slices
    seen = {t: acquire(layer, grid, replace(exact, tilt=t), "CT", 1) for t in (0.0, tilt, -tilt)}
    inside = slice(8, -8)
    middle = (seen[tilt] * place)[inside].sum() / seen[tilt][inside].sum()
    assert abs(middle) < 1.5  # voxels, as far as a slice is from its neighbor's middle
    uneven = {t: _sheared(values, np.tan(np.radians(tilt)))[inside].std(axis=1).max() for t, values in seen.items()}
    assert uneven[tilt] < 0.5 * uneven[0.0] and uneven[tilt] < 0.5 * uneven[-tilt]  # others cut across the layer


def test_axial_ct_of_thick_slices_is_tilted_at_times_and_nothing_else_is():
    drawn = [
        (name, sample_acquisition(np.random.default_rng(seed), name)) for seed in range(300) for name in ("CT", "MR")
    ]
    tilted = [(name, one) for name, one in drawn if one.tilt]
    assert 20 < len(tilted) < 80
    assert all(name == "CT" and one.slice_mm > 1.0 and 5 <= abs(one.tilt) <= 25 for name, one in tilted)
