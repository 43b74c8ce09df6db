"""The shipped pair from Sample Data to the result through real buttons and real child processes."""

import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from MultimodalSegLib.errors import ModelError
from MultimodalSegLib.models.bundle import load_bundle

SECONDS = 900
BLOCKED_S = 0.1
"""What the interface may be blocked at most while a run is on, until its result is loaded."""
QUIET = 0.02
"""Part of the time that the interface may wait for a processor on a machine that is free for this test."""


class Stopwatch:
    """Times of the turns of the event loop in the main thread.

    On a machine that is busy with other work a turn takes long for no fault of the program. Therefore the processor
    time of the turns is taken too, and how long the thread could have run but was not let (Linux tells).
    """

    def __init__(self):
        self.longest_s = self.processor_s = 0.0
        self._before, self._begin, self._waited = (0.0, 0.0), time.perf_counter(), waited_s()

    @contextmanager
    def turn(self):
        self._before = self.longest_s, self.processor_s
        wall, processor = time.perf_counter(), time.thread_time()
        yield
        self.longest_s = max(self.longest_s, time.perf_counter() - wall)
        self.processor_s = max(self.processor_s, time.thread_time() - processor)

    def forget(self):
        """The last turn does not count."""
        self.longest_s, self.processor_s = self._before

    @property
    def starved(self):
        """Part of the time for which the thread waited for a processor; 1 where the system does not tell."""
        waited = waited_s()
        if waited is None or self._waited is None:
            return 1.0
        return (waited - self._waited) / (time.perf_counter() - self._begin)


def waited_s():
    """Seconds that this thread has been ready to run without running, None if unknown."""
    try:
        return int(Path("/proc/thread-self/schedstat").read_text().split()[1]) / 1e9
    except (OSError, IndexError):
        return None


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
    sample.ui.modelCollapsibleButton.collapsed = False
    pictures(sample, "ready", shim)
    sample.ui.modelCollapsibleButton.collapsed = True
    begin = time.perf_counter()
    sample.ui.applyButton.click()
    assert sample.ui.progressBar.visible and time.perf_counter() - begin < 0.5
    heard: set[str] = set()
    sample.panel.run.flow.progress.connect(lambda event: heard.add(event.stage))
    seen, end, watch = set(), time.monotonic() + SECONDS, Stopwatch()
    while sample.panel.run.running and time.monotonic() < end:
        with watch.turn():
            shim.process_events()
        stage = sample.ui.stageLabel.text.split(":")[0].split(" –")[0]
        if "load" in heard or not sample.panel.run.running:
            watch.forget()  # the result was made, which is timed in the tests of the results
        if stage == "Segmenting" and stage not in seen:
            pictures(sample, "segmenting", shim)
        seen.add(stage)
        time.sleep(0.005)
    record_property("longest_block_s", round(watch.longest_s, 3))
    figures = f"{watch.longest_s:.3f} s at most, {watch.processor_s:.3f} s on the processor at most"
    print(f"the interface was blocked for {figures}; it waited for a processor {watch.starved:.0%} of the time")
    assert watch.processor_s < BLOCKED_S
    assert watch.longest_s < BLOCKED_S or watch.starved > QUIET
    pictures(sample, "finished", shim)
    assert {"Aligning", "Segmenting"} <= seen and "Finished" in sample.ui.messageLabel.text
    node = sample._parameterNode.resultSegmentation
    assert node.GetSegmentation().GetNumberOfSegments() > 15
    assert sample._parameterNode.movingVolume1.GetParentTransformNode() is not None
    assert sample.ui.tableView.rowCount > 15 and sample.ui.checkBox.count == 1
    assert node.GetAttribute("MultimodalSeg.Model") == load_bundle("default").name
    assert not children()
