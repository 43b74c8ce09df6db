"""The button Why?: pressed for a structure of a result, answered by a real child process, shown over the reference."""

import sys

import numpy as np
import pytest

from Testing.slicerside.explained import GRID, a_run_folder, an_explaining_program, show_result, write_answer

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the stand-in for the interpreter is a shell script")
AT = np.array([16.0, 0.0, 0.0])


@pytest.fixture
def answer(tmp_path, monkeypatch):
    """Function that lets the child answer about a structure; lines of Python are done in the middle."""
    from MultimodalSegLib.slicerside.process import child

    def settle(name, more=""):
        write_answer(tmp_path / "answer", name, GRID, AT)
        program = an_explaining_program(tmp_path, more)
        monkeypatch.setattr(child, "find_python", lambda: program)

    return settle


@pytest.fixture
def result(widget, tmp_path):
    """The panel with a result: left thalamus, bone, and a lesion in two parts."""
    return show_result(widget, a_run_folder(tmp_path))


def choose(widget, name):
    node = widget.panel.results.node
    widget.ui.segmentsView.setSelectedSegmentIDs([node.GetSegmentation().GetSegmentIdBySegmentName(name)])


def shown():
    """What lies over the reference in the slice views."""
    import slicer

    composites = slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode")
    return {slicer.mrmlScene.GetNodeByID(node.GetForegroundVolumeID() or "none") for node in composites}


def ask_and_wait(widget, shim):
    widget.ui.whyButton.click()
    shim.wait(lambda: not widget.panel.results.why.running, 60)


def test_nothing_can_be_asked_before_a_structure_is_chosen(widget, result):
    ui = widget.ui
    assert ui.whyButton.visible and not ui.whyButton.enabled and "Choose one" in ui.whyButton.toolTip
    choose(widget, "Bone")
    assert ui.whyButton.enabled and not ui.whyLesionBox.visible and not ui.whyProgressBar.visible
    widget.panel.results.why.kept.clear()
    widget.panel.update()
    assert not ui.whyButton.enabled and "segment again" in ui.whyButton.toolTip


def test_the_answer_is_a_map_over_the_reference_with_legend_table_and_sentences(widget, shim, result, answer, pictures):
    import slicer

    answer("left_thalamus", "time.sleep(0.3)")
    choose(widget, "Left thalamus")
    widget.ui.whyButton.click()
    assert widget.ui.whyButton.text == "Stop" and widget.ui.whyProgressBar.visible
    shim.wait(lambda: "Looking at left_thalamus" in widget.ui.whyMessage.text, 60)
    shim.wait(lambda: not widget.panel.results.why.running, 60)
    (node,) = shown()
    assert node.GetAttribute("MultimodalSeg.Map") == "explanation/left_thalamus.gradcam.nrrd"
    assert widget.ui.mapBox.currentText == "Why: left thalamus (Grad-CAM)"
    visible = [n for n in slicer.util.getNodesByClass("vtkMRMLColorLegendDisplayNode") if n.GetVisibility()]
    assert [legend.GetTitleText() for legend in visible] == ["Why: left thalamus\n(Grad-CAM)"]
    assert widget.ui.whyMessage.text.splitlines() == [
        "Mean probability 0.80, of which CT 0.20, MR 0.60.",
        "Without the MRI these structures would be missed: Left thalamus.",
        "71% of the map lies inside the structure; insertion 0.80 (a random map 0.30, the blurred structure 0.75), "
        "deletion 0.20 (a random map 0.60, the blurred structure 0.25).",
    ]
    titles = [widget.ui.tableBox.itemText(n) for n in range(widget.ui.tableBox.count)]
    assert titles == ["Contributions"] and widget.ui.tableView.rowCount == 6
    assert widget.ui.whyButton.text != "Stop" and not widget.ui.whyProgressBar.visible
    pictures(widget, "why", shim)


def test_asked_again_the_answer_is_there_at_once_and_only_once(widget, shim, result, answer, monkeypatch):
    import slicer

    answer("left_thalamus")
    choose(widget, "Left thalamus")
    ask_and_wait(widget, shim)
    widget.ui.mapBox.setCurrentIndex(0)
    assert shown() == {None}
    answer("left_thalamus", "sys.exit(1)")  # nobody is asked
    ask_and_wait(widget, shim)
    assert len(shown() - {None}) == 1 and "Mean probability" in widget.ui.whyMessage.text
    maps = slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode")
    assert len(maps) == 3, "the CT and two maps"
    assert len(slicer.util.getNodesByClass("vtkMRMLTableNode")) == 1


def test_single_lesions_can_be_asked_about(widget, shim, result, answer):
    answer("lesion_2")
    choose(widget, "Lesion")
    box = widget.ui.whyLesionBox
    assert box.visible and [box.itemText(n) for n in range(box.count)] == ["All of it", "Lesion 1", "Lesion 2"]
    box.setCurrentIndex(2)
    ask_and_wait(widget, shim)
    assert widget.ui.mapBox.currentText == "Why: lesion 2 (Grad-CAM)", widget.ui.whyMessage.text
    choose(widget, "Bone")
    assert not box.visible


def test_a_question_can_be_stopped_and_a_failure_is_told(widget, shim, result, answer):
    answer("bone", "time.sleep(600)")
    choose(widget, "Bone")
    widget.ui.whyButton.click()
    shim.wait(lambda: "Looking" in widget.ui.whyMessage.text, 60)
    ask_and_wait(widget, shim)  # the button says Stop
    assert widget.ui.whyMessage.text == "" and widget.ui.whyButton.enabled
    answer("bone", 'tell(error=dict(kind="memory", message="Too little memory.", hint=""))\nsys.exit(6)')
    ask_and_wait(widget, shim)
    assert widget.ui.whyMessage.text.startswith("Too little memory.") and not widget.ui.whyProgressBar.visible


def test_a_segment_that_the_run_did_not_make_and_a_closed_scene(widget, shim, result, answer):
    import slicer

    run = widget.panel.results.why.kept.of(result)
    result.GetSegmentation().AddEmptySegment("mine", "My own")
    choose(widget, "My own")
    assert not widget.ui.whyButton.enabled
    answer("bone", "time.sleep(600)")
    choose(widget, "Bone")
    widget.ui.whyButton.click()
    slicer.mrmlScene.Clear()
    shim.process_events(0.1)
    assert not widget.panel.results.why.running and not widget.ui.whyButton.visible
    assert not run.parent.exists()
