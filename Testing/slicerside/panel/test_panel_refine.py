"""The section Refine: points in the scene, answered by a real child process, put into the segmentation with undo."""

import sys
from pathlib import Path

import numpy as np
import pytest

from MultimodalSegLib.images.grid import Grid
from MultimodalSegLib.images.io import write_volume
from MultimodalSegLib.images.volume import Volume
from MultimodalSegLib.inference.segmentation import Segmentation
from MultimodalSegLib.report.seg_nrrd import write_segmentation
from Testing.slicerside.conftest import CLASSES
from Testing.slicerside.explained import a_run_folder
from Testing.slicerside.stand_in import a_program

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the stand-in for the interpreter is a shell script")
GRID = Grid((40, 40, 40), (2.0, 2.0, 2.0), (-39.0, -39.0, -39.0))
PROGRAM = """
import json, os, pathlib, sys, time
here = pathlib.Path(__file__).parent
assert sys.argv[1:4] == ["-m", "MultimodalSegLib", "refine"] and "--listen" in sys.argv, sys.argv
assert sys.argv[-2:] == ["--events", "jsonl"]
asked = []
for line in sys.stdin:
    request = json.loads(line)
    there = pathlib.Path(request.get("start") or request.get("edited")).is_file()
    asked.append([request, there, os.getpid()])
    (here / "asked.tmp").write_text(json.dumps(asked))
    (here / "asked.tmp").replace(here / "asked.json")
    if "edited" in request:
        print(json.dumps(dict(result=dict(run="run", edited=["Left thalamus"]))), flush=True)
        continue
    if request["positive"] == [[-1.0, -2.0, 3.0]]:
        os._exit(1)
    if request["positive"] == [[-4.0, -5.0, 6.0]]:
        told = dict(kind="input", message="There is but air around the point 4.0, 5.0, 6.0 (RAS).", hint="Move.")
        print(json.dumps(dict(error=told)), flush=True)
        continue
    if request["positive"] == [[-7.0, -8.0, 9.0]]:
        time.sleep(60)
    name, value = request["new"] or request["segment"], 9001 if request["new"] else 10
    event = dict(stage="refine", done=1, total=2, eta_s=None, message="Looking for " + name)
    print(json.dumps(event), flush=True)
    told = dict(segment=name, value=value, color=[230, 159, 0], terminology="", mask=str(here / "mask.nrrd"))
    told |= dict(added_ml=1.0, removed_ml=0.5, withheld_ml={}, seconds=0.1, warnings=["Look at it."])
    print(json.dumps(dict(result=told)), flush=True)
    pathlib.Path(sys.argv[4], "measurements.csv").write_text("name,value,volume_ml\\nLeft thalamus,10,77.5\\n")
    print(json.dumps(dict(result=dict(measured=True))), flush=True)
"""


@pytest.fixture
def asked(tmp_path, monkeypatch):
    """The child answers with a block beside the thalamus; gives the file that says what it was asked."""
    from MultimodalSegLib.slicerside.process import child

    program = a_program(tmp_path, PROGRAM)
    mask = np.zeros(GRID.shape, np.uint8)
    mask[16:24, 16:24, 28:36] = 1
    write_volume(Volume(mask, GRID), tmp_path / "mask.nrrd")
    monkeypatch.setattr(child, "find_python", lambda: program)
    return tmp_path / "asked.json"


@pytest.fixture
def result(widget, tmp_path):
    """The panel with a result of two structures and its run folder."""
    from MultimodalSegLib.slicerside.run.result import Result
    from MultimodalSegLib.slicerside.scene.nodes import segmentation_node, volume_node

    labels = np.full(GRID.shape, 515, np.uint16)
    labels[4:-4, 4:-4, 4:-4] = 0
    labels[16:24, 16:24, 24:32] = 10
    values = np.where(labels == 515, 900.0, 30.0) + np.random.default_rng(0).normal(0, 8, GRID.shape)
    ct = volume_node(Volume(values.astype(np.float32), GRID), "Head CT", "CT")
    segmentation = Segmentation(Volume(labels, GRID), CLASSES, model={"name": "tiny", "version": "1", "checksum": "a"})
    node = segmentation_node(segmentation, ct, "Head CT result")
    run = a_run_folder(tmp_path)
    write_segmentation(segmentation, run / "segmentation.seg.nrrd")
    widget.panel.results.take(Result(node, runFolder=run, record={"reference": "CT"}), {})
    widget.panel.update()
    return node


def place(selector, *points):
    import slicer

    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", "points")
    for point in points:
        node.AddControlPointWorld(*point)
    selector.setCurrentNode(node)


def choose(widget, name):
    segmentation = widget.panel.results.node.GetSegmentation()
    widget.ui.segmentsView.setSelectedSegmentIDs([segmentation.GetSegmentIdBySegmentName(name)])


def refine_and_wait(widget, shim):
    widget.ui.refineButton.click()
    shim.wait(lambda: not widget.panel.refine.running, 60)


def voxels(node, identifier):
    import slicer

    reference = slicer.util.getNode("Head CT")
    return int((slicer.util.arrayFromSegmentBinaryLabelmap(node, identifier, reference) > 0).sum())


def test_what_is_missing_is_said_on_the_button_or_below_it(widget, shim, asked, result):
    ui = widget.ui
    assert not ui.refineButton.enabled and "Choose one" in ui.refineButton.toolTip
    assert not ui.refineUndoButton.enabled and not ui.refineRedoButton.enabled
    choose(widget, "Left thalamus")
    assert ui.refineButton.enabled
    ui.refineButton.click()
    assert "No point is set" in ui.refineMessage.text and not asked.exists()


def test_the_chosen_structure_becomes_the_answer_and_can_be_undone_and_done_again(
    widget, shim, asked, result, pictures
):
    import json

    ui = widget.ui
    choose(widget, "Left thalamus")
    ui.refineCollapsibleButton.collapsed = False
    place(ui.refinePositiveSelector, (-20.0, 4.0, 1.0))
    place(ui.refineNegativeSelector, (-12.0, 4.0, 1.0), (-11.0, 5.0, 2.0))
    refine_and_wait(widget, shim)
    ((request, started, _pid),) = json.loads(asked.read_text(encoding="utf-8"))
    assert request["positive"] == [[20.0, -4.0, 1.0]]  # RAS of the scene, LPS of the program
    assert len(request["negative"]) == 2 and request["segment"] == "Left thalamus" and request["box"] is None
    assert started  # from what the scene has now, edited or not
    assert ui.refineMessage.text.endswith("Look at it.")
    assert voxels(result, "Segment_10") == 8**3
    assert ui.refineUndoButton.enabled and not ui.refineRedoButton.enabled
    import slicer

    reference = slicer.util.getNode("Head CT")
    at = np.argwhere(slicer.util.arrayFromSegmentBinaryLabelmap(result, "Segment_10", reference))
    assert at.min(0).tolist() == [16, 16, 28]
    pictures(widget, "refine", shim)
    ui.refineUndoButton.click()
    at = np.argwhere(slicer.util.arrayFromSegmentBinaryLabelmap(result, "Segment_10", reference))
    assert at.min(0).tolist() == [16, 16, 24]
    assert not ui.refineUndoButton.enabled and ui.refineRedoButton.enabled
    ui.refineRedoButton.click()
    assert voxels(result, "Segment_10") == 8**3
    shim.wait(
        lambda: len(json.loads(asked.read_text(encoding="utf-8"))) == 3, 30
    )  # the run is handed what was undone and done again
    _click, undone, redone = json.loads(asked.read_text(encoding="utf-8"))
    assert undone[1] and redone[1] and len({one[2] for one in (_click, undone, redone)}) == 1
    shim.wait(lambda: not widget.panel.refine._handed, 30)
    assert not any(Path(one[0]["edited"]).exists() for one in (undone, redone))


def test_tables_follow_once_the_run_was_measured_again(widget, shim, asked, result):
    from MultimodalSegLib.slicerside.panel.results import TABLES_ATTRIBUTE
    from MultimodalSegLib.slicerside.run.edited import TABLE_ATTRIBUTE
    from MultimodalSegLib.slicerside.scene.tables import table_node

    table = table_node({"name": ["Left thalamus"], "volume_ml": ["5.2"]}, "measurements")
    table.SetAttribute(TABLE_ATTRIBUTE, "measurements.csv")
    result.AddNodeReferenceID(TABLES_ATTRIBUTE, table.GetID())
    widget.panel.update()
    choose(widget, "Left thalamus")
    place(widget.ui.refinePositiveSelector, (-20.0, 4.0, 1.0))
    refine_and_wait(widget, shim)
    shim.wait(lambda: "77.5" in cells(widget), 30)
    assert "77.5" in cells(widget)


def cells(widget):
    view = widget.ui.tableView
    return [view.item(row, column).text() for row in range(view.rowCount) for column in range(view.columnCount)]


def test_a_box_and_a_curve_are_said_too(widget, shim, asked, result):
    import json

    import slicer

    ui = widget.ui
    ui.refineTargetBox.setCurrentIndex(1)
    curve = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsCurveNode", "stroke")
    for point in ((-20.0, 4.0, 1.0), (-30.0, 4.0, 1.0), (-30.0, 14.0, 1.0)):
        curve.AddControlPointWorld(*point)
    region = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsROINode", "box")
    region.SetCenterWorld(-20.0, 4.0, 1.0)
    region.SetSizeWorld(10.0, 20.0, 30.0)
    ui.refinePositiveSelector.setCurrentNode(curve)
    ui.refineBoxSelector.setCurrentNode(region)
    refine_and_wait(widget, shim)
    ((request, _started, _pid),) = json.loads(asked.read_text(encoding="utf-8"))
    assert request["box"] == [[15.0, -14.0, -14.0], [25.0, 6.0, 16.0]]
    assert 10 < len(request["positive"]) <= 48
    assert np.allclose(request["positive"][0], (20.0, -4.0, 1.0)) and request["new"] == "Refined 1"


def test_a_refusal_a_crash_and_a_stop_are_told_and_the_next_click_is_answered(widget, shim, asked, result):
    import json

    ui = widget.ui
    choose(widget, "Left thalamus")
    place(ui.refinePositiveSelector, (4.0, 5.0, 6.0))
    refine_and_wait(widget, shim)
    assert "4.0, 5.0, 6.0 (RAS)" in ui.refineMessage.text
    first = widget.panel.refine._child.pid
    place(ui.refinePositiveSelector, (1.0, 2.0, 3.0))
    refine_and_wait(widget, shim)
    assert "exit code 1" in ui.refineMessage.text
    place(ui.refinePositiveSelector, (7.0, 8.0, 9.0))
    ui.refineButton.click()
    shim.wait(lambda: json.loads(asked.read_text(encoding="utf-8"))[0][0]["positive"] == [[-7.0, -8.0, 9.0]], 30)
    assert ui.refineButton.text == "Stop"
    ui.refineButton.click()
    shim.wait(lambda: not widget.panel.refine.running, 30)
    place(ui.refinePositiveSelector, (-20.0, 4.0, 1.0))
    refine_and_wait(widget, shim)
    assert voxels(result, "Segment_10") == 8**3
    child = widget.panel.refine._child
    assert child.pid != first and child.running
    widget.panel.sceneClosing()
    assert not child.running


def test_a_new_segment_overlaps_its_neighbors_unless_they_are_to_give_way(widget, shim, asked, result):
    ui = widget.ui
    ui.refineTargetBox.setCurrentIndex(1)
    place(ui.refinePositiveSelector, (-20.0, 4.0, 1.0))
    refine_and_wait(widget, shim)
    assert result.GetSegmentation().GetSegment("Segment_9001").GetName() == "Refined 1"
    assert voxels(result, "Segment_10") == 8**3
    assert ui.refineMessage.text.splitlines()[0] == "Refined 1: 1.00 ml added, 0.50 ml removed."
    ui.refineUndoButton.click()
    ui.refineOverwriteBox.checked = True
    refine_and_wait(widget, shim)
    assert voxels(result, "Segment_9001") == 8**3
    assert voxels(result, "Segment_10") == 8 * 8 * 4
