"""Packages are installed only after being asked for.

``slicer.packaging`` and the PyTorch extension exist only inside the Slicer application: stand-ins record what is asked
of them here, and nothing is ever installed.
"""

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from MultimodalSegLib.errors import Cancelled, MissingPackageError
from Testing.phantoms import ROOT

pytest.importorskip("slicer", reason="slicer-core is not installed (pip install 'multimodalseg[headless]')")

from MultimodalSegLib.slicerside.setup import installation, package_list, package_source


class StandInPyTorchUtils:
    """Stands for PyTorchUtilsLogic of the PyTorch extension."""

    def __init__(self, wishes, fails=""):
        self.wishes, self.fails = wishes, fails

    def installTorch(self, askConfirmation=False, forceComputationBackend=None, torchVersionRequirement=None):
        assert not askConfirmation  # it was asked already
        self.wishes.append(("torch", torchVersionRequirement, os.environ.get("HTTPS_PROXY")))
        if self.fails:
            raise RuntimeError(self.fails)
        return "the module torch"

    def uninstallTorch(self, askConfirmation=False, forceComputationBackend=None):
        self.wishes.append(("remove torch",))


@pytest.fixture
def application(monkeypatch):
    """The stand-ins, with Python as it is before the first installation; gives the list of what was done."""
    wishes, installed = [], set()
    settings = SimpleNamespace(wishes=wishes, torch_fails="", pip_fails="")

    def version_of(name):
        return "99.0" if name in installed else None

    def find_spec(name):
        return object() if name == "PyTorchUtils" else None

    def pip_ensure(requirements, **options):
        wishes.append(("pip", requirements, options, dict(os.environ)))
        if settings.pip_fails:
            raise RuntimeError(settings.pip_fails)
        installed.update(package.name for package in package_list.packages())

    packaging = SimpleNamespace(
        load_requirements=lambda path: [
            line for line in Path(path).read_text(encoding="utf-8").splitlines() if line[:1].isalpha()
        ],
        pip_ensure=pip_ensure,
    )
    utilities = SimpleNamespace(PyTorchUtilsLogic=lambda: StandInPyTorchUtils(wishes, settings.torch_fails))
    for module in (installation, package_list):
        monkeypatch.setattr(module, "version_of", version_of)
    monkeypatch.setattr(installation.importlib.util, "find_spec", find_spec)
    monkeypatch.setitem(sys.modules, "slicer.packaging", packaging)
    monkeypatch.setitem(sys.modules, "PyTorchUtils", utilities)
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    settings.installed = installed
    return settings


def test_it_asks_once_with_size_and_license_and_installs_torch_first(application):
    asked = []
    installation.install(lambda text: not asked.append(text))
    (text,) = asked
    assert "torch>=2.8" in text and "BSD-3-Clause" in text and "MB" in text and "monai" in text
    kinds = [wish[0] for wish in application.wishes]
    assert kinds == ["torch", "pip", "pip"] and "openvino" in text
    assert application.wishes[0][1] == ">=2.8"
    application.installed.add("torch")


def test_the_faster_engine_is_offered_without_a_card_and_may_fail(application, monkeypatch):
    application.installed.add("torch")
    ensure = sys.modules["slicer.packaging"].pip_ensure

    def fails_for_openvino(requirements, **options):
        if [str(one) for one in requirements] == ["openvino>=2025.0"]:
            raise RuntimeError("no wheel for this platform")
        ensure(requirements, **options)

    monkeypatch.setattr(sys.modules["slicer.packaging"], "pip_ensure", fails_for_openvino)
    (sentence,) = installation.install(lambda text: True)
    assert "openvino was not installed" in sentence
    monkeypatch.setattr(installation, "has_graphics_card", lambda: True)
    assert installation.optional() == ()


def test_pip_shows_no_window_of_its_own_unless_wished(application):
    application.installed.add("torch")
    installation.install(lambda text: True)
    _pip, requirements, options, _environment = application.wishes[0]
    assert "monai>=1.6" in requirements
    assert options["prompt_install"] is False and options["prompt_restart"] is False
    assert options["show_progress"] is False and options["requester"] == "MultimodalSeg"


def test_who_says_no_gets_nothing(application):
    with pytest.raises(Cancelled):
        installation.install(lambda text: False)
    assert application.wishes == []


def test_without_the_pytorch_extension_it_says_so_before_it_asks(application, monkeypatch):
    monkeypatch.setattr(installation.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingPackageError, match="the extension PyTorch") as caught:
        installation.install(lambda text: pytest.fail("asked"))
    assert "Extensions Manager" in caught.value.hint


def test_a_proxy_and_a_folder_of_wheels_are_passed_on_and_forgotten(application, tmp_path, monkeypatch):
    monkeypatch.delenv("HTTPS_PROXY", raising=False)
    source = package_source.Source("http://proxy.example:3128", tmp_path)
    installation.install(lambda text: True, source=source)
    assert application.wishes[0][2] == "http://proxy.example:3128"
    environment = application.wishes[1][3]
    assert environment["PIP_NO_INDEX"] == "1" and environment["PIP_FIND_LINKS"] == tmp_path.as_uri()
    assert "PIP_NO_INDEX" not in os.environ and "HTTPS_PROXY" not in os.environ


@pytest.mark.parametrize("which", ["torch_fails", "pip_fails"])
def test_a_failed_installation_is_one_sentence_with_a_way_out(application, which):
    setattr(application, which, "No matching distribution found for x")
    with pytest.raises(MissingPackageError, match="No matching distribution") as caught:
        installation.install(lambda text: True)
    assert "proxy" in caught.value.hint


def test_what_is_still_missing_afterwards_is_told(application, monkeypatch):
    monkeypatch.setattr(sys.modules["slicer.packaging"], "pip_ensure", lambda *given, **options: None)
    monkeypatch.setattr(installation, "_testing", lambda: False)  # in a self test, Slicer installs nothing
    with pytest.raises(MissingPackageError, match="still missing"):
        installation.install(lambda text: True)


def test_repair_removes_torch_first_and_says_when_slicer_must_be_restarted(application, monkeypatch):
    application.installed.update(package.name for package in package_list.packages())
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace())
    sentences = installation.install(lambda text: True, repair=True)
    assert [wish[0] for wish in application.wishes][:2] == ["remove torch", "torch"]
    assert "Restart" in sentences[0]


def test_importing_it_touches_neither_torch_nor_pip():
    code = (
        "import sys;"
        "from MultimodalSegLib.slicerside.setup import doctor, installation, trial;"
        "from MultimodalSegLib.slicerside.dicom import dicom_seg;"
        "from MultimodalSegLib.slicerside.registration import quality_gate;"
        "print(*{'torch', 'pip', 'monai', 'highdicom', 'pydicom'} & set(sys.modules))"
    )
    answer = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert answer.returncode == 0 and not answer.stdout.strip(), answer.stdout + answer.stderr
