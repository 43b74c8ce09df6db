"""The shipped pair from Sample Data to the result through real buttons and real child processes.

One run serves all tests of this file; each goes on with the scene as the one before has left it.
"""

import zlib
from types import SimpleNamespace

import numpy as np
import pytest

from MultimodalSegLib.models.bundle import load_bundle
from Testing.processes import children
from Testing.slicerside.panel.conftest import opened, with_sample_pair
from Testing.slicerside.panel.watching import Listener, Stopwatch

SECONDS = 900
BLOCKED_S = 0.1
"""What the interface may be blocked at most while a run is on, until its result is loaded."""
QUIET = 0.02
"""Part of the time that the interface may wait for a processor on a machine that is free for this test."""
SURFACE = "Closed surface"


@pytest.fixture(scope="module")
def finished(shared_shim, pictures):
    """The panel after the module's self test has pressed Apply for the sample pair, and what was seen on the way.

    The self test is what users run inside Slicer; every turn of the event loop is timed.
    """
    import slicer

    with pytest.MonkeyPatch.context() as monkeypatch:
        widget = with_sample_pair(opened(shared_shim, monkeypatch), shared_shim)
        widget.ui.modelCollapsibleButton.collapsed = False
        pictures(widget, "ready", shared_shim)
        widget.ui.modelCollapsibleButton.collapsed = True
        watch, seen, listeners = Stopwatch(), set(), []

        def turn():
            with watch.turn():
                shared_shim.process_events()
            if widget.panel.run.flow is not None and not listeners:
                listeners.append(Listener(widget.panel))
            if not widget.panel.run.running or listeners[0].heard("load"):
                watch.forget()  # the result was made, which is timed in the tests of the results
            stage = widget.ui.stageLabel.text.split(":")[0].split(" –")[0]
            if stage == "Segmenting" and stage not in seen:
                pictures(widget, "segmenting", shared_shim)
            seen.add(stage)

        with monkeypatch.context() as timed:
            timed.setattr(slicer.app, "processEvents", turn)
            slicer.modules.MultimodalSegInstance.runTest()
        left = children()
        pictures(widget, "finished", shared_shim)
        yield SimpleNamespace(widget=widget, shim=shared_shim, seen=seen, watch=watch, left=left)


def result_of(finished):
    """The segmentation that the panel shows."""
    return finished.widget._parameterNode.resultSegmentation


def names_of(node):
    segmentation = node.GetSegmentation()
    return [segmentation.GetNthSegment(n).GetName() for n in range(segmentation.GetNumberOfSegments())]


def apply_and_wait(finished):
    """Press Apply again; answers what the panel says in the end."""
    finished.widget.ui.applyButton.click()
    assert finished.widget.panel.waitUntilDone(seconds=SECONDS)
    return finished.widget.ui.messageLabel.text


def test_the_self_test_goes_the_whole_way(finished):
    ui, node = finished.widget.ui, result_of(finished)
    assert {"Aligning", "Segmenting"} <= finished.seen and "Finished" in ui.messageLabel.text
    assert finished.widget._parameterNode.movingVolume1.GetParentTransformNode() is not None
    assert ui.tableView.rowCount > 15 and ui.checkBox.count == 1 and len(names_of(node)) > 15
    assert node.GetAttribute("MultimodalSeg.Model") == load_bundle("default").name
    assert not finished.left


def test_the_interface_is_never_blocked_during_a_run(finished, record_property):
    watch = finished.watch
    record_property("longest_block_s", round(watch.longest_s, 3))
    figures = f"{watch.longest_s:.3f} s at most, {watch.processor_s:.3f} s on the processor at most"
    print(f"the interface was blocked for {figures}; it waited for a processor {watch.starved:.0%} of the time")
    assert watch.processor_s < BLOCKED_S
    assert watch.longest_s < BLOCKED_S or watch.starved > QUIET


def test_a_corrected_result_becomes_a_training_case(finished, tmp_path):
    import dialogs
    import slicer

    from MultimodalSegLib.commands.demo_case import DemoCase
    from MultimodalSegLib.images.io import read_labels, read_volume
    from MultimodalSegLib.slicerside.scene.segments import labels_from_segmentation

    parameters, node = finished.widget._parameterNode, result_of(finished)
    thalamus = node.GetSegmentation().GetSegmentIdBySegmentName("Left thalamus")
    value = 10  # FreeSurfer's
    before = labels_from_segmentation(node, parameters.referenceVolume)
    drawn = ((before == value) & (np.arange(before.shape[1]) % 2 == 0)[:, None]).astype(np.uint8)  # erased in places,
    drawn[:2, :2, :2] = before[:2, :2, :2] == 0  # and painted in the air
    slicer.util.updateSegmentBinaryLabelmapFromArray(drawn, node, thalamus, parameters.referenceVolume)
    dialogs.recorder.answers.append(str(tmp_path))
    finished.widget.ui.trainingCaseButton.click()
    (folder,) = tmp_path.iterdir()
    assert str(folder) in finished.widget.ui.resultMessage.text
    case = DemoCase.load(str(folder))
    names = [finished.widget.panel.choices().referenceModality, *finished.widget.panel.choices().movingByModality]
    assert list(case.volumes) == names and case.reference == names[0]
    for name, volume in zip(names, (parameters.referenceVolume, parameters.movingVolume1), strict=True):
        assert np.array_equal(read_volume(case.volumes[name]).array, slicer.util.arrayFromVolume(volume))
    labels = read_labels(case.truth).array
    assert 0 < drawn.sum() != (before == value).sum()
    assert np.array_equal(labels, np.where(drawn > 0, value, np.where(before == value, 0, before)))
    assert list(case.true_transforms) == names[1:] and case.true_transforms[names[1]].is_file()


def test_the_mri_alone_gives_a_second_result_beside_the_first(finished):
    """The CT is left out; of the first result nothing is changed, not even a name given by hand."""
    parameters, first = finished.widget._parameterNode, result_of(finished)
    first.GetSegmentation().GetNthSegment(0).SetName("corrected by hand")
    before, mri = names_of(first), parameters.movingVolume1
    finished.ct, finished.first, finished.first_names = parameters.referenceVolume, first, before
    parameters.referenceVolume = None
    assert finished.widget.ui.reasonLabel.text == "Choose a reference volume."
    finished.widget.ui.referenceSelector.setCurrentNode(mri)
    assert "chosen twice" in finished.widget.ui.reasonLabel.text
    finished.widget.ui.movingSelector1.setCurrentNode(None)
    assert "Finished" in apply_and_wait(finished)
    second = result_of(finished)
    assert second is not first and second.GetName() != first.GetName() and names_of(first) == before
    assert len(names_of(second)) > 15
    assert second.GetNodeReference(second.GetReferenceImageGeometryReferenceRole()) is mri
    assert second.GetParentTransformNode() is mri.GetParentTransformNode() is not None
    assert not children()


def test_a_result_is_replaced_when_the_user_chooses_it_as_output(finished, a_tiny_model):
    import slicer

    second, count = result_of(finished), len(slicer.util.getNodesByClass("vtkMRMLSegmentationNode"))
    a_tiny_model(finished.widget)
    finished.widget.ui.outputSelector.setCurrentNode(second)
    assert "Finished" in apply_and_wait(finished)
    assert result_of(finished) is second and second.GetAttribute("MultimodalSeg.Model") == "tiny"
    assert set(names_of(second)) <= {"Left white matter", "Right white matter", "Ventricle", "Skull", "Lesion"}
    assert names_of(finished.first) == finished.first_names
    assert len(slicer.util.getNodesByClass("vtkMRMLSegmentationNode")) == count


def test_results_parameters_and_terminology_come_back_with_the_scene(finished, tmp_path):
    import slicer

    from MultimodalSegLib.slicerside.scene.segments import labels_from_segmentation

    widget, ui = finished.widget, finished.widget.ui
    widget._parameterNode.referenceVolume, widget._parameterNode.registration = finished.ct, "affine"
    widget._parameterNode.resultSegmentation = finished.first

    def shown():
        node, segmentation = result_of(finished), result_of(finished).GetSegmentation()
        segments = [segmentation.GetNthSegment(n) for n in range(segmentation.GetNumberOfSegments())]
        role = node.GetReferenceImageGeometryReferenceRole()
        return {
            "names": [each.GetName() for each in segments],
            "terms": [each.GetTerminology() for each in segments],
            "voxels": zlib.crc32(labels_from_segmentation(node, node.GetNodeReference(role)).tobytes()),
            "colors": np.round([each.GetColor() for each in segments], 4).tolist(),
            "result": (node.GetName(), node.GetNodeReference(role).GetName()),
            "model": [node.GetAttribute(f"MultimodalSeg.{name}") for name in ("Model", "Checksum", "Inputs")],
            "measured": [ui.tableView.item(row, 0).text() for row in range(ui.tableView.rowCount)],
            "tables": [ui.tableBox.itemText(n) for n in range(ui.tableBox.count)],
            "compared": [ui.checkBox.itemText(n) for n in range(ui.checkBox.count)],
            "reference": ui.referenceSelector.currentNode().GetName(),
            "registration": ui.registrationBox.currentText,
            "model chosen": ui.modelBox.currentText,
        }

    before = shown()
    assert all(term.startswith("Segmentation category") for term in before["terms"])
    assert len(before["measured"]) > 15 and before["compared"] and before["registration"] == "Affine"
    assert slicer.util.saveScene(str(tmp_path / "scene.mrb"))
    slicer.mrmlScene.Clear()
    finished.shim.process_events(0.3)
    assert result_of(finished) is None and not ui.segmentsView.visible and ui.tableView.rowCount == 0
    slicer.util.loadScene(str(tmp_path / "scene.mrb"))
    finished.shim.process_events(0.3)
    assert shown() == before
    assert len(slicer.util.getNodesByClass("vtkMRMLSegmentationNode")) == 2


def test_surfaces_are_made_when_show_3d_is_pressed_and_not_before(finished):
    ui, node = finished.widget.ui, result_of(finished)
    segmentation, small = node.GetSegmentation(), "Left thalamus"
    for name in names_of(node):  # surfaces of all structures take long
        if name != small:
            segmentation.RemoveSegment(segmentation.GetSegmentIdBySegmentName(name))
    assert not segmentation.ContainsRepresentation(SURFACE) and not ui.show3DButton.checked
    ui.show3DButton.click()
    surface = node.GetClosedSurfaceInternalRepresentation(segmentation.GetNthSegmentID(0))
    assert surface.GetNumberOfPoints() > 100 and node.GetDisplayNode().GetVisibility3D()
    assert ui.show3DButton.checked
    ui.show3DButton.click()
    assert not node.GetDisplayNode().GetVisibility3D() and not ui.show3DButton.checked
