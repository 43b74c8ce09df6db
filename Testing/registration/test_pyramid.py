"""Resolutions follow the size of what was scanned."""

import numpy as np
import pytest

from MultimodalSegLib.errors import RegistrationError
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


def a_slab(slices: int, step: float) -> Volume:
    array = np.random.default_rng(0).normal(0, 20, (slices, 80, 80)).astype(np.float32)
    array[:, 10:-10, 10:-10] += 500
    return Volume(array, Grid((80, 80, slices), (2.0, 2.0, step)))


@pytest.mark.parametrize(("step", "least"), [(0.5, 24), (1.0, 12), (1.5, 9), (2.0, 6), (2.5, 6), (4.0, 3), (5.0, 3)])
def test_too_few_slices_are_said_with_the_least_that_works(step: float, least: int) -> None:
    assert build_pyramid(a_slab(least, step), "MR").head.array.any()
    for few in {2, least - 1}:
        with pytest.raises(RegistrationError, match=f"only {few} slices of {step:g} mm.* at least {least} are needed"):
            build_pyramid(a_slab(few, step), "MR")


def test_two_thick_slices_are_enough() -> None:
    assert build_pyramid(a_slab(2, 6.0), "MR").head.array.any()
