"""The shipped pair from Sample Data to the result through real buttons and real child processes."""

import time

import pytest

from MultimodalSegLib.errors import ModelError
from MultimodalSegLib.models.bundle import load_bundle

SECONDS = 900
BLOCKED_S = 0.1
"""What the interface may be blocked at most while a run is on, on a machine that does nothing else."""


@pytest.fixture
def sample(widget, shim):
    """The panel with the sample pair loaded by its button."""
    try:
        load_bundle("default")
    except ModelError as error:
        pytest.skip(str(error))
    widget.ui.sampleDataButton.click()
    shim.wait(lambda: widget.ui.applyButton.enabled, 20)
    return widget


def children():
    """Processes that this one has started and that are still there."""
    import psutil

    return [child for child in psutil.Process().children(recursive=True) if child.status() != psutil.STATUS_ZOMBIE]


def test_cancel_leaves_no_process(sample, shim):
    """In the first stage that runs in a process; the logic's own tests cancel in all of them."""
    sample.ui.applyButton.click()
    shim.wait(children, 60)
    sample.ui.cancelButton.click()
    shim.wait(lambda: not sample.panel.run.running, 10)
    shim.wait(lambda: not children(), 2)
    assert "Stopped" in sample.ui.messageLabel.text and sample.ui.applyButton.enabled
    assert sample._parameterNode.resultSegmentation is None


def test_one_click_gives_a_segmentation(sample, shim, pictures, record_property):
    begin = time.perf_counter()
    sample.ui.applyButton.click()
    assert sample.ui.progressBar.visible and time.perf_counter() - begin < 0.5
    longest, seen, end = 0.0, set(), time.monotonic() + SECONDS
    while sample.panel.run.running and time.monotonic() < end:
        before = time.perf_counter()
        shim.process_events()
        stage = sample.ui.stageLabel.text.split(":")[0].split(" –")[0]
        if stage != "Loading the result" and sample.panel.run.running:
            longest = max(longest, time.perf_counter() - before)
        if stage == "Segmenting" and stage not in seen:
            pictures(sample, "segmenting", shim)
        seen.add(stage)
        time.sleep(0.005)
    record_property("longest_block_s", round(longest, 3))
    print(f"the interface was blocked for {longest:.3f} s at most (wanted: {BLOCKED_S} s)")
    pictures(sample, "finished", shim)
    assert {"Aligning", "Segmenting"} <= seen and "Finished" in sample.ui.messageLabel.text
    node = sample._parameterNode.resultSegmentation
    assert node.GetSegmentation().GetNumberOfSegments() > 15
    assert sample._parameterNode.movingVolume1.GetParentTransformNode() is not None
    assert sample.ui.tableView.rowCount > 15 and sample.ui.checkBox.count == 1
    assert node.GetAttribute("MultimodalSeg.Model") == load_bundle("default").name
    assert not children()
