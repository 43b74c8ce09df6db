"""The section Cohort: its queue, pause and cancel with a child that a test steers, and a real cohort to its end."""

import os
import stat
import sys
from pathlib import Path

import pytest

from MultimodalSegLib.images.grid import Grid
from MultimodalSegLib.images.io import write_volume
from Testing.handmade import a_sphere, threshold_model

GRID = Grid((24, 22, 20), (3.0, 3.0, 3.0), (-34.0, -33.0, -30.0))

CHILD = """
import json, pathlib, sys, time
options = sys.argv[4:]
out = pathlib.Path(options[options.index("--out") + 1])
out.mkdir(exist_ok=True)
(out / "arguments.json").write_text(json.dumps(sys.argv[1:]))
head = "id,status,seconds,alarms,warnings,flags,error,attempts,worker"


def tell(done, message):
    print(json.dumps(dict(stage="batch", done=done, total=3, eta_s=90.0, message=message)), flush=True)


rows = ["anna,finished,12.5,0,1,warning: Cut at the top.,,1,vm:1", "bert,running,,,,,,,"]
rows.append("carl,failed,,,,,No head.,1,vm:1")
(out / "cohort.csv").write_text("\\n".join([head, *rows]))
tell(2, "1 failed, 1 running")
while not (out / "pause").exists():
    time.sleep(0.02)
tell(2, "paused")
while (out / "pause").exists():
    time.sleep(0.02)
tell(2, "going on")
{end}
"""


@pytest.fixture
def steered(tmp_path, monkeypatch):
    """Function that puts a program in the place of the command, which ends as its last lines say."""
    from MultimodalSegLib.slicerside.process import child

    def settle(end):
        script, program = tmp_path / "program.py", tmp_path / "program"
        script.write_text(CHILD.replace("{end}", end), encoding="utf-8")
        program.write_text(f'#!/bin/sh\nexec {sys.executable} -S {script} "$@"\n', encoding="utf-8")
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setattr(child, "find_python", lambda: str(program))

    return settle


def choose(widget, cases: Path, out: Path):
    widget.ui.cohortCollapsibleButton.collapsed = False
    widget.ui.cohortCasesEdit.currentPath = str(cases)
    widget.ui.cohortFolderEdit.currentPath = str(out)


def queue(ui):
    return [[ui.cohortTable.item(row, column).text() for column in range(4)] for row in range(ui.cohortTable.rowCount)]


def test_nothing_can_be_started_before_cases_and_a_folder_are_chosen(widget, tmp_path):
    ui = widget.ui
    assert not ui.cohortStartButton.enabled and "Choose a table" in ui.cohortStartButton.toolTip
    assert not ui.cohortPauseButton.visible and not ui.cohortTable.visible and not ui.cohortOpenButton.visible
    ui.cohortCasesEdit.currentPath = str(tmp_path / "cases.csv")
    assert "folder for the results" in ui.cohortStartButton.toolTip
    ui.cohortFolderEdit.currentPath = str(tmp_path / "out")
    assert ui.cohortStartButton.enabled and ui.applyButton.enabled is False


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-in for the interpreter is a shell script")
def test_the_queue_is_shown_paused_gone_on_with_and_cancelled(widget, shim, steered, tmp_path, pictures):
    steered("time.sleep(600)")
    ui = widget.ui
    choose(widget, tmp_path / "cases.csv", tmp_path / "out")
    ui.cohortReportBox.checked = ui.cohortSyntheticBox.checked = True
    widget._parameterNode.registration = "affine"
    ui.cohortStartButton.click()
    assert ui.cohortPauseButton.text == "Pause" and not ui.cohortStartButton.enabled
    shim.wait(lambda: ui.cohortTable.rowCount == 3, 60)
    assert queue(ui) == [
        ["bert", "running", "", ""],
        ["carl", "failed", "", "No head."],
        ["anna", "finished", "12.5", "warning: Cut at the top."],
    ]
    shim.wait(lambda: ui.cohortStageLabel.text.startswith("2 of 3 cases, 1 failed, 1 running"), 60)
    assert "left" in ui.cohortStageLabel.text and ui.cohortProgressBar.value == 67
    asked = (tmp_path / "out" / "arguments.json").read_text(encoding="utf-8")
    assert (
        '"batch"' in asked
        and '"--report"' in asked
        and '"affine"' in asked
        and '"--synthetic-detail"' in asked
        and '"--explain"' not in asked
    )
    pictures(widget, "cohort", shim)
    ui.cohortPauseButton.click()
    assert ui.cohortPauseButton.text == "Go on"
    shim.wait(lambda: "paused" in ui.cohortStageLabel.text, 60)
    ui.cohortPauseButton.click()
    assert ui.cohortPauseButton.text == "Pause"
    shim.wait(lambda: "going on" in ui.cohortStageLabel.text, 60)
    ui.cohortCancelButton.click()
    shim.wait(lambda: not widget.panel.cohort.running, 60)
    assert "Stopped" in ui.cohortMessage.text and ui.cohortStartButton.enabled and not ui.cohortPauseButton.visible


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-in for the interpreter is a shell script")
def test_the_child_ends_with_the_module(widget, shim, steered, tmp_path):
    import psutil

    steered("time.sleep(600)")
    choose(widget, tmp_path / "cases.csv", tmp_path / "out")
    widget.ui.cohortStartButton.click()
    shim.wait(lambda: widget.ui.cohortTable.rowCount == 3, 60)
    process = psutil.Process(widget.panel.cohort.child.pid)
    widget.cleanup()
    assert not process.is_running() and not widget.panel.cohort.timer.active


def test_a_real_cohort_is_worked_on_to_its_end(widget, shim, tmp_path, dialogs_shown):
    pytest.importorskip("distributed", reason="Dask is not installed")
    threshold_model(tmp_path / "model", families=["MR"], working_spacing=3.0, region="volume")
    volume = a_sphere(GRID, (4.0, -3.0, 2.0), 15.0, 900, 300)
    for name in ("anna", "bert"):
        write_volume(volume, tmp_path / "cases" / name / "T1.nrrd")
    (tmp_path / "cases" / "bert" / "T2.nrrd").write_text("no volume", encoding="utf-8")
    ui = widget.ui
    widget._parameterNode.model = str(tmp_path / "model")
    choose(widget, tmp_path / "cases", tmp_path / "out")
    ui.cohortWorkersBox.value = 1
    ui.cohortStartButton.click()
    shim.wait(lambda: not widget.panel.cohort.running, 300)
    assert "bert: T2:" in ui.cohortMessage.text and "nothing was begun" in ui.cohortMessage.text
    os.unlink(tmp_path / "cases" / "bert" / "T2.nrrd")
    ui.cohortStartButton.click()
    shim.wait(lambda: not widget.panel.cohort.running, 500)
    assert ui.cohortMessage.text.startswith("2 of 2 cases finished"), ui.cohortMessage.text
    assert sorted(row[:2] for row in queue(ui)) == [["anna", "finished"], ["bert", "finished"]]
    assert ui.cohortOpenButton.visible
    ui.cohortOpenButton.click()
    assert "index.html" in str(dialogs_shown.shown)
