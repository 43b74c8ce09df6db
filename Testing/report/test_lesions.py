"""Every lesion with its measures; hundreds are quick, single voxels are lesions."""

import math
import time

import numpy as np
import pytest

from MultimodalSegLib.images.grid import Grid
from MultimodalSegLib.models.classes import SegmentClass
from MultimodalSegLib.report.lesions import enhancement, measure_lesions
from Testing.report.shapes import LESION, OBLIQUE, case, ellipsoid

BRAIN = (
    SegmentClass("Left cerebral white matter", 2, (1, 1, 1), "", "brain"),
    SegmentClass("Right cerebral white matter", 41, (1, 1, 1), "", "brain"),
    LESION,
)


def test_an_ellipsoid_in_thick_oblique_slices() -> None:
    grid = Grid((64, 64, 20), (1.0, 1.0, 5.0), (-10.0, 20.0, 30.0), OBLIQUE)
    labels = np.where(ellipsoid(grid, (30.0, 32.0, 50.0), (15.0, 8.0, 20.0), 0.4), LESION.value, 0)
    (lesion,) = measure_lesions(*case(labels, grid, BRAIN))
    assert lesion.volume_ml == pytest.approx(4 / 3 * math.pi * 1.5 * 0.8 * 2.0, rel=0.03)
    assert lesion.longest_diameter_mm == pytest.approx(45, abs=1), "nine slices"
    assert (lesion.in_plane.longest_mm, lesion.in_plane.perpendicular_mm) == pytest.approx((30, 16), abs=1)
    center = grid.affine[:3, :3] @ (np.array([30, 32, 50]) / grid.spacing) + grid.affine[:3, 3]
    assert lesion.center == pytest.approx(center, abs=0.1)
    assert lesion.location.side == "" and lesion.name == "Lesion 1"


def test_a_single_voxel_has_every_measure() -> None:
    grid = Grid((10, 10, 10), (1.0, 1.0, 5.0))
    labels = np.where(np.indices(grid.shape)[2] < 5, 41, 2)
    labels[9, 9, 9] = labels[0, 0, 0] = LESION.value  # in the corners of the volume
    lesions = measure_lesions(*case(labels, grid, BRAIN, CT=np.full(grid.shape, 7.0)), at_risk=BRAIN[:1])
    assert [lesion.name for lesion in lesions] == ["Lesion 1", "Lesion 2"]
    right, left = lesions
    assert (left.location.side, right.location.side) == ("left", "right")
    assert left.volume_ml == 0.005 and left.longest_diameter_mm == 5 and left.in_plane.longest_mm == 1
    assert 0 < left.surface.sphericity < 1 and left.intensities["CT"].mean == 7 and left.intensities["CT"].sd == 0
    assert left.distances == {BRAIN[0].name: 0.0} and right.distances == {BRAIN[0].name: pytest.approx(4.0)}


def test_nothing_found_and_several_kinds_of_lesions() -> None:
    grid = Grid((8, 8, 8))
    core = SegmentClass("Tumor core", 3, (1, 1, 1), "", "lesion")
    labels = np.zeros(grid.shape, np.uint16)
    assert measure_lesions(*case(labels, grid, (LESION, core))) == []
    labels[2, 2, 2:5], labels[2, 3, 2], labels[7, 7, 7] = LESION.value, core.value, core.value
    lesions = measure_lesions(*case(labels, grid, (LESION, core)))
    assert [lesion.name for lesion in lesions] == ["Lesion 1", "Tumor core 1", "Tumor core 2"]


def test_enhancement_is_relative_and_free_of_the_scanners_gain() -> None:
    grid = Grid((8, 8, 8))
    labels = np.full(grid.shape, 2)
    labels[2:4, 2:4, 2:4] = LESION.value
    t1 = np.where(labels == LESION.value, 80.0, 100.0)
    t1c = 3.0 * np.where(labels == LESION.value, 120.0, 100.0)  # another gain
    (lesion,) = measure_lesions(*case(labels, grid, BRAIN, T1=t1, T1C=t1c))
    assert lesion.enhancement_percent == pytest.approx(50)
    (lesion,) = measure_lesions(*case(labels, grid, BRAIN, T1=t1))
    assert lesion.enhancement_percent is None
    assert enhancement({"T1": np.array([2.0]), "T1C": np.array([5.0])}, {}) == pytest.approx(150)
    assert enhancement({"T1": np.array([0.0]), "T1C": np.array([5.0])}, {}) is None


def test_hundreds_of_lesions_cost_milliseconds_each() -> None:
    grid = Grid((100, 100, 100))
    labels = np.full(grid.shape, 2, np.uint16)
    labels[:, :, :50] = 41
    labels[5:95:15, 5:95:15, 5:95:15] = LESION.value
    segmentation, aligned = case(labels, grid, BRAIN)
    began = time.process_time()
    lesions = measure_lesions(segmentation, aligned, at_risk=BRAIN[:1])
    assert len(lesions) == 6**3
    assert (time.process_time() - began) / len(lesions) < 0.02
    assert {lesion.location.side for lesion in lesions} == {"left", "right"}
