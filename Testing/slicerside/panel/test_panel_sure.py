"""The button How sure?, answered by a real child process: intervals in the table, flags, and maps of doubt."""

import sys

import numpy as np
import pytest

from MultimodalSegLib.images.io import write_volume
from MultimodalSegLib.images.volume import Volume
from Testing.slicerside.explained import GRID, a_run_folder, show_result
from Testing.slicerside.stand_in import a_program

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the stand-in for the interpreter is a shell script")
PROGRAM = """
import json, pathlib, shutil, sys, time
assert sys.argv[1:4] == ["-m", "MultimodalSegLib", "uncertainty"], sys.argv
assert "--device" in sys.argv and sys.argv[-2:] == ["--events", "jsonl"]
run = pathlib.Path(sys.argv[4])


def tell(**content):
    print(json.dumps(content), flush=True)


tell(stage="uncertainty", done=1, total=2, eta_s=1.0, message="Answer 1 of 8")
{more}
shutil.copytree(pathlib.Path(__file__).parent / "maps", run / "uncertainty", dirs_exist_ok=True)
rows = ["name,value,volume_ml,low_ml,high_ml,interval,components", "Left thalamus,10,5.2,4.9,5.5,90 % interval,",
        "Bone,515,9,8,10,90 % interval,", "Lesion,600,3.1,1.5,6.0,90 % interval,2"]
(run / "measurements.csv").write_text("\\n".join(rows) + "\\n")
volumes = {{value: dict(level={level}) for value in ("10", "515", "600")}}
flags = [dict(code="asymmetry", level="warning", sentence="Left and right differ more than usual.")]
tell(result=dict(run=str(run), summary=dict(volumes=volumes), flags=flags if {flagged} else []))
"""


@pytest.fixture
def answer(tmp_path, monkeypatch):
    """Function that lets the child answer."""
    from MultimodalSegLib.slicerside.process import child

    def settle(more="", level=0.9, flagged=True):
        (tmp_path / "maps").mkdir(exist_ok=True)
        for name in ("entropy", "disagreement"):
            write_volume(Volume(np.full(GRID.shape, 0.3, np.float32), GRID), tmp_path / "maps" / f"{name}.nrrd")
        program = a_program(tmp_path, PROGRAM.format(more=more, level=level, flagged=flagged))
        monkeypatch.setattr(child, "find_python", lambda: program)

    return settle


@pytest.fixture
def result(widget, tmp_path):
    """The panel with a result and its table of measurements."""
    from dataclasses import replace

    from MultimodalSegLib.slicerside.scene.tables import table_from_csv

    run = a_run_folder(tmp_path)
    results = widget.panel.results
    take = results.take

    def with_table(result, moving):
        table = table_from_csv(run / "measurements.csv", "Head CT measurements")
        take(replace(result, tableNodes={"measurements": table}), moving)

    results.take = with_table
    try:
        return show_result(widget, run)
    finally:
        results.take = take


def ask_and_wait(widget, shim):
    widget.ui.sureButton.click()
    shim.wait(lambda: not widget.panel.results.sure.running, 60)


def shown_table(ui):
    heads = [ui.tableView.horizontalHeaderItem(n).text() for n in range(ui.tableView.columnCount)]
    return heads, [
        [ui.tableView.item(row, n).text() for n in range(len(heads))] for row in range(ui.tableView.rowCount)
    ]


def test_the_answer_is_intervals_flags_and_maps(widget, shim, result, answer, pictures):
    import slicer

    ui = widget.ui
    answer('while not (run / "go on").exists():\n    time.sleep(0.02)')
    assert ui.sureButton.visible and ui.sureButton.enabled and not ui.sureProgressBar.visible
    assert "Low (ml)" not in shown_table(ui)[0] and not ui.mapBox.visible
    tables = slicer.util.getNodesByClass("vtkMRMLTableNode")
    ui.sureButton.click()
    shim.wait(lambda: "Answer 1 of 8" in ui.sureMessage.text, 60)
    assert ui.sureButton.text == "Stop" and ui.sureProgressBar.visible and ui.sureProgressBar.value == 50
    (widget.panel.results.why.kept.of(result) / "go on").touch()
    shim.wait(lambda: not widget.panel.results.sure.running, 60)
    heads, rows = shown_table(ui)
    assert heads[:5] == ["Name", "Volume (ml)", "Low (ml)", "High (ml)", "Interval"]
    assert rows[0][:5] == ["Left thalamus", "5.2", "4.9", "5.5", "90 % interval"]
    assert slicer.util.getNodesByClass("vtkMRMLTableNode") == tables, "the table is filled anew, not doubled"
    assert ui.sureMessage.text.splitlines() == [
        "Low and high volumes in the table are 90 % intervals, fitted to made-up cases.",
        "Left and right differ more than usual.",
    ]
    titles = [ui.mapBox.itemText(n) for n in range(ui.mapBox.count)]
    assert titles == ["None", "Uncertainty (disagreement)", "Uncertainty (entropy)"]
    assert ui.mapBox.currentText == "None", "a map is shown when it is wanted"
    assert ui.sureButton.text == "How sure?" and not ui.sureProgressBar.visible
    pictures(widget, "sure", shim)


def test_a_range_of_samples_is_called_so(widget, shim, result, answer):
    answer(level=None, flagged=False)
    ask_and_wait(widget, shim)
    first, second = widget.ui.sureMessage.text.splitlines()
    assert "range of the samples" in first and second == "No quality flags."


def test_it_can_be_stopped_and_a_failure_is_told(widget, shim, result, answer):
    answer("time.sleep(600)")
    widget.ui.sureButton.click()
    shim.wait(lambda: "Answer 1" in widget.ui.sureMessage.text, 60)
    ask_and_wait(widget, shim)  # the button says Stop
    assert widget.ui.sureMessage.text == "" and widget.ui.sureButton.text == "How sure?"
    answer('tell(error=dict(kind="input", message="It does not fit.", hint="Close something."))\nsys.exit(2)')
    ask_and_wait(widget, shim)
    assert widget.ui.sureMessage.text == "It does not fit. Close something."
    assert "Low (ml)" not in shown_table(widget.ui)[0]


def test_nothing_else_is_asked_about_the_result_meanwhile(widget, shim, result, answer, dialogs_shown, tmp_path):
    answer("time.sleep(600)")
    widget.ui.sureButton.click()
    node = widget.panel.results.node
    widget.ui.segmentsView.setSelectedSegmentIDs([node.GetSegmentation().GetSegmentIdBySegmentName("Bone")])
    widget.ui.whyButton.click()
    assert widget.ui.whyMessage.text == "Something else is asked about this result. Wait for its end, or stop it."
    assert not widget.panel.results.why.running
    ask_and_wait(widget, shim)  # stops
    widget.panel.results.why.kept.clear()
    widget.panel.update()
    assert not widget.ui.sureButton.enabled and "segment again" in widget.ui.sureButton.toolTip
