"""Measures against bodies whose size is known."""

import csv
import math
import os

import numpy as np
import pytest

from MultimodalSegLib.errors import OutputError
from MultimodalSegLib.images.grid import Grid
from MultimodalSegLib.images.volume import Volume
from MultimodalSegLib.inference.segmentation import Segmentation, SegmentClass
from MultimodalSegLib.registration.aligned import AlignedCase
from MultimodalSegLib.report.measurements import lesion_components, measure, write_measurements

GRID = Grid((40, 50, 30), (1.0, 0.5, 2.0), (3.0, 4.0, 5.0))
TURNED = Grid((60, 60, 60), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0), (0.8, -0.6, 0.0, 0.6, 0.8, 0.0, 0.0, 0.0, 1.0))
CLASSES = (
    SegmentClass("Left thalamus", 10, (0, 118, 14), "", "brain"),
    SegmentClass("Skull", 515, (240, 230, 200), "", "bone"),
    SegmentClass("Lesion", 600, (255, 0, 0), "", "lesion"),
)


@pytest.fixture
def a_result():
    labels = np.zeros(GRID.shape, np.uint16)
    labels[10:15, 10:30, 5:15] = 10  # 5 x 20 x 10 voxels of 1 mm3
    labels[20:22, 5:9, 20:24] = 600  # 2 x 4 x 4
    labels[22, 9, 24] = 600  # touches its corner
    labels[2, 40, 35] = 600  # alone
    ct = np.full(GRID.shape, -1000, np.float32)
    ct[labels == 10] = 30
    ct[12, 20, 10] = 1030
    ct[labels == 600] = 60
    mr = np.full(GRID.shape, 5, np.float32)
    aligned = AlignedCase({"CT": Volume(ct, GRID), "T1": Volume(mr, GRID)}, "CT")
    return Segmentation(Volume(labels, GRID), CLASSES), aligned


def test_what_is_present_is_measured(a_result):
    rows = measure(*a_result)
    assert [row.name for row in rows] == ["Left thalamus", "Lesion"]
    thalamus = rows[0]
    assert thalamus.voxels == 1000 and thalamus.volume_ml == pytest.approx(1.0)
    assert thalamus.intensities["CT"].mean == pytest.approx(31)
    assert thalamus.intensities["CT"].sd == pytest.approx(math.sqrt(1000 - 1), rel=1e-6)
    assert thalamus.intensities["CT"].median == 30 and thalamus.intensities["T1"].mean == 5
    assert thalamus.extent_mm == pytest.approx((10, 10, 10))
    assert thalamus.components == ()


def test_lesions_are_counted_one_by_one(a_result):
    components = measure(*a_result)[1].components
    assert [c.volume_ml for c in components] == pytest.approx([0.033, 0.001])
    assert components[0].longest_diameter_mm == pytest.approx(math.sqrt(4**2 + 2**2 + 4**2))
    assert components[1].longest_diameter_mm == 0


def test_longest_diameter_of_a_ball_and_of_a_rod_on_a_turned_grid():
    k, j, i = np.indices(TURNED.shape)
    ball = (i - 30) ** 2 + (j - 30) ** 2 + (k - 30) ** 2 <= 15**2
    rod = np.zeros(TURNED.shape, bool)
    rod[5, 3:58, 3:58] = np.eye(55, dtype=bool)
    (component,) = lesion_components(ball, TURNED)
    assert component.longest_diameter_mm == pytest.approx(30, abs=0.5)
    assert component.volume_ml == pytest.approx(4 / 3 * math.pi * 1.5**3, rel=0.02)
    (component,) = lesion_components(rod, TURNED)  # all on one line: no convex hull
    assert component.longest_diameter_mm == pytest.approx(54 * math.sqrt(2))


def test_extent_is_along_the_patient_and_not_along_the_grid():
    labels = np.zeros(TURNED.shape, np.uint16)
    labels[30, 30, 10:50] = 10
    aligned = AlignedCase({"CT": Volume(np.zeros(TURNED.shape, np.float32), TURNED)}, "CT")
    (row,) = measure(Segmentation(Volume(labels, TURNED), CLASSES), aligned)
    assert row.extent_mm == pytest.approx((39 * 0.8 + 1.4, 39 * 0.6 + 1.4, 1.0))


def test_nothing_found_gives_no_rows(a_result):
    segmentation, aligned = a_result
    empty = Segmentation(Volume(np.zeros(GRID.shape, np.uint16), GRID), CLASSES)
    assert measure(empty, aligned) == []


def test_other_grids_are_refused(a_result):
    segmentation, _ = a_result
    other = AlignedCase({"CT": Volume(np.zeros(TURNED.shape, np.float32), TURNED)}, "CT")
    with pytest.raises(ValueError, match="grids"):
        measure(segmentation, other)


def test_csv_can_be_read_back(a_result, tmp_path):
    path = tmp_path / "measurements.csv"
    path.write_text("old")
    write_measurements(measure(*a_result), path)
    rows = list(csv.DictReader(path.open(encoding="utf-8")))
    assert [row["name"] for row in rows] == ["Left thalamus", "Lesion", "Lesion 1", "Lesion 2"]
    assert float(rows[0]["volume_ml"]) == 1.0 and float(rows[0]["mean_CT"]) == 31 and float(rows[0]["median_T1"]) == 5
    assert rows[0]["components"] == "" and rows[1]["components"] == "2"
    assert float(rows[1]["longest_diameter_mm"]) == 6.0 and float(rows[2]["volume_ml"]) == 0.033
    assert os.listdir(tmp_path) == ["measurements.csv"]


def test_a_folder_that_is_not_there(a_result, tmp_path):
    with pytest.raises(OutputError, match="measurements"):
        write_measurements(measure(*a_result), tmp_path / "missing" / "measurements.csv")


def test_an_empty_table_has_a_head(tmp_path):
    write_measurements([], tmp_path / "empty.csv")
    assert (tmp_path / "empty.csv").read_text().startswith("name,value,voxels")
