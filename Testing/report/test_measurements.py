"""Measures against bodies whose size is known."""

import math

import numpy as np
import pytest

from MultimodalSegLib.images.grid import Grid
from MultimodalSegLib.images.units import Unit
from MultimodalSegLib.images.volume import Volume
from MultimodalSegLib.inference.segmentation import Segmentation, SegmentClass
from MultimodalSegLib.registration.aligned import AlignedCase
from MultimodalSegLib.report.measurements import measure

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
    assert thalamus.asymmetry_percent is None


def test_percentiles_are_in_the_unit_that_is_asked_for(a_result):
    segmentation, aligned = a_result
    values = np.arange(1000, dtype=np.float32)
    image = aligned.volumes["T1"].array.copy()
    image[segmentation.labels.array == 10] = values
    aligned = AlignedCase({"PET": Volume(image, GRID)}, "PET")
    (thalamus, _) = measure(segmentation, aligned, {"PET": Unit("SUVbw g/ml", 0.01)})
    found = thalamus.intensities["PET"]
    assert (found.p5, found.p25, found.median, found.p75, found.p95) == pytest.approx(
        tuple(0.01 * np.percentile(values, (5, 25, 50, 75, 95)))
    )


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
