"""Resolutions follow the size of what was scanned."""

import numpy as np
import pytest

from MultimodalSegLib.images.grid import Grid
from MultimodalSegLib.images.volume import Volume
from MultimodalSegLib.registration.pyramid import FINE, MOST_VOXELS, build_pyramid


def test_a_head_is_refined_at_its_own_resolution(a_ct: Volume) -> None:
    head = build_pyramid(a_ct, "CT")
    assert head.level(FINE) is head.fine and head.fine.grid == a_ct.grid
    assert head.fine.array.min() == -1.5  # normalized


def test_a_trunk_is_not_computed_at_one_millimeter() -> None:
    array = np.full((410, 110, 130), -1000.0, np.float32)  # 1640 x 440 x 520 mm: more than can be shown at 1 mm
    array[10:-10, 14:-14, 14:-14] = 40.0
    body = build_pyramid(Volume(array, Grid((130, 110, 410), (4.0, 4.0, 4.0))), "CT")
    assert body.raw.grid.spacing == (4.0, 4.0, 4.0)
    fine = Volume(np.zeros((40, 400, 400), np.float32), Grid((400, 400, 40), (1.3, 1.3, 40.0)))
    fine.array[2:-2, 50:-50, 50:-50] = 40.0
    shrunk = build_pyramid(fine, "MR").raw.grid
    assert shrunk.spacing == pytest.approx((2.6, 2.6, 40.0)) and np.prod(shrunk.size) < MOST_VOXELS
    liters = np.count_nonzero(body.head.array) * body.head.grid.voxel_ml / 1000
    assert liters == pytest.approx(390 * 82 * 102 * 0.064 / 1000, rel=0.03)
