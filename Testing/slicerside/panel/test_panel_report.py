"""The button Report, answered by a real child process, and maps that a command made after the result came."""

import importlib.metadata
import os
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from MultimodalSegLib.images.io import write_volume
from MultimodalSegLib.images.volume import Volume
from Testing.slicerside.explained import GRID, a_run_folder, show_result
from Testing.slicerside.stand_in import a_program

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the stand-in for the interpreter is a shell script")
PROGRAM = """
import json, pathlib, sys
assert sys.argv[1:4] == ["-m", "MultimodalSegLib", "report"] and "--pdf" in sys.argv, sys.argv
run = pathlib.Path(sys.argv[4])
print(json.dumps(dict(stage="report", done=1, total=3, message="report.html")), flush=True)
for name in ("report.html", "report.pdf"):
    (run / name).write_text("of " + run.name)
print(json.dumps(dict(result=dict(run=str(run), files=[], warnings=[]))), flush=True)
"""


@pytest.fixture
def result(widget, tmp_path, monkeypatch):
    """The panel with a result, and a child that writes reports."""
    from MultimodalSegLib.slicerside.process import child

    program = a_program(tmp_path, PROGRAM)
    monkeypatch.setattr(child, "find_python", lambda: program)
    return show_result(widget, a_run_folder(tmp_path))


@pytest.fixture
def without_jinja(monkeypatch):
    """Slicer's Python without Jinja2; gives the list of what pip was asked for."""
    asked, version = [], importlib.metadata.version

    def version_of(name):
        if name == "Jinja2" and not asked:
            raise importlib.metadata.PackageNotFoundError(name)
        return version(name)

    packaging = ModuleType("slicer.packaging")
    packaging.load_requirements = lambda path: [
        line for line in Path(path).read_text(encoding="utf-8").splitlines() if line[:1].isalpha()
    ]
    packaging.pip_ensure = lambda requirements, **_options: asked.extend(requirements)
    monkeypatch.setattr(importlib.metadata, "version", version_of)
    monkeypatch.setitem(sys.modules, "slicer.packaging", packaging)
    return asked


def write_report(widget, shim, dialogs_shown, place):
    dialogs_shown.answers.append(str(place))
    widget.ui.reportButton.click()
    shim.wait(lambda: not widget.panel.results.report.running, 60)


def a_map(run, name, value, at):
    write_volume(Volume(np.full(GRID.shape, value, np.float32) * (np.indices(GRID.shape)[0] > 5), GRID), run / name)
    os.utime(run / name, ns=(at, at))


def test_the_report_is_written_where_it_is_wanted_opened_and_never_replaced(
    widget, shim, result, dialogs_shown, tmp_path, pictures
):
    ui, place = widget.ui, tmp_path / "reports"
    place.mkdir()
    assert ui.reportButton.visible and ui.reportButton.enabled and "browser" in ui.reportButton.toolTip
    pictures(widget, "report", shim)
    write_report(widget, shim, dialogs_shown, place)
    assert ui.resultMessage.text == f"The report is in {place / 'report.html'}.", ui.resultMessage.text
    opened = [one.text for one in dialogs_shown.shown if one.kind == "url"]
    assert len(opened) == 1 and opened[0].startswith("file:") and opened[0].endswith("report.html")
    write_report(widget, shim, dialogs_shown, place)
    assert sorted(file.name for file in place.iterdir()) == [
        "report 2.html",
        "report 2.pdf",
        "report.html",
        "report.pdf",
    ]


def test_who_gives_no_folder_or_has_no_files_gets_no_report(widget, shim, result, dialogs_shown):
    dialogs_shown.answers.append("")
    widget.ui.reportButton.click()
    assert not widget.panel.results.report.running and not widget.ui.resultMessage.visible
    widget.panel.results.why.kept.clear()
    widget.panel.update()
    assert not widget.ui.reportButton.enabled and "segment again" in widget.ui.reportButton.toolTip


def test_a_folder_that_is_not_there_anymore_is_told(widget, shim, result, dialogs_shown, tmp_path):
    write_report(widget, shim, dialogs_shown, tmp_path / "gone")
    assert widget.ui.resultMessage.text.startswith(f"The report cannot be written to {tmp_path / 'gone'}: No such file")
    assert not [one for one in dialogs_shown.shown if one.kind == "url"] and widget.ui.reportButton.text != "Stop"


def test_missing_packages_are_offered_when_a_report_is_asked_for(
    widget, shim, result, dialogs_shown, without_jinja, tmp_path
):
    import qt

    widget.enter()
    assert not widget.ui.packagesFrame.visible  # a segmentation does not need them
    dialogs_shown.answers.append(False)
    widget.ui.reportButton.click()
    assert "cannot be written without" in widget.ui.resultMessage.text and not without_jinja
    (question,) = [one for one in dialogs_shown.shown if one.kind == "question"]
    assert "Jinja2>=3.1" in question.text and "BSD-3-Clause" in question.text and "torch" not in question.text
    dialogs_shown.answers.append(qt.QMessageBox.Ok)
    write_report(widget, shim, dialogs_shown, tmp_path)
    assert set(without_jinja) == {"Jinja2>=3.1", "pillow>=10.4", "fpdf2>=2.8", "matplotlib>=3.9"}
    assert (tmp_path / "report.pdf").is_file()


def test_maps_of_uncertainty_are_offered_once_a_command_has_made_them(widget, shim, result):
    import slicer

    results = widget.panel.results
    run, box = results.why.kept.of(result), widget.ui.mapBox
    results.late.onTimer()
    assert not box.visible
    for name in ("entropy", "disagreement"):
        a_map(run, f"uncertainty/{name}.nrrd", 0.3, 10**18)
    (run / "explanation").mkdir()
    a_map(run, "explanation/bone.gradcam.nrrd", 0.3, 10**18)  # is shown where it was asked for
    results.late.onTimer()
    titles = [box.itemText(n) for n in range(box.count)]
    assert titles == ["None", "Uncertainty (disagreement)", "Uncertainty (entropy)"] and box.visible
    box.setCurrentIndex(2)
    before = {node.GetID() for node in slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode")}
    results.late.onTimer()
    assert {node.GetID() for node in slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode")} == before
    a_map(run, "uncertainty/entropy.nrrd", 0.6, 2 * 10**18)  # made again
    (run / "uncertainty" / "disagreement.nrrd").write_bytes(b"damaged")
    results.late.onTimer()
    maps = {
        node.GetAttribute("MultimodalSeg.Map"): node for node in slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode")
    }
    assert slicer.util.arrayFromVolume(maps["uncertainty/entropy.nrrd"]).max() == np.float32(0.6)
    assert len(maps) == 3 and box.count == 3  # the CT and both maps, the damaged one as it was
