"""The panel on the shim: real widgets, a real scene, and runs that a test ends as it likes."""

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "shim"))

import fixtures  # noqa: E402

from MultimodalSegLib.errors import InputError, ModelError  # noqa: E402
from MultimodalSegLib.models.bundle import load_bundle  # noqa: E402
from MultimodalSegLib.slicerside.signal import Signal  # noqa: E402
from Testing import phantoms  # noqa: E402

shim, shared_shim, dialogs_shown = fixtures.shim, fixtures.shared_shim, fixtures.dialogs_shown


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Function that writes a picture of the panel at 350 pixels, into ``MMS_SCREENSHOTS`` if that is set."""
    folder = Path(os.environ.get("MMS_SCREENSHOTS") or tmp_path_factory.mktemp("pictures"))

    def take(widget, name, application):
        for _attempt in range(2):  # folding needs a second look at the sizes
            application.process_events(0.1)
            application.grab(widget.parent, folder / f"{name}.png", 350)
        assert widget.parent.width <= 350, "the panel does not fit into 350 pixels"

    return take


def opened(shim, monkeypatch):
    """The module, opened as on a new computer."""
    monkeypatch.delenv("MMS_MODELS", raising=False)
    import qt

    qt.QSettings().clear()
    return shim.open_module("MultimodalSeg")


def with_sample_pair(widget, shim):
    """The panel with the sample pair loaded by its button."""
    try:
        load_bundle("default")
    except ModelError as error:
        pytest.skip(str(error))
    widget.ui.sampleDataButton.click()
    shim.wait(lambda: widget.ui.applyButton.enabled, 20)
    return widget


@pytest.fixture
def widget(shim, monkeypatch):
    """The module, opened on an empty scene."""
    return opened(shim, monkeypatch)


@pytest.fixture
def sample(widget, shim):
    """The module with the sample pair, ready for Apply."""
    return with_sample_pair(widget, shim)


@pytest.fixture
def a_tiny_model(tmp_path):
    """Function that puts a model with random weights, which works at 4 mm, into a panel's model folder and chooses it.

    Answers the model's folder.
    """

    def choose(widget):
        path = phantoms.a_model(tmp_path / "models" / "tiny").path
        widget.ui.modelFolderEdit.currentPath = str(path.parent)
        widget._parameterNode.model = "tiny"
        assert not widget.ui.reasonLabel.text
        return path

    return choose


@pytest.fixture
def a_volume(shim):
    """Function that adds a volume of a small head: bright ball in air, for a CT with air at -1000."""
    import numpy as np
    import slicer

    def add(name, size=24, air=0.0):
        index = np.indices((size,) * 3) - size / 2
        array = np.where((index**2).sum(0) < (size / 3) ** 2, 40.0, air).astype(np.float32)
        return slicer.util.addVolumeFromArray(array, np.diag([4.0, 4.0, 4.0, 1.0]), name)

    return add


@pytest.fixture
def a_pair(widget, a_volume, shim):
    """A CT and a T1 in the scene, chosen by the panel."""
    nodes = a_volume("Head CT", air=-1000.0), a_volume("Head T1")
    shim.wait(lambda: widget.ui.applyButton.enabled, 10)
    return nodes


class OpenRun:
    """A run that ends when the test says so."""

    def __init__(self):
        self.progress, self.finished, self.failed, self.cancelled = Signal(), Signal(), Signal(), Signal()
        self.running, self.log = True, "a line of the log"
        self.started = False

    def start(self):
        self.started = True

    def poll(self):
        return self.running

    def cancel(self, **_):
        self.end(self.cancelled)

    def end(self, signal, *arguments):
        self.running = False
        signal.emit(*arguments)


@pytest.fixture
def segmentations(widget, monkeypatch):
    """Runs that the panel has asked the logic for: (positional and named arguments, run)."""
    asked = []

    def start(*arguments, **options):
        if options["device"] == "cuda":
            raise InputError("There is no graphics card.", "Choose the processor.")
        asked.append(((arguments, options), OpenRun()))
        return asked[-1][1]

    monkeypatch.setattr(widget.panel.logic, "start", start)
    return asked


@pytest.fixture
def registrations(widget, monkeypatch):
    """Registrations that the panel has asked for: (arguments, run)."""
    from MultimodalSegLib.slicerside.registration import backend

    asked = []

    def registration_run(*arguments, **options):
        asked.append(((arguments, options), OpenRun()))
        return asked[-1][1]

    monkeypatch.setattr(backend, "registration_run", registration_run)
    return asked


@pytest.fixture
def a_transform(shim):
    """Function that adds a linear transform which moves by some millimetres along R."""
    import numpy as np
    import slicer

    def add(shift):
        node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "found")
        matrix = np.eye(4)
        matrix[0, 3] = shift
        node.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(matrix))
        return node

    return add


@pytest.fixture
def a_verdict(monkeypatch):
    """Function that settles what the quality gate will think."""
    from MultimodalSegLib.slicerside.registration import quality_gate

    def settle(level):
        verdict = quality_gate.Verdict(level, (f"T1 to CT: {level}.", "Mutual information 0.1."))
        monkeypatch.setattr(quality_gate, "examine", lambda *_: verdict)

    return settle
