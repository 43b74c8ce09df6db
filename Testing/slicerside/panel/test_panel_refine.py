"""The section Refine: points in the scene, answered by a real child process, put into the segmentation with undo."""

import stat
import sys

import numpy as np
import pytest

from MultimodalSegLib.images.grid import Grid
from MultimodalSegLib.images.io import write_volume
from MultimodalSegLib.images.volume import Volume
from MultimodalSegLib.inference.segmentation import Segmentation
from MultimodalSegLib.report.seg_nrrd import write_segmentation
from Testing.slicerside.conftest import CLASSES
from Testing.slicerside.explained import a_run_folder

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the stand-in for the interpreter is a shell script")
GRID = Grid((40, 40, 40), (2.0, 2.0, 2.0), (-39.0, -39.0, -39.0))
PROGRAM = """
import json, pathlib, sys, time
here = pathlib.Path(__file__).parent
assert sys.argv[1:4] == ["-m", "MultimodalSegLib", "refine"], sys.argv
options = sys.argv[5:]
assert options[-2:] == ["--events", "jsonl"]
starts = [pathlib.Path(options[n + 1]).is_file() for n, option in enumerate(options) if option == "--start"]
(here / "asked.json").write_text(json.dumps([options, starts]))
new = "--new" in options
name = options[options.index("--new" if new else "--segment") + 1]
value = 9001 if new else 10
print(json.dumps(dict(stage="refine", done=1, total=2, message="Looking for " + name)), flush=True)
told = dict(segment=name, value=value, color=[230, 159, 0], mask=str(here / "mask.nrrd"), added_ml=1.0, removed_ml=0.5)
print(json.dumps(dict(result=told | dict(withheld_ml={}, seconds=0.1, warnings=["Look at it."]))), flush=True)
"""


@pytest.fixture
def asked(tmp_path, monkeypatch):
    """The child answers with a block beside the thalamus; gives the file that says what it was asked."""
    from MultimodalSegLib.slicerside.process import child

    script, program = tmp_path / "program.py", tmp_path / "program"
    script.write_text(PROGRAM)
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -S {script} "$@"\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    mask = np.zeros(GRID.shape, np.uint8)
    mask[16:24, 16:24, 28:36] = 1
    write_volume(Volume(mask, GRID), tmp_path / "mask.nrrd")
    monkeypatch.setattr(child, "find_python", lambda: str(program))
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
    options, starts = json.loads(asked.read_text())
    assert options[options.index("--points") + 1] == "20.000,-4.000,1.000"  # RAS of the scene, LPS of the program
    assert options.count("--negative") == 2 and options[options.index("--segment") + 1] == "Left thalamus"
    assert starts == [True]  # what the scene has now, edited or not
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
