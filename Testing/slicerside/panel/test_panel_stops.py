"""How a run of the sample pair ends before its time, with real child processes: cancelled, failed, abandoned."""

import os
import signal
import sys
import tempfile
import time
from pathlib import Path

import pytest

from Testing.processes import children
from Testing.slicerside.panel.watching import Listener

GONE_S = 2.0
"""What may pass until no process is left."""


@pytest.fixture
def started(sample, shim):
    """Function that presses Apply with a kind of registration and waits for a stage; answers what is then heard."""

    def start(stage, registration="none"):
        sample._parameterNode.registration = registration
        sample.ui.applyButton.click()
        listener = Listener(sample.panel)
        shim.wait(lambda: listener.heard(stage) or not sample.panel.run.running, 120)
        assert sample.panel.run.running, sample.ui.messageLabel.text
        return listener

    return start


def all_has_ended(widget, shim):
    """Wait until the run and its processes are gone; fails where that takes too long."""
    shim.wait(lambda: not widget.panel.run.running and not children(), GONE_S)


@pytest.fixture
def temporary(shim, tmp_path, monkeypatch):
    """Function that lists what runs have put into the temporary folders of the application and of the system."""
    import slicer

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return lambda: {path for folder in (slicer.app.temporaryPath, tmp_path) for path in Path(folder).glob("Multi*")}


@pytest.mark.parametrize(
    ("stage", "registration"), [("prepare", "rigid"), ("register", "rigid"), ("start", "none"), ("segment", "none")]
)
def test_cancel_leaves_no_process_no_file_and_no_node(temporary, sample, started, shim, stage, registration):
    import slicer

    nodes, folders = slicer.mrmlScene.GetNumberOfNodes(), temporary()
    if stage == "prepare":  # it is told within the click
        sample._parameterNode.registration = registration
        begin = time.thread_time()
        sample.ui.applyButton.click()
        assert sample.ui.progressBar.visible and sample.ui.stageLabel.text and time.thread_time() - begin < 0.5
    else:
        started(stage, registration)
        assert children() and temporary() > folders
    sample.ui.cancelButton.click()
    all_has_ended(sample, shim)
    assert "Stopped" in sample.ui.messageLabel.text and sample.ui.applyButton.enabled
    assert not sample.ui.cancelButton.enabled and not sample.ui.progressBar.visible
    assert slicer.mrmlScene.GetNumberOfNodes() == nodes and sample._parameterNode.resultSegmentation is None
    shim.wait(lambda: temporary() <= folders, 5)


def test_cancel_while_the_result_is_about_to_be_loaded_leaves_the_scene_as_it_was(widget, a_tiny_model, a_pair, shim):
    """With a small volume and a small model; the stage comes last."""
    import slicer

    widget._parameterNode.movingVolume1 = None
    a_tiny_model(widget)
    nodes = slicer.mrmlScene.GetNumberOfNodes()
    widget.ui.applyButton.click()
    press, pressed = widget.ui.cancelButton.click, []
    widget.panel.run.flow.progress.connect(
        lambda event: pressed.append(press()) if event.stage == "load" and not pressed else None
    )
    assert widget.panel.waitUntilDone(seconds=120)
    assert pressed and "Stopped" in widget.ui.messageLabel.text and slicer.mrmlScene.GetNumberOfNodes() == nodes
    assert widget._parameterNode.resultSegmentation is None and not children()


def test_cancel_while_an_alignment_is_examined(widget, a_pair, registrations, a_transform, shim):
    import slicer

    widget.ui.applyButton.click()
    listener, node = Listener(widget.panel), a_transform(3.0)
    registrations[0][1].end(registrations[0][1].finished, node)
    assert listener.heard("check")
    widget.ui.cancelButton.click()
    assert not widget.panel.run.running and "Stopped" in widget.ui.messageLabel.text
    shim.process_events(0.3)  # the examination comes to its end unheard
    assert not widget.ui.gateFrame.visible and not slicer.mrmlScene.IsNodePresent(node)


@pytest.mark.skipif(sys.platform == "win32", reason="processes are ended with a signal")
@pytest.mark.parametrize(("stage", "registration"), [("register", "rigid"), ("segment", "none")])
def test_a_child_that_dies_is_told_with_a_way_out(sample, started, shim, stage, registration):
    started(stage, registration)
    for child in children():
        os.kill(child.pid, signal.SIGKILL)
    all_has_ended(sample, shim)
    message, hint = sample.ui.messageLabel.text.splitlines()
    assert "The system has ended the run" in message and "smaller region" in hint
    assert "exit code -9" in sample.ui.logText.plainText and sample.ui.applyButton.enabled
    assert sample._parameterNode.movingVolume1.GetParentTransformNode() is None


def test_too_little_memory_is_told_with_a_way_out(sample, shim):
    sample._parameterNode.movingVolume1 = None
    sample.ui.memoryBox.value = 1
    sample.ui.applyButton.click()
    assert sample.panel.waitUntilDone(seconds=120)
    message, hint = sample.ui.messageLabel.text.splitlines()
    assert "memory" in message and "smaller region" in hint and "--" not in hint
    assert sample._parameterNode.resultSegmentation is None and sample.ui.applyButton.enabled


def test_a_model_that_was_damaged_after_it_was_chosen_is_told(sample, a_tiny_model, shim):
    weights = a_tiny_model(sample) / "models" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-4])
    sample._parameterNode.movingVolume1 = None
    sample.ui.applyButton.click()
    assert sample.panel.waitUntilDone(seconds=120)
    message, hint = sample.ui.messageLabel.text.splitlines()
    assert "tiny" in message and hint and "--" not in hint
    sample.panel.model.refresh()  # as when the folder of models is looked at again
    sample.panel.update()
    assert "tiny" in sample.ui.modelMessage.text and not sample.ui.applyButton.enabled
    assert "not on this computer" in sample.ui.reasonLabel.text


def test_after_the_ct_was_deleted_the_mri_alone_can_be_chosen(sample, shim):
    import slicer

    ct, mri = sample._parameterNode.referenceVolume, sample._parameterNode.movingVolume1
    slicer.mrmlScene.RemoveNode(ct)
    assert sample.ui.reasonLabel.text == "Choose a reference volume." and not sample.ui.applyButton.enabled
    sample.ui.movingSelector1.setCurrentNode(None)
    sample.ui.referenceSelector.setCurrentNode(mri)
    assert not sample.ui.reasonLabel.text and sample.ui.applyButton.enabled
    assert sample.panel.choices().modalities == ["MR"]
    assert "nothing to align" in sample.ui.registrationMessage.text
    sample.ui.referenceSelector.setCurrentNode(None)
    assert not sample.ui.applyButton.enabled


def test_the_reference_deleted_during_an_alignment_ends_the_run(sample, started, registrations, a_transform, shim):
    import slicer

    sample.ui.applyButton.click()
    slicer.mrmlScene.RemoveNode(sample._parameterNode.referenceVolume)
    registrations[0][1].end(registrations[0][1].finished, a_transform(1.0))
    assert "A volume was deleted during the run." in sample.ui.messageLabel.text and not sample.panel.run.running


def test_a_scene_closed_during_a_run_ends_it(sample, started, shim):
    import slicer

    started("register", "rigid")
    slicer.mrmlScene.Clear()
    all_has_ended(sample, shim)
    assert not sample.ui.applyButton.enabled and sample.ui.sampleDataButton.visible
    sample.ui.sampleDataButton.click()
    shim.wait(lambda: sample.ui.applyButton.enabled, 20)


def test_closing_the_application_during_a_run_leaves_no_process(sample, started, shim):
    started("start")
    assert children()
    shim.close_modules()
    shim.wait(lambda: not children(), GONE_S)


def test_a_reload_during_a_run_leaves_no_process_and_a_panel_that_works(the_library, sample, started, shim):
    import slicer

    started("start")
    before = sys.modules["MultimodalSegLib.slicerside.panel.panel"]
    sample.onReload()
    shim.wait(lambda: not children(), GONE_S)
    again = slicer.modules.MultimodalSegWidget
    assert again is not sample and sys.modules["MultimodalSegLib.slicerside.panel.panel"] is not before
    again.enter()
    assert again.ui.applyButton.enabled and not again.ui.cancelButton.enabled
    again.ui.applyButton.click()
    shim.wait(children, 60)
    again.ui.cancelButton.click()
    all_has_ended(again, shim)


@pytest.fixture
def the_library():
    """After a test that loads the library anew, the other tests go on with the one that they have imported."""
    mine = {name: module for name, module in sys.modules.items() if name.split(".")[0] == "MultimodalSegLib"}
    yield
    for name in [name for name in sys.modules if name.split(".")[0] == "MultimodalSegLib"]:
        del sys.modules[name]
    sys.modules.update(mine)
