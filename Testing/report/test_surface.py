"""Surface and roundness of bodies that are known."""

import math

import numpy as np
import pytest

from MultimodalSegLib.images.grid import Grid
from MultimodalSegLib.report.surface import surface
from Testing.report.shapes import ellipsoid


def test_a_single_voxel_is_an_octahedron() -> None:
    found = surface(np.ones((1, 1, 1), bool), (2.0, 2.0, 2.0))
    assert found.area_mm2 == pytest.approx(4 * math.sqrt(3))
    assert found.volume_mm3 == pytest.approx(4 / 3)
    assert found.sphericity == pytest.approx(0.846, abs=0.001)


def test_a_ball_is_round_on_any_grid_and_larger_by_the_steps_of_its_voxels() -> None:
    for spacing in ((1.0, 1.0, 1.0), (0.5, 0.5, 0.5), (0.7, 1.1, 1.3)):
        grid = Grid((70, 70, 70), spacing)
        center = tuple(35 * step for step in spacing)
        found = surface(ellipsoid(grid, center, (12.0,) * 3), spacing)
        assert found.volume_mm3 == pytest.approx(4 / 3 * math.pi * 12**3, rel=0.02)
        assert 1.0 < found.area_mm2 / (4 * math.pi * 12**2) < 1.13
        assert 0.88 < found.sphericity < 0.95


def test_a_rod_is_less_round_than_a_ball_and_a_plate_too() -> None:
    grid = Grid((80, 80, 40))
    shapes = [(12.0, 12.0, 12.0), (30.0, 6.0, 6.0), (30.0, 30.0, 2.0)]
    round_ball, rod, plate = (surface(ellipsoid(grid, (40, 40, 20), axes), grid.spacing).sphericity for axes in shapes)
    assert round_ball > rod > plate


def test_a_box_of_thick_slices() -> None:
    found = surface(np.ones((4, 10, 10), bool), (1.0, 1.0, 5.0))
    assert found.area_mm2 == pytest.approx(2 * 100 + 4 * 200, rel=0.1)
    assert found.volume_mm3 == pytest.approx(2000, rel=0.05)
