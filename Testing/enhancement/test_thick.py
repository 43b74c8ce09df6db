"""Which direction is thick, and where the restored volume lies."""

import numpy as np
import pytest

from MultimodalSegLib.enhancement.thick import thick_axis, thick_scan
from MultimodalSegLib.errors import InputError
from MultimodalSegLib.images.grid import Grid
from Testing.enhancement.handmade import a_thick_scan

OBLIQUE = (0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0)


@pytest.mark.parametrize(
    ("spacing", "axis"),
    [((1, 1, 5), 0), ((1, 4, 1), 1), ((3, 0.8, 0.8), 2), ((1, 1, 1.2), None), ((2, 2, 2), None), ((0.5, 0.5, 1), None)],
)
def test_the_thick_direction_is_found_from_the_spacing(spacing: tuple[float, float, float], axis: int | None) -> None:
    assert thick_axis(Grid((10, 10, 10), spacing)) == axis


def test_voxels_that_are_large_in_two_directions_are_refused() -> None:
    with pytest.raises(InputError, match="more than one direction"):
        thick_axis(Grid((10, 10, 10), (3.0, 3.0, 6.0)))


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_the_restored_grid_covers_the_same_place(axis: int) -> None:
    spacing, size = [0.7, 0.7, 0.7], [30, 30, 30]
    spacing[2 - axis], size[2 - axis] = 5.0, 6
    x, y, z = spacing
    i, j, k = size
    volume = a_thick_scan(Grid((i, j, k), (x, y, z), (5.0, -7.0, 3.0), OBLIQUE))
    scan = thick_scan(volume, axis)
    restored = scan.volume(scan.model.interpolated(scan.slices))
    assert restored.grid.spacing == (1.0, 1.0, 1.0)
    assert restored.array.shape == restored.grid.shape
    assert np.allclose(restored.grid.corners, volume.grid.corners, atol=0.3)
    assert abs(float(restored.array.mean()) - float(volume.array.mean())) < 0.02 * float(np.ptp(volume.array))


def test_pixels_of_about_1_mm_stay_as_they_are() -> None:
    volume = a_thick_scan(Grid((24, 20, 8), (0.95, 0.95, 4.0)))
    scan = thick_scan(volume, 0)
    assert scan.grid.spacing == (0.95, 0.95, 1.0)
    assert np.array_equal(scan.slices, volume.array)


def test_a_single_slice_is_refused() -> None:
    with pytest.raises(InputError, match="single slice"):
        thick_scan(a_thick_scan(Grid((10, 10, 1), (1.0, 1.0, 5.0))), 0)
