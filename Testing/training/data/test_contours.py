"""Contours become the volumes they enclose, in the right place."""

from pathlib import Path

import numpy as np
import pytest

from MultimodalSegLib.errors import InputError
from MultimodalSegLib.images.grid import Grid
from MultimodalSegLib.training.data.contours import Contours, contours_of
from Testing.training.data.trees import circle, write_structures

FINE = Grid((80, 80, 30), (0.5, 0.5, 1.0), (-20.0, -20.0, -15.0))
HEIGHTS = FINE.origin[2] + np.arange(30)


def box(low: float, high: float, z: float) -> np.ndarray:
    corners = [(low, low), (high, low), (high, high), (low, high)]
    return np.array([(x, y, z) for x, y in corners])


def ml(path: Path, name: str, grid: Grid = FINE) -> float:
    return float(Contours(path, {name: 1}).read(grid).array.sum()) * grid.voxel_ml


def test_a_sphere_has_its_volume_and_place(tmp_path: Path) -> None:
    radii = {z: np.sqrt(10.0**2 - z**2) for z in HEIGHTS if abs(z) < 10}
    path = write_structures(tmp_path / "rs.dcm", {"ball": [circle((2.0, -3.0), r, z) for z, r in radii.items()]})
    drawn = Contours(path, {"ball": 4}).read(FINE)
    assert ml(path, "ball") == pytest.approx(4 / 3 * np.pi, rel=0.01)
    assert set(np.unique(drawn.array)) == {0, 4}
    middle = np.argwhere(drawn.array).mean(0)[::-1] * FINE.spacing + FINE.origin
    np.testing.assert_allclose(middle, (2.0, -3.0, 0.0), atol=0.05)


def test_a_box_is_exact_and_an_inner_contour_is_a_hole(tmp_path: Path) -> None:
    # edges between voxel centers, so that no center lies on them
    solid = [box(-5.25, 4.75, z) for z in HEIGHTS[10:15]]
    hollow = solid + [box(-1.25, 0.75, z) for z in HEIGHTS[10:15]]
    path = write_structures(tmp_path / "rs.dcm", {"solid": solid, "hollow": hollow})
    assert ml(path, "solid") == pytest.approx(0.5) and ml(path, "hollow") == pytest.approx(0.5 - 0.02)


def test_a_grid_that_is_turned_gives_the_same_volume(tmp_path: Path) -> None:
    path = write_structures(tmp_path / "rs.dcm", {"ball": [circle((2.0, -3.0), 8.0, z) for z in HEIGHTS[5:25]]})
    flipped = Grid(FINE.size, FINE.spacing, (19.5, 19.5, -15.0), (-1.0, 0, 0, 0, -1.0, 0, 0, 0, 1.0))
    first, second = (Contours(path, {"ball": 1}).read(grid).array for grid in (FINE, flipped))
    np.testing.assert_array_equal(first, second[:, ::-1, ::-1])
    assert first.any()


def test_slices_between_drawn_ones_are_filled_and_gaps_stay(tmp_path: Path) -> None:
    every_second = [box(-5.25, 4.75, z) for z in HEIGHTS[4:14:2]]
    path = write_structures(
        tmp_path / "rs.dcm", {"a": every_second, "b": [box(-5.25, 4.75, HEIGHTS[n]) for n in (2, 3, 20)]}
    )
    filled = Contours(path, {"a": 1}).read(FINE).array.any((1, 2))
    assert np.flatnonzero(filled).tolist() == list(range(3, 14))
    gap = Contours(path, {"b": 1}).read(FINE).array.any((1, 2))
    assert np.flatnonzero(gap).tolist() == [2, 3, 20]


def test_contours_across_the_slices_and_other_files_are_refused(tmp_path: Path) -> None:
    tilted = box(-5, 5, 0.0)
    tilted[:, 2] = [0, 0, 6, 6]
    path = write_structures(tmp_path / "rs.dcm", {"a": [tilted]})
    with pytest.raises(InputError, match="not parallel"):
        Contours(path, {"a": 1}).read(FINE)
    (tmp_path / "text.dcm").write_text("no", encoding="utf-8")
    with pytest.raises(InputError, match="cannot be read as DICOM"):
        contours_of(tmp_path / "text.dcm")
