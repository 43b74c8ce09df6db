"""Lesions of two runs: which belong together, and what became of them."""

import numpy as np
import pytest

from MultimodalSegLib.images.grid import Grid
from MultimodalSegLib.models.classes import SegmentClass
from MultimodalSegLib.report.change import Change, changes, matched
from MultimodalSegLib.report.lesions import Lesion, measure_lesions, points_of
from MultimodalSegLib.report.thresholds import CRITERIA, totals
from Testing.report.shapes import LESION, case

GRID = Grid((60, 40, 30))
CORE = SegmentClass("Tumor core", 3, (1, 1, 1), "", "lesion")


def lesions(*boxes: tuple[slice, slice, slice], grid: Grid = GRID, value: int = 99) -> list[Lesion]:
    labels = np.zeros(grid.shape, np.uint16)
    for box in boxes:
        labels[box] = value
    return measure_lesions(*case(labels, grid, (LESION, CORE)))


def box(k: int, j: int, i: int, size: int = 4) -> tuple[slice, slice, slice]:
    return slice(k, k + size), slice(j, j + size), slice(i, i + size)


def compared(now: list[Lesion], earlier: list[Lesion]) -> list[Change]:
    return changes(now, earlier, list(points_of(now, GRID)), list(points_of(earlier, GRID)), 0.87)


def test_every_kind_of_change_is_told() -> None:
    earlier = lesions(box(2, 2, 2), box(12, 2, 2), box(2, 20, 2), box(20, 20, 20, 2))
    now = lesions(box(2, 2, 2, 6), box(12, 2, 2, 3), box(2, 20, 3), box(20, 2, 40))
    found = compared(now, earlier)
    assert {change.kind: change.volume_percent for change in found} == {
        "grown": pytest.approx(100 * (216 / 64 - 1)),
        "stable": pytest.approx(0),
        "new": None,
        "shrunk": pytest.approx(100 * (27 / 64 - 1)),
        "gone": pytest.approx(-100),
    }
    assert found[-1].kind == "gone" and found[-1].earlier[0].volume_ml == 0.008
    assert sorted(lesion.number for change in found for lesion in change.now) == [1, 2, 3, 4]


def test_lesions_that_merge_or_come_apart_stay_together() -> None:
    two, one = lesions(box(2, 2, 2), box(2, 2, 8)), lesions((slice(2, 6), slice(2, 6), slice(2, 12)))
    for now, earlier in ((one, two), (two, one)):
        (change,) = compared(now, earlier)
        assert (len(change.now), len(change.earlier)) == (len(now), len(earlier))
    assert compared(one, two)[0].kind == "grown" and compared(two, one)[0].kind == "stable"  # 160 and 128 voxels


def test_a_single_voxel_that_is_a_voxel_off_is_the_same_lesion() -> None:
    (change,) = compared(lesions(box(5, 5, 5, 1)), lesions(box(5, 5, 7, 1)))
    assert change.kind == "stable"
    assert {change.kind for change in compared(lesions(box(5, 5, 5, 1)), lesions(box(5, 5, 9, 1)))} == {"new", "gone"}


def test_a_small_lesion_beside_a_large_one_does_not_join_it() -> None:
    """Both are where they were; that they are near to each other ties nothing."""
    here = lesions(box(5, 5, 5), box(5, 5, 10, 2))
    assert [len(change.now) for change in compared(here, here)] == [1, 1]


def test_lesions_of_different_classes_are_not_compared() -> None:
    assert {change.kind for change in compared(lesions(box(5, 5, 5)), lesions(box(5, 5, 5), value=3))} == {
        "new",
        "gone",
    }


def test_no_lesions_on_one_side_or_on_both() -> None:
    assert matched([], [], 1.0) == [] and compared([], []) == []
    assert [change.kind for change in compared(lesions(box(1, 1, 1)), [])] == ["new"]
    assert [change.kind for change in compared([], lesions(box(1, 1, 1)))] == ["gone"]


def test_sums_of_measurable_lesions_against_the_thresholds() -> None:
    earlier = lesions(box(2, 2, 2, 10), box(20, 2, 2, 3))
    now = lesions(box(2, 2, 2, 14), box(20, 2, 2, 8), box(20, 20, 40, 5))
    found = totals(compared(now, earlier))
    assert [one.criterion for one in found] == [criterion.name for criterion in CRITERIA]
    assert all(one.crossed == "growth" for one in found)
    assert found[2].earlier == 1.0 and found[2].now == pytest.approx(14**3 / 1000), "small and new ones are in no sum"
    assert "of 1 measurable lesions changed by +174 %, beyond the threshold of growth" in found[2].sentence
    back = totals(compared(lesions(box(2, 2, 2, 6)), now))
    assert all(one.crossed == "shrinkage" and one.percent < -50 for one in back)
    assert totals(compared(now, lesions(box(20, 2, 2, 3)))) == (), "nothing was measurable"


def test_growth_of_a_sum_of_diameters_needs_five_millimeters() -> None:
    earlier, now = lesions(box(2, 2, 2, 10)), lesions(box(2, 2, 2, 13))
    diameters = totals(compared(now, earlier))[0]
    assert diameters.percent > 20 and diameters.now - diameters.earlier < 5 and diameters.crossed == ""
