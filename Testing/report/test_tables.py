"""The tables as other programs read them."""

import csv
import os
from pathlib import Path

import numpy as np
import pytest

from MultimodalSegLib.errors import OutputError
from MultimodalSegLib.images.grid import Grid
from MultimodalSegLib.images.units import Unit
from MultimodalSegLib.models.classes import SegmentClass
from MultimodalSegLib.report.change import changes
from MultimodalSegLib.report.lesions import measure_lesions, points_of
from MultimodalSegLib.report.measurements import measure
from MultimodalSegLib.report.tables import (
    change_rows,
    lesion_rows,
    structure_rows,
    write_table,
)
from Testing.report.shapes import LESION, case

GRID = Grid((12, 10, 8), (1.0, 0.5, 2.0))
LEFT = SegmentClass("Left thalamus", 10, (1, 1, 1), "", "brain")
RIGHT = SegmentClass("Right thalamus", 49, (1, 1, 1), "", "brain")
UNITS = {"T1": Unit("raw"), "T1C": Unit("raw")}


@pytest.fixture
def a_result():
    labels = np.zeros(GRID.shape, np.uint16)
    labels[:, :, 8:], labels[:, :, :4] = 10, 49
    labels[2:4, 2:6, 9:11] = labels[7, 9, 0] = LESION.value
    image = np.arange(labels.size, dtype=np.float32).reshape(labels.shape)
    return case(labels, GRID, (LEFT, RIGHT, LESION), T1=image + 1, T1C=2 * image)


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_a_row_for_each_structure_with_units_asymmetry_and_intervals(a_result, tmp_path: Path) -> None:
    path = tmp_path / "measurements.csv"
    path.write_text("old", encoding="utf-8")
    summary = {"volumes": {"10": {"name": "Left thalamus", "ml": 0.3, "low_ml": 0.25, "high_ml": 0.375, "level": 0.9}}}
    write_table(structure_rows(measure(*a_result), measure_lesions(*a_result), UNITS, summary), path)
    left, right, lesion = read(path)
    assert [row["name"] for row in (left, right, lesion)] == ["Left thalamus", "Right thalamus", "Lesion"]
    sizes = int(left["voxels"]), int(right["voxels"])
    assert float(left["volume_ml"]) == pytest.approx(sizes[0] / 1000)
    percent = 100 * (sizes[0] - sizes[1]) / (0.5 * sum(sizes))
    assert float(left["asymmetry_percent"]) == float(right["asymmetry_percent"]) == pytest.approx(percent, abs=0.05)
    assert (left["low_ml"], left["high_ml"], right["low_ml"], lesion["asymmetry_percent"]) == (
        "0.2500",
        "0.3750",
        "",
        "",
    )
    assert lesion["components"] == "2" and left["components"] == "" and left["unit_T1C"] == "raw"
    longest = max(one.longest_diameter_mm for one in measure_lesions(*a_result))
    assert float(lesion["longest_diameter_mm"]) == pytest.approx(longest, abs=0.006)
    assert float(left["p5_T1"]) < float(left["p25_T1"]) < float(left["median_T1"]) < float(left["p95_T1"])
    assert os.listdir(tmp_path) == ["measurements.csv"]


def test_a_row_for_each_lesion(a_result, tmp_path: Path) -> None:
    lesions = measure_lesions(*a_result, at_risk=(LEFT,))
    write_table(lesion_rows(lesions, UNITS), tmp_path / "lesions.csv")
    first, second = read(tmp_path / "lesions.csv")
    assert (first["name"], first["structure"], first["number"], first["side"]) == ("Lesion 1", "Lesion", "1", "left")
    assert first["location"] == "Left thalamus" and first["location_share"] == "1.00"
    assert float(first["product_mm2"]) == pytest.approx(
        float(first["in_plane_diameter_mm"]) * float(first["perpendicular_mm"]), abs=0.2
    )
    assert first["distance_to_left_thalamus_mm"] == "0.0" and float(second["distance_to_left_thalamus_mm"]) == 7
    assert second["voxels"] == "1" and second["side"] == "right" and first["enhancement_percent"]
    assert "change" not in first
    assert (float(second["center_l_mm"]), float(second["center_p_mm"]), float(second["center_s_mm"])) == (0, 4.5, 14)


def test_changes_are_told_in_both_tables(a_result, tmp_path: Path) -> None:
    lesions = measure_lesions(*a_result)
    points = list(points_of(lesions, GRID))
    found = changes(lesions[:1], lesions[1:], points[:1], points[1:], 1.2)
    (row,) = lesion_rows(lesions[:1], UNITS, found)[1]
    assert (row["change"], row["earlier_volume_ml"], row["volume_change_percent"]) == ("new", "", "")
    write_table(change_rows(found), tmp_path / "changes.csv")
    new, gone = read(tmp_path / "changes.csv")
    assert (new["change"], new["now"], new["earlier"], new["earlier_volume_ml"]) == ("new", "Lesion 1", "", "")
    assert (gone["change"], gone["now"], gone["earlier"]) == ("gone", "", "Lesion 2")
    assert (gone["earlier_volume_ml"], gone["volume_ml"], gone["volume_change_percent"]) == ("0.0010", "", "-100.0")


def test_empty_tables_have_titles(tmp_path: Path) -> None:
    write_table(structure_rows([]), tmp_path / "empty.csv")
    assert (tmp_path / "empty.csv").read_text(encoding="utf-8").startswith("name,value,voxels")
    write_table(lesion_rows([]), tmp_path / "lesions.csv")
    assert (tmp_path / "lesions.csv").read_text(encoding="utf-8").startswith("name,structure,number") and not read(
        tmp_path / "lesions.csv"
    )


def test_a_folder_that_is_not_there(a_result, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="measurements"):
        write_table(structure_rows(measure(*a_result)), tmp_path / "missing" / "measurements.csv")


@pytest.mark.parametrize("summary", [{}, {"volumes": None}, {"volumes": []}])
def test_without_intervals_there_are_no_columns(a_result, summary: dict) -> None:
    assert "low_ml" not in structure_rows(measure(*a_result), uncertainty=summary)[0]
