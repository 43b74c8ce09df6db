"""Diameters against bodies whose size is known."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from MultimodalSegLib.images.grid import Grid
from MultimodalSegLib.report.diameters import in_plane_diameters, longest_diameter, slice_axis
from Testing.report.shapes import OBLIQUE, ellipsoid

THICK = Grid((60, 60, 12), (1.0, 1.0, 5.0))
SAGITTAL = Grid((64, 64, 64), direction=(0, 0, 1, 1, 0, 0, 0, 1, 0))  # i to the back, j upwards, k to the left


@pytest.mark.parametrize(("spacing", "longest", "flat"), [((1, 1, 1), 1, 1), ((1, 1, 5), 5, 1), ((0.5, 2, 3), 3, 2)])
def test_a_single_voxel_is_as_long_as_its_longest_side(spacing, longest: float, flat: float) -> None:
    one = np.ones((1, 1, 1), bool)
    assert longest_diameter(one, spacing) == pytest.approx(longest)
    found = in_plane_diameters(one, Grid((9, 9, 9), spacing))
    assert found.longest_mm == pytest.approx(flat)
    assert 0 < found.perpendicular_mm <= found.longest_mm


def test_a_row_of_voxels_is_measured_from_edge_to_edge() -> None:
    row = np.ones((1, 1, 7), bool)
    assert longest_diameter(row, (2.0, 3.0, 4.0)) == pytest.approx(14)
    found = in_plane_diameters(row, Grid((7, 1, 1), (2.0, 3.0, 4.0), (0, 0, 0)))
    assert (found.longest_mm, found.perpendicular_mm) == pytest.approx((14, 3))


@pytest.mark.parametrize("direction", [Grid((1, 1, 1)).direction, OBLIQUE], ids=["straight", "oblique"])
@pytest.mark.parametrize("turn", [0.0, 0.5, math.pi / 4])
def test_the_axes_of_an_ellipse_in_thick_slices(direction, turn: float) -> None:
    grid = Grid(THICK.size, THICK.spacing, (7.0, 8.0, 9.0), direction)
    mask = ellipsoid(grid, (30.0, 30.0, 25.0), (20.0, 9.0, 18.0), turn)
    found = in_plane_diameters(mask, grid)
    assert found.longest_mm == pytest.approx(40, abs=1)
    assert found.perpendicular_mm == pytest.approx(18, abs=1)
    assert found.product_mm2 == found.longest_mm * found.perpendicular_mm
    assert (found.plane, found.slice_index) == ("axial", 5)
    assert longest_diameter(mask, grid.spacing) == pytest.approx(40, abs=1.5)


def test_a_box_is_cut_at_its_slice_index_in_the_whole_volume() -> None:
    mask = np.ones((2, 3, 4), bool)
    mask[0, 2] = False  # the second slice is the larger one
    assert in_plane_diameters(mask, THICK, start=(6, 10, 20)).slice_index == 7


def test_the_perpendicular_is_a_line_and_not_the_width_of_the_box() -> None:
    """Along a parallelogram's long diagonal its box is wider than any line across it."""
    j, i = np.indices((40, 80))
    mask = ((i - 10 >= j) & (i - 10 <= j + 20) & (j < 30))[None]
    found = in_plane_diameters(mask, Grid((80, 40, 1), (1.0, 1.0, 5.0)))
    assert found.longest_mm == pytest.approx(math.hypot(50, 30), abs=1.2)
    area = mask.sum()
    assert area <= found.product_mm2 <= 2 * area + 60  # a kite: half the product of its diagonals


def test_islands_of_one_slice_are_measured_each_by_itself() -> None:
    bow = np.zeros((2, 5, 30), bool)
    bow[0, 2] = True  # joins them in the slice below
    bow[0, 2, 15:] = False
    bow[1, 2, :4] = bow[1, 2, 10:16] = True
    mask = bow[1:]
    assert in_plane_diameters(mask, Grid((30, 5, 1), (1.0, 1.0, 5.0))).longest_mm == pytest.approx(6)
    assert in_plane_diameters(bow, Grid((30, 5, 2), (1.0, 1.0, 5.0))).longest_mm == pytest.approx(15)


@pytest.mark.parametrize(
    ("grid", "axis", "plane"),
    [
        (THICK, 2, "axial"),
        (SAGITTAL, 1, "axial"),  # no thick slices: across the foot-head axis
        (Grid((9, 9, 9), (1, 1, 1.4)), 2, "axial"),
        (Grid((9, 9, 9), (6, 1, 1)), 0, "sagittal"),
        (Grid((9, 9, 9), (1, 4, 1)), 1, "coronal"),
        (Grid((9, 9, 9), (1, 1, 4), direction=SAGITTAL.direction), 2, "sagittal"),
    ],
)
def test_the_plane_is_that_of_the_acquired_slices(grid: Grid, axis: int, plane: str) -> None:
    assert slice_axis(grid) == axis
    assert in_plane_diameters(np.ones((2, 2, 2), bool), grid).plane == plane


def test_the_slice_of_a_sagittal_volume_is_found_by_its_own_axis() -> None:
    mask = ellipsoid(SAGITTAL, (30.0, 20.0, 40.0), (12.0, 15.0, 6.0))
    found = in_plane_diameters(mask, SAGITTAL)
    assert (found.plane, found.slice_index) == ("axial", 20)
    assert (found.longest_mm, found.perpendicular_mm) == pytest.approx((24, 12), abs=1.1)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.4, 4.0), st.floats(0.4, 4.0))
def test_no_line_is_longer_than_the_longest(seed: int, x: float, z: float) -> None:
    """Against every pair of face centers, on random clouds of voxels."""
    mask = np.random.default_rng(seed).random((3, 5, 4)) < 0.3
    mask[0, 0, 0] = True
    spacing = np.array([z, 1.0, x])
    half = np.concatenate([np.diag(spacing), -np.diag(spacing)]) / 2
    points = (np.argwhere(mask) * spacing)[:, None] + half
    points = points.reshape(-1, 3)
    apart = np.linalg.norm(points[:, None] - points[None], axis=-1)
    longest = longest_diameter(mask, (x, 1.0, z))
    assert longest == pytest.approx(apart.max())
    found = in_plane_diameters(mask, Grid((4, 5, 3), (x, 1.0, z)))
    assert found.perpendicular_mm <= found.longest_mm + 1e-9 <= longest + 2e-9
