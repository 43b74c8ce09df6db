"""Left and right of structures and lesions."""

import numpy as np
import pytest

from MultimodalSegLib.images.grid import Grid
from MultimodalSegLib.models.classes import SegmentClass
from MultimodalSegLib.report.measurements import measure, voxels_by_value
from MultimodalSegLib.report.sides import middle_plane, other_side, pairs
from Testing.report.shapes import OBLIQUE, case


def entry(name: str, value: int) -> SegmentClass:
    return SegmentClass(name, value, (1, 2, 3), "", "brain")


CLASSES = (entry("Left thalamus", 10), entry("Right thalamus", 49), entry("kidney_left", 3), entry("kidney_right", 2))
ALONE = entry("Left over", 7)


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("Left thalamus", "Right thalamus"),
        ("lung_upper_lobe_left", "lung_upper_lobe_right"),
        ("RIGHT EYE", "LEFT EYE"),
        ("Cleft palate", ""),
        ("Brain stem", ""),
    ],
)
def test_the_other_side_by_name(name: str, other: str) -> None:
    assert other_side(name) == other


def test_pairs_are_found_whatever_their_order() -> None:
    assert [(left.value, right.value) for left, right in pairs((*CLASSES[::-1], ALONE))] == [(3, 2), (10, 49)]


@pytest.mark.parametrize(("left", "right", "percent"), [(6, 2, 100.0), (3, 3, 0.0), (4, 0, 200.0), (0, 4, -200.0)])
def test_asymmetry_of_a_pair(left: int, right: int, percent: float) -> None:
    grid = Grid((10, 4, 4))
    labels = np.zeros(grid.shape, np.uint16)
    labels[0, 0, :left], labels[1, 1, :right] = 10, 49
    labels[3, 3, 0] = 7
    rows = measure(*case(labels, grid, (*CLASSES, ALONE)))
    assert {row.name: row.asymmetry_percent for row in rows if row.value != 7} == {
        name: pytest.approx(percent) for name, size in (("Left thalamus", left), ("Right thalamus", right)) if size
    }
    assert rows[-1].asymmetry_percent is None


@pytest.mark.parametrize("direction", [Grid((1, 1, 1)).direction, OBLIQUE], ids=["straight", "oblique"])
def test_the_side_of_a_lesion_is_told_in_the_patient(direction) -> None:
    grid = Grid((20, 8, 8), (2.0, 3.0, 4.0), (-50.0, 20.0, 30.0), direction)
    labels = np.zeros(grid.shape, np.uint16)
    labels[4, 4, 14], labels[4, 4, 4] = 10, 49  # i grows to the patient's left; the middle is between 9 and 10
    plane = middle_plane(CLASSES, voxels_by_value(labels), grid)
    assert plane is not None
    affine = grid.affine
    at = [affine[:3, :3] @ np.array([i, 1.0, 7.0]) + affine[:3, 3] for i in (3, 8, 9, 12, 17)]
    assert plane.side(np.array([at[4]])) == "left" and plane.side(np.array(at[:1])) == "right"
    assert plane.side(np.array(at)) == "both"


def test_without_a_pair_no_side_is_known() -> None:
    grid = Grid((4, 4, 4))
    assert middle_plane(CLASSES, {10: np.array([1, 2])}, grid) is None
    assert middle_plane(CLASSES, {10: np.array([1, 2]), 49: np.array([1, 2])}, grid) is None
