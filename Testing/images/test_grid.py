"""Grids and volumes know where their voxels are."""

import numpy as np
import pytest

from MultimodalSegLib.images.grid import Grid, same_grid
from MultimodalSegLib.images.volume import Volume

TURNED = Grid((4, 5, 6), (1.0, 2.0, 3.0), (10.0, 20.0, 30.0), (0.0, -1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0))


def test_the_affine_agrees_with_itk() -> None:
    image = Volume(np.zeros(TURNED.shape, np.uint8), TURNED).to_sitk()
    for index in [(0, 0, 0), (3, 0, 0), (0, 4, 0), (1, 2, 5)]:
        expected = image.TransformIndexToPhysicalPoint(index)
        np.testing.assert_allclose((TURNED.affine @ [*index, 1.0])[:3], expected)


def test_indices_and_points_lead_to_one_another_as_in_itk() -> None:
    image = Volume(np.zeros(TURNED.shape, np.uint8), TURNED).to_sitk()
    index = np.array([[0.0, 0.0, 0.0], [1.25, 2.0, 5.0], [-3.0, 0.5, 9.0]])
    expected = [image.TransformContinuousIndexToPhysicalPoint(one) for one in index.tolist()]
    np.testing.assert_allclose(TURNED.points(index), expected)
    np.testing.assert_allclose(TURNED.indices(TURNED.points(index[None])), index[None], atol=1e-12)


def test_corners_are_the_outside_of_the_outer_voxels() -> None:
    extent = np.ptp(TURNED.corners, axis=0)
    np.testing.assert_allclose(extent, (10.0, 4.0, 18.0))  # i runs along y, j along -x
    assert TURNED.voxel_ml == pytest.approx(0.006)


def test_sitk_and_back_is_the_same_volume() -> None:
    volume = Volume(np.arange(120, dtype=np.float32).reshape(TURNED.shape), TURNED)
    again = Volume.from_sitk(volume.to_sitk())
    assert again.grid == TURNED
    np.testing.assert_array_equal(again.array, volume.array)


def test_an_array_of_another_shape_is_refused() -> None:
    with pytest.raises(ValueError, match="shape"):
        Volume(np.zeros((4, 5, 6)), TURNED)


def test_grids_are_the_same_up_to_rounding() -> None:
    rounded = Grid(TURNED.size, (1.00001, 2.0, 3.0), (10.0001, 20.0, 30.0), TURNED.direction)
    assert same_grid(TURNED, rounded)
    assert not same_grid(TURNED, Grid(TURNED.size, TURNED.spacing, (10.5, 20.0, 30.0), TURNED.direction))
    assert not same_grid(TURNED, Grid((4, 5, 7), TURNED.spacing, TURNED.origin, TURNED.direction))
    assert not same_grid(TURNED, Grid(TURNED.size, TURNED.spacing, TURNED.origin)), "the same voxels, turned"
