"""Apply, the question about a poor alignment, Cancel and the ends of a run; runs end as the test says."""

import time

import pytest

from MultimodalSegLib.slicerside.process.child import RunProgress


@pytest.fixture
def asked(widget, a_pair, registrations, a_transform, a_verdict, shim):
    """A poor alignment was found; answers the transform node that the question is about."""
    a_verdict("poor")
    widget.ui.applyButton.click()
    node = a_transform(80.0)
    registrations[0][1].end(registrations[0][1].finished, node)
    shim.wait(lambda: widget.ui.gateFrame.visible, 10)
    return node


def test_apply_aligns_checks_and_segments(
    widget, a_pair, registrations, segmentations, a_transform, a_verdict, shim, pictures
):
    a_verdict("good")
    widget.ui.applyButton.click()
    assert not widget.ui.applyButton.enabled and widget.ui.cancelButton.enabled
    (arguments, options), run = registrations[0]
    assert arguments == (*a_pair, "rigid") and options["modalities"] == ("CT", "T1") and run.started
    run.progress.emit(RunProgress("register", 30.0, 100.0, "rigid", 12.0))
    assert widget.ui.progressBar.value == 30 and widget.ui.stageLabel.text == "Aligning: rigid – 10 s left"
    pictures(widget, "aligning", shim)
    transform = a_transform(1.0)
    run.end(run.finished, transform)
    shim.wait(lambda: segmentations, 10)
    (_, options), run = segmentations[0]
    assert options["transforms"] == {"T1": transform} and options["registration"] == "rigid"
    assert options["referenceModality"] == "CT" and options["outputSegmentation"] is None
    assert not widget.ui.gateFrame.visible


def test_a_poor_alignment_is_asked_about(widget, asked, segmentations, shim, pictures):
    assert "poor" in widget.ui.gateLabel.text and not segmentations
    assert not widget.ui.progressBar.visible
    pictures(widget, "question", shim)


def test_continue_anyway_uses_it_and_says_so(widget, asked, segmentations):
    widget.ui.continueButton.click()
    assert segmentations[0][0][1]["transforms"] == {"T1": asked}
    assert any("poor" in note for note in widget.panel.run.flow.notes)
    assert not widget.ui.gateFrame.visible


def test_start_from_this_transform_aligns_again(widget, asked, a_pair, registrations, segmentations):
    widget.ui.startFromButton.click()
    assert len(registrations) == 2 and registrations[1][1].started and not segmentations
    assert a_pair[1].GetParentTransformNode() is asked
    assert [options["initial"] for (_, options), _run in registrations] == [None, asked]


def test_go_back_leaves_the_transform_to_be_corrected(widget, asked, a_pair, segmentations):
    import slicer

    widget.ui.goBackButton.click()
    assert not widget.panel.run.running and not segmentations
    assert slicer.mrmlScene.IsNodePresent(asked) and a_pair[1].GetParentTransformNode() is asked
    assert widget.ui.applyButton.enabled and not widget.ui.gateFrame.visible


def test_blink_and_checkerboard_show_both_volumes(widget, asked, a_pair, shim):
    import slicer

    composite = slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode")[0]
    widget.ui.gateBlinkButton.click()
    seen = set()
    for _moment in range(30):
        shim.process_events(0.1)
        seen.add(composite.GetForegroundOpacity())
    assert seen == {0.0, 1.0} and composite.GetForegroundVolumeID() == a_pair[1].GetID()
    widget.ui.gateCheckerboardButton.click()
    assert not widget.ui.gateBlinkButton.checked


@pytest.mark.parametrize("stage", ["aligning", "segmenting"])
def test_cancel(widget, a_pair, registrations, segmentations, a_transform, a_verdict, shim, stage):
    import slicer

    a_verdict("good")
    widget.ui.applyButton.click()
    node = None
    if stage == "segmenting":
        node = a_transform(1.0)
        registrations[0][1].end(registrations[0][1].finished, node)
        shim.wait(lambda: segmentations, 10)
    widget.ui.cancelButton.click()
    assert not widget.panel.run.running and widget.ui.applyButton.enabled
    assert "Stopped" in widget.ui.messageLabel.text
    assert node is None or not slicer.mrmlScene.IsNodePresent(node)
    assert a_pair[1].GetParentTransformNode() is None


def test_a_failure_is_told_with_a_way_out(widget, a_pair, registrations, shim, pictures):
    widget.ui.applyButton.click()
    run = registrations[0][1]
    run.end(run.failed, "memory", "The memory is not enough for this case.", "Choose a smaller region of interest.")
    assert widget.ui.messageLabel.text.splitlines() == [
        "The memory is not enough for this case.",
        "Choose a smaller region of interest.",
    ]
    assert "a line of the log" in widget.ui.logText.plainText and widget.ui.applyButton.enabled
    pictures(widget, "failed", shim)


def test_what_the_logic_refuses_is_told(widget, a_pair, segmentations):
    widget._parameterNode.registration = "none"
    widget.ui.deviceBox.setCurrentIndex(widget.ui.deviceBox.findData("cuda"))
    widget.ui.applyButton.click()
    assert "There is no graphics card." in widget.ui.messageLabel.text and not widget.panel.run.running


def test_one_volume_is_segmented_without_alignment(widget, a_pair, registrations, segmentations):
    widget._parameterNode.movingVolume1 = None
    widget.ui.applyButton.click()
    assert not registrations and segmentations[0][0][0] == (a_pair[0], {})


def test_closing_the_scene_stops_the_run(widget, a_pair, registrations):
    import slicer

    widget.ui.applyButton.click()
    slicer.mrmlScene.Clear()
    assert not registrations[0][1].running and not widget.panel.run.running


def test_leaving_the_module_does_not_stop_the_run(widget, a_pair, registrations):
    widget.ui.applyButton.click()
    widget.exit()
    assert registrations[0][1].running and widget.panel.run.running
    widget.enter()
    assert not widget.ui.applyButton.enabled and widget.ui.cancelButton.enabled


def test_the_log_can_be_copied(widget, a_pair, registrations, shim):
    import qt

    widget.ui.applyButton.click()
    widget.ui.logGroup.collapsed = False
    shim.wait(lambda: "a line of the log" in widget.ui.logText.plainText, 5)
    widget.ui.copyLogButton.click()
    assert "a line of the log" in qt.QApplication.clipboard().text()


def test_settings_are_remembered(widget, a_pair, shim):
    import qt

    widget.ui.threadsBox.value = 3
    widget.ui.keepFilesBox.checked = True
    assert widget.panel.settings.options()["threads"] == 3
    assert str(qt.QSettings().value("MultimodalSeg/threads")) == "3"
    again = shim.open_module("MultimodalSeg")
    assert again.ui.threadsBox.value == 3 and again.ui.keepFilesBox.checked
    assert again.panel.settings.options()["keepFiles"] is True


def test_missing_packages_are_told_and_apply_waits_for_them(widget, a_pair, monkeypatch, shim, pictures):
    from MultimodalSegLib.slicerside.setup import package_list

    torch = package_list.Package("torch", "torch>=2.8", 200, "BSD")
    monkeypatch.setattr(package_list, "missing", lambda: [torch])
    widget.enter()
    assert widget.ui.packagesFrame.visible and "torch" in widget.ui.packagesLabel.text
    assert not widget.ui.applyButton.enabled and widget.ui.reasonLabel.text == "Install the packages first."
    pictures(widget, "packages-missing", shim)


def test_install_lets_the_application_show_its_progress(widget, monkeypatch):
    from MultimodalSegLib.errors import Cancelled
    from MultimodalSegLib.slicerside.setup import installation

    asked = {}

    def install(_ask, **options):
        asked.update(options)
        raise Cancelled("No package was installed.", "Press Install packages.")

    monkeypatch.setattr(installation, "install", install)
    widget.ui.settingsCollapsibleButton.collapsed = widget.ui.packagesGroup.collapsed = False
    widget.ui.repairButton.click()
    assert asked["show_progress"] and asked["repair"]
    assert "No package was installed." in widget.ui.doctorText.plainText


def test_the_estimate_learns_from_a_run_and_keeps_it_for_later_sessions(
    widget, a_pair, segmentations, shim, monkeypatch
):
    import slicer

    from MultimodalSegLib.slicerside.run.result import Result

    widget.ui.deviceBox.setCurrentIndex(widget.ui.deviceBox.findData("cpu"))
    widget._parameterNode.registration = "none"
    assert "rough guess" in widget.ui.estimateLabel.text
    widget.ui.applyButton.click()
    (run,) = [run for _asked, run in segmentations]
    now = time.monotonic
    monkeypatch.setattr(time, "monotonic", lambda: now() + 30.0)
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    volume = {"size": [24, 24, 24], "spacing": [4.0, 4.0, 4.0]}
    record = {"reference": "CT", "device": "cpu", "inputs": {"CT": volume, "T1": volume}}
    run.end(run.finished, Result(node, record=record))
    assert widget.ui.messageLabel.text.startswith("Finished after 30 s.")
    learned = widget.ui.estimateLabel.text
    assert "About 25 s to 40 s" in learned and "guess" not in learned
    assert shim.open_module("MultimodalSeg").ui.estimateLabel.text == learned


def test_waiting_for_an_answer_is_no_part_of_a_run_s_time(widget, asked, segmentations, monkeypatch):
    now = time.monotonic
    monkeypatch.setattr(time, "monotonic", lambda: now() + 1000.0)
    widget.ui.continueButton.click()
    assert segmentations and widget.panel.run.flow.seconds < 500


def test_maps_that_were_wanted_are_asked_for_and_kept_with_the_scene(widget, a_pair, segmentations, shim, pictures):
    import qt

    widget.ui.modelCollapsibleButton.collapsed = widget.ui.structureMapsGroup.collapsed = False
    table = widget.ui.structureMapsTable
    names = [table.item(row, 0).text() for row in range(table.rowCount)]
    table.item(names.index("Left thalamus"), 0).setCheckState(qt.Qt.Checked)
    table.item(names.index("Brain stem"), 0).setCheckState(qt.Qt.Checked)
    widget.ui.lesionProbabilityBox.checked = True
    pictures(widget, "wanted-maps", shim)
    assert set(widget.panel.choices().probabilities) == {"lesion", "Brain stem", "Left thalamus"}
    table.item(names.index("Brain stem"), 0).setCheckState(qt.Qt.Unchecked)
    widget._parameterNode.registration = "none"
    widget.ui.applyButton.click()
    assert segmentations[0][0][1]["probabilities"] == ("lesion", "Left thalamus")
    again = shim.open_module("MultimodalSeg").ui.structureMapsTable
    ticked = [
        again.item(row, 0).text() for row in range(again.rowCount) if again.item(row, 0).checkState() != qt.Qt.Unchecked
    ]
    assert ticked == ["Left thalamus"]
