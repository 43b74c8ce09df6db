"""Modality weights from the segmentation to the table."""

import csv

import numpy as np
import pytest

from MultimodalSegLib.explain.explanation import explain, write_modalities
from MultimodalSegLib.images.grid import Grid
from MultimodalSegLib.images.volume import Volume
from MultimodalSegLib.inference.segmentation import Segmentation, SegmentClass
from MultimodalSegLib.registration.aligned import AlignedCase
from MultimodalSegLib.report.report import report

GRID = Grid((4, 4, 4))
BRAIN = SegmentClass("Brain stem", 16, (1, 2, 3), "", "brain")


@pytest.fixture
def a_segmentation() -> Segmentation:
    labels = Volume(np.full(GRID.shape, 16, np.uint16), GRID)
    return Segmentation(labels, (BRAIN,), modality_weights={"CT": 0.75, "MR": 0.25})


def test_the_table_has_a_row_for_each_modality(a_segmentation, tmp_path):
    write_modalities(explain(a_segmentation), tmp_path / "modalities.csv")
    rows = list(csv.DictReader((tmp_path / "modalities.csv").open(encoding="utf-8")))
    assert [(r["modality"], float(r["mean fusion weight"])) for r in rows] == [("CT", 0.75), ("MR", 0.25)]


@pytest.mark.parametrize(("coverage", "flags"), [(0.95, 0), (0.4, 1)])
def test_a_moving_volume_that_is_cut_off_is_flagged(a_segmentation, coverage, flags):
    volumes = {name: Volume(np.ones(GRID.shape, np.float32), GRID) for name in ("CT", "MR")}
    aligned = AlignedCase(volumes, "CT", {}, {"CT": 0.2, "MR": coverage})
    told = report(a_segmentation, aligned, explain(a_segmentation))
    assert len(told.flags) == flags
    assert all("MR" in sentence and "40%" in sentence for sentence in told.flags)
    assert told.measurements[0].voxels == 64
    assert told.modality_weights == {"CT": 0.75, "MR": 0.25}
