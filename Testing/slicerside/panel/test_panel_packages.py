"""The buttons Install packages and Repair.

pip inside Slicer (``slicer.packaging``) and the PyTorch extension exist only in the application: doubles record what is
asked of them here, and nothing is ever installed. The trial of torch afterwards is a real child process.
"""

import importlib.metadata
import sys
from importlib.machinery import ModuleSpec
from types import ModuleType, SimpleNamespace

import pytest


@pytest.fixture
def open_settings(widget):
    """The section with the buttons, open: what is folded away cannot be pressed."""
    widget.ui.settingsCollapsibleButton.collapsed = widget.ui.packagesGroup.collapsed = False


@pytest.fixture
def python(monkeypatch):
    """Slicer's Python as it looks to the library: what is missing in it, and what was done to it."""
    state = SimpleNamespace(missing=set(), done=[], fails="")
    version = importlib.metadata.version

    def version_of(name):
        if name in state.missing:
            raise importlib.metadata.PackageNotFoundError(name)
        return version(name)

    def pip_ensure(requirements, **options):
        state.done.append(("pip", list(requirements), options))
        if state.fails:
            raise RuntimeError(state.fails)
        state.missing -= {requirement.split(">")[0] for requirement in requirements}

    class PyTorchUtilsLogic:
        def installTorch(self, askConfirmation=False, forceComputationBackend=None, torchVersionRequirement=None):
            state.done.append(("torch", torchVersionRequirement))
            state.missing.discard("torch")
            return ModuleType("torch")

        def uninstallTorch(self, askConfirmation=False, forceComputationBackend=None):
            state.done.append(("remove torch",))
            state.missing.add("torch")

    def load_requirements(path):
        with open(path, encoding="utf-8") as lines:
            return [line.strip() for line in lines if line[:1].isalpha()]

    packaging, extension = ModuleType("slicer.packaging"), ModuleType("PyTorchUtils")
    packaging.load_requirements, packaging.pip_ensure = load_requirements, pip_ensure
    extension.PyTorchUtilsLogic, extension.__spec__ = PyTorchUtilsLogic, ModuleSpec("PyTorchUtils", None)
    monkeypatch.setattr(importlib.metadata, "version", version_of)
    monkeypatch.setitem(sys.modules, "slicer.packaging", packaging)
    monkeypatch.setitem(sys.modules, "PyTorchUtils", extension)
    return state


def test_install_asks_installs_and_tries_torch_out(widget, a_pair, python, dialogs_shown, shim):
    python.missing |= {"torch", "monai"}
    widget.enter()
    assert "torch, monai" in widget.ui.packagesLabel.text and not widget.ui.applyButton.enabled
    widget.ui.installNowButton.click()
    (asked,) = dialogs_shown.shown
    assert asked.kind == "question" and "torch>=2.8" in asked.text and "MB" in asked.text
    assert [step[0] for step in python.done] == ["torch", "pip"] and "monai>=1.6" in python.done[1][1]
    assert python.done[1][2]["show_progress"] and not python.done[1][2]["prompt_install"]
    assert not widget.ui.packagesFrame.visible and widget.ui.applyButton.enabled
    assert "being tried out" in widget.ui.doctorText.plainText and widget.ui.doctorText.visible
    shim.wait(lambda: "being tried out" not in widget.ui.doctorText.plainText, 120)
    assert "works on" in widget.ui.doctorText.plainText


def test_who_says_no_gets_nothing_and_is_told_so(widget, a_pair, python, open_settings, dialogs_shown):
    import qt

    python.missing.add("monai")
    widget.enter()
    dialogs_shown.answers.append(qt.QMessageBox.Cancel)
    widget.ui.installButton.click()
    assert not python.done and "No package was installed." in widget.ui.doctorText.plainText
    assert widget.ui.packagesFrame.visible and not widget.ui.applyButton.enabled


def test_an_installation_that_fails_is_told_with_a_way_out(widget, a_pair, python, open_settings):
    python.missing.add("monai")
    python.fails = "No matching distribution found for monai"
    widget.enter()
    widget.ui.installButton.click()
    told = widget.ui.doctorText.plainText
    assert "No matching distribution found for monai" in told and "proxy" in told
    assert widget.ui.packagesFrame.visible and not widget.ui.applyButton.enabled


def test_repair_removes_torch_and_installs_it_again(widget, a_pair, python, open_settings, dialogs_shown, monkeypatch):
    from MultimodalSegLib.slicerside.setup.trial import DeviceTrial

    monkeypatch.setattr(DeviceTrial, "start", lambda self: None)  # it was tried out after Install
    widget.ui.repairButton.click()
    assert [step[0] for step in python.done] == ["remove torch", "torch"]
    assert "torch>=2.8" in dialogs_shown.shown[0].text and "being tried out" in widget.ui.doctorText.plainText
    assert widget.ui.applyButton.enabled
