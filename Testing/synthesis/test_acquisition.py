"""What a scanner does moves nothing."""

import numpy as np
import pytest

from MultimodalSegLib.synthesis.acquisition import _slices


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
