"""The section Refine with the real program: what the scene shows, the run, its tables and its report are one."""

import csv
import json

import pytest

from MultimodalSegLib.images.io import read_volume
from MultimodalSegLib.pipeline import run_segment
from MultimodalSegLib.restore import open_run
from MultimodalSegLib.segment_options import SegmentOptions
from Testing import phantoms
from Testing.refinement.handmade import a_click_model
from Testing.report.reading import without_pictures

LIMIT_S = 180


@pytest.fixture
def run(widget, tmp_path, monkeypatch):
    """A run of a model that knows nothing, shown in the panel, with a model that answers clicks."""
    from MultimodalSegLib.slicerside.run.result import Result
    from MultimodalSegLib.slicerside.scene.nodes import segmentation_node, volume_node

    a_click_model(tmp_path / "models" / "refine")
    monkeypatch.setenv("MMS_MODELS", str(tmp_path / "models"))
    ct, _mr = phantoms.write_pair(tmp_path)
    model = str(phantoms.a_model(tmp_path / "tiny").path)
    folder = run_segment(SegmentOptions({"CT": ct}, tmp_path / "kept" / "run", model=model, threads=1)).path
    reference = volume_node(read_volume(ct), "Head CT", "CT")
    node = segmentation_node(open_run(folder).segmentation, reference, "Head CT result")
    widget.panel.results.take(Result(node, runFolder=folder, record={"reference": "CT"}), {})
    widget.panel.update()
    return folder


def measured(run):
    """Names in the table; none while there is no table."""
    if not (run / "measurements.csv").is_file():
        return []
    with (run / "measurements.csv").open(newline="", encoding="utf-8") as file:
        return [row["name"] for row in csv.DictReader(file)]


def history(run):
    return [
        entry["segment"] for entry in json.loads((run / "run.json").read_text(encoding="utf-8")).get("refinements", ())
    ]


def test_a_click_its_undo_and_redo_reach_run_tables_and_report(widget, shim, run, dialogs_shown, tmp_path):
    import slicer

    ui, section = widget.ui, widget.panel.refine
    points = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", "points")
    points.AddControlPointWorld(900.0, 0.0, 0.0)
    ui.refineTargetBox.setCurrentIndex(1)
    ui.refinePositiveSelector.setCurrentNode(points)
    ui.refineButton.click()
    shim.wait(lambda: not section.running, LIMIT_S)
    assert "900.0, 0.0, 0.0 (RAS)" in ui.refineMessage.text and "LPS" not in ui.refineMessage.text
    points.SetNthControlPointPositionWorld(0, 30.0, -25.0, 30.0)
    ui.refineButton.click()
    shim.wait(lambda: not section.running, LIMIT_S)
    assert ui.refineMessage.text.startswith("Refined 1: "), ui.refineMessage.text
    segmentation = widget.panel.results.node.GetSegmentation()
    assert segmentation.GetSegmentIdBySegmentName("Refined 1")
    shim.wait(lambda: "Refined 1" in measured(run), LIMIT_S)
    ui.refineUndoButton.click()
    shim.wait(lambda: not section._handed and measured(run), LIMIT_S)
    assert not history(run) and "Refined 1" not in measured(run)
    assert not segmentation.GetSegmentIdBySegmentName("Refined 1")
    ui.refineRedoButton.click()
    dialogs_shown.answers.append(str(tmp_path))
    ui.reportButton.click()  # at once: the report waits for nothing and tells what the scene shows
    shim.wait(lambda: not widget.panel.results.report.running, LIMIT_S)
    page = without_pictures((tmp_path / "report.html").read_text(encoding="utf-8"))
    assert "Refined 1" in page and "Corrections" in page and "Refined 1" in measured(run)
