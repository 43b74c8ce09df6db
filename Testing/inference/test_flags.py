"""What is said of a doubtful result, and that nothing is said of a sound one."""

import numpy as np
import pytest

from MultimodalSegLib.images.grid import Grid
from MultimodalSegLib.images.volume import Volume
from MultimodalSegLib.inference.flags import (
    Estimate,
    asymmetries,
    cut_field_of_view,
    misplaced,
    misregistered,
    out_of_distribution,
)
from MultimodalSegLib.models.classes import SegmentClass

CLASSES = (
    SegmentClass("Left hippocampus", 17, (0, 0, 0), "", "brain"),
    SegmentClass("Right hippocampus", 53, (0, 0, 0), "", "brain"),
    SegmentClass("Skin", 520, (0, 0, 0), "", "soft tissue"),
    SegmentClass("Cerebrospinal fluid", 24, (0, 0, 0), "", "csf"),
)
LAS = (-1.0, 0.0, 0.0, 0.0, -1.0, 0.0, 0.0, 0.0, 1.0)  # i to the right, j to the front, LPS


def labels(direction: tuple[float, ...] = (1, 0, 0, 0, 1, 0, 0, 0, 1), **parts: object) -> Volume:
    array = np.zeros((20, 30, 40), np.uint16)
    array[5:15, 5:25, 10:30] = 17
    grid = Grid((40, 30, 20), (1.0, 1.0, 2.0), direction=tuple(map(float, direction)))
    return Volume(array, grid)


def test_a_whole_structure_is_not_cut() -> None:
    assert cut_field_of_view(labels(), CLASSES) == []


@pytest.mark.parametrize(
    ("place", "direction", "where"),
    [
        ((slice(-1, None),), (1, 0, 0, 0, 1, 0, 0, 0, 1), "top"),
        ((slice(0, 1),), (1, 0, 0, 0, 1, 0, 0, 0, 1), "bottom"),
        ((..., slice(-1, None)), (1, 0, 0, 0, 1, 0, 0, 0, 1), "left"),
        ((..., slice(-1, None)), LAS, "right"),
        ((slice(None), slice(0, 1)), LAS, "back"),
    ],
)
def test_the_side_is_named_as_the_patient_lies(place, direction, where: str) -> None:
    volume = labels(direction)
    volume.array[place] = 53
    flags = [f for f in cut_field_of_view(volume, CLASSES) if f" at the {where} " in f.sentence]
    assert [f.level for f in flags] == ["warning"] and "right hippocampus" in flags[0].sentence


def test_skin_and_the_neck_go_on_beyond_every_scan() -> None:
    volume = labels()
    volume.array[0], volume.array[-1] = 24, 520
    (flag,) = cut_field_of_view(volume, CLASSES)
    assert flag.level == "info" and "top" in flag.sentence


def test_a_pair_that_differs_is_told_unless_its_doubt_explains_it() -> None:
    def flags(left: Estimate, right: Estimate, limits: dict[str, float]) -> list[str]:
        return [f.level for f in asymmetries({17: left, 53: right}, CLASSES, limits)]

    sure, small = Estimate(4.0, 3.8, 4.2), Estimate(2.5, 2.3, 2.7)
    assert flags(sure, small, {}) == ["warning"]
    assert flags(sure, Estimate(2.5, 1.0, 6.0), {}) == ["info"]
    assert flags(sure, small, {"hippocampus": 0.6}) == []
    assert flags(sure, Estimate(3.8, 3.5, 4.0), {}) == []
    assert flags(Estimate(0.02, 0, 1), Estimate(0.0, 0, 1), {}) == []
    assert asymmetries({17: sure}, CLASSES, {}) == []


def test_distances_beyond_their_limits_become_warnings_and_alarms() -> None:
    assert [f.level for d in (1.0, 3.0, 9.0) for f in out_of_distribution(d, 2.0)] == ["warning", "alarm"]
    assert misplaced("MR", "CT", 0.85, 2.0) == []
    assert [f.level for f in (*misplaced("MR", "CT", 0.7, 8.0), *misplaced("MR", "CT", 0.3, 15.0))] == [
        "warning",
        "alarm",
    ]


def test_a_red_alignment_is_an_alarm() -> None:
    levels = [misregistered("The alignment may be wrong.", light).level for light in ("red", "amber", "unknown")]
    assert levels == ["alarm", "warning", "warning"]
