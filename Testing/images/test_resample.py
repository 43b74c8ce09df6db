"""Resampling happens in patient space, whatever the axes."""

import numpy as np
import pytest
import SimpleITK as sitk

from MultimodalSegLib.images.grid import Grid
from MultimodalSegLib.images.resample import coverage, inside, map_points, resample
from MultimodalSegLib.images.volume import Volume
from Testing.points import points_of

OBLIQUE = (0.8, 0.6, 0.0, -0.6, 0.8, 0.0, 0.0, 0.0, 1.0)
PERMUTED = (0.0, 0.0, -1.0, 1.0, 0.0, 0.0, 0.0, -1.0, 0.0)


def a_ramp(grid: Grid) -> Volume:
    """Values that are a linear function of the position in the patient."""
    points = points_of(grid)
    return Volume((points @ [1.0, 2.0, -3.0] + 5.0).astype(np.float32), grid)


@pytest.mark.parametrize("direction", [OBLIQUE, PERMUTED])
@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (2.5, 0.5, 1.0)])
def test_a_linear_function_of_position_is_reproduced(
    direction: tuple[float, ...], spacing: tuple[float, float, float]
) -> None:
    source = a_ramp(Grid((80, 80, 80), (1.0, 1.0, 1.0), (-40.0, -40.0, -40.0)))
    target = Grid((9, 10, 11), spacing, (-3.0, 4.0, 5.0), direction)
    np.testing.assert_allclose(resample(source, target).array, a_ramp(target).array, atol=0.02)


def test_the_transform_maps_points_of_the_grid_to_points_of_the_volume() -> None:
    source = a_ramp(Grid((40, 40, 40)))
    target = Grid((5, 5, 5), (1.0, 1.0, 1.0), (10.0, 10.0, 10.0))
    moved = resample(source, target, sitk.TranslationTransform(3, (4.0, 0.0, 0.0)))
    np.testing.assert_allclose(moved.array, resample(source, target).array + 4.0, atol=1e-3)


def test_outside_gets_the_value_for_outside() -> None:
    source = Volume(np.full((4, 4, 4), 7.0, np.float32), Grid((4, 4, 4)))
    moved = resample(source, Grid((8, 4, 4)), outside=-1000.0)
    assert (moved.array[:, :, :4] == 7.0).all()
    assert (moved.array[:, :, 4:] == -1000.0).all()


def test_a_coarser_grid_averages_instead_of_picking() -> None:
    stripes = np.zeros((24, 24, 24), np.float32)
    stripes[::2] = 100.0
    coarse = resample(Volume(stripes, Grid((24, 24, 24))), Grid((6, 6, 6), (4.0, 4.0, 4.0)))
    assert np.abs(coarse.array[1:-1] - 50.0).max() < 10.0


def test_labels_are_not_mixed() -> None:
    labels = Volume(np.random.default_rng(0).choice([0, 3, 515], size=(20, 20, 20)).astype(np.uint16), Grid((20,) * 3))
    coarse = resample(labels, Grid((9, 9, 9), (2.1, 2.1, 2.1), direction=OBLIQUE), labels=True)
    assert coarse.array.dtype == np.uint16
    assert set(np.unique(coarse.array)) <= {0, 3, 515}


def test_the_same_grid_gives_the_same_values() -> None:
    source = a_ramp(Grid((7, 8, 9), (1.0, 2.0, 3.0), direction=OBLIQUE))
    np.testing.assert_array_equal(resample(source, source.grid).array, source.array)


@pytest.mark.parametrize(("shift", "expected"), [(0.0, 1.0), (5.0, 0.5), (9.8, 0.02), (30.0, 0.0)])
def test_coverage_is_the_shared_part_of_the_grid(shift: float, expected: float) -> None:
    volume = Volume(np.zeros((100, 100, 100), np.uint8), Grid((100, 100, 100), (0.1, 0.1, 0.1)))
    moved = Grid((100, 100, 100), (0.1, 0.1, 0.1), (shift, 0.0, 0.0))
    assert coverage(volume, moved) == pytest.approx(expected, abs=0.02)
    back = sitk.TranslationTransform(3, (-shift, 0.0, 0.0))
    assert coverage(volume, moved, back) == pytest.approx(1.0)


def test_coverage_of_a_thin_grid_counts_half_voxels() -> None:
    volume = Volume(np.zeros((2, 4, 4), np.uint8), Grid((4, 4, 2), (1.0, 1.0, 6.5)))
    assert coverage(volume, volume.grid) == 1.0


def test_points_are_mapped_by_linear_and_curved_transforms_alike() -> None:
    points = np.random.default_rng(0).uniform(1.0, 9.0, (20, 3))
    turn = sitk.Euler3DTransform((5.0, 5.0, 5.0), 0.1, -0.2, 0.3, (1.0, 2.0, 3.0))
    spline = sitk.BSplineTransformInitializer(sitk.Image(10, 10, 10, sitk.sitkUInt8), [1, 1, 1])
    for transform in (turn, sitk.CompositeTransform([turn, spline])):
        expected = [transform.TransformPoint(point) for point in points.tolist()]
        np.testing.assert_allclose(map_points(transform, points), expected, atol=1e-9)


def test_the_box_of_a_grid_ends_half_a_voxel_beyond_the_centers() -> None:
    grid = Grid((4, 4, 4), (2.0, 2.0, 2.0), direction=PERMUTED)
    assert inside(grid, grid.corners).all()
    middle = grid.corners.mean(axis=0)
    assert not inside(grid, middle + 1.01 * (grid.corners - middle)).any()
