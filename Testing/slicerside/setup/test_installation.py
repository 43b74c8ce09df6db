"""Packages are installed only after being asked for, and what was installed is tried out.

``slicer.packaging`` and the PyTorch extension exist only inside the Slicer application: stand-ins record what is asked
of them here, and nothing is ever installed. The trial of torch and the doctor are real child processes.
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

from MultimodalSegLib.slicerside.setup import (
    doctor,
    installation,
    package_list,
    package_source,
    trial,  # noqa: E402
)


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
        load_requirements=lambda path: [line for line in Path(path).read_text().splitlines() if line[:1].isalpha()],
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


def test_the_list_has_wheels_only_lower_bounds_and_no_torch():
    names = [package.name for package in package_list.packages()]
    assert names[0] == "torch" and names.count("torch") == 1
    text = package_list.requirements_file().read_text()
    assert "torch" not in [line.split(">")[0] for line in text.splitlines()] and "==" not in text
    assert package_list.requirements_file() == ROOT / "MultimodalSeg" / "Resources" / "requirements.txt"
    assert all(package.megabytes > 0 and package.license for package in package_list.packages())


def test_the_list_agrees_with_the_library():
    tomllib = pytest.importorskip("tomllib")
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    assert {package.requirement for package in package_list.packages()} <= set(wanted)


def test_the_list_of_the_report_is_that_of_the_library_and_is_installed_with_the_extension():
    tomllib = pytest.importorskip("tomllib")
    extra = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]["report"]
    listed = {package.requirement for package in package_list.packages(package_list.REPORT)}
    assert listed == {name for name in extra if not name.startswith("highdicom")}  # Slicer brings that one
    assert all(package.license for package in package_list.packages(package_list.REPORT))
    cmake = (ROOT / "MultimodalSeg" / "CMakeLists.txt").read_text()
    assert all(f"Resources/{name}" in cmake for name in (package_list.RUN, package_list.REPORT, package_list.COHORT))


def test_the_list_of_cohorts_is_part_of_that_of_the_library():
    tomllib = pytest.importorskip("tomllib")
    extra = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]["cluster"]
    listed = package_list.packages(package_list.COHORT)
    assert listed and {package.requirement for package in listed} <= set(extra)
    assert all(package.license for package in listed)


def test_in_this_python_nothing_is_missing_and_nobody_is_asked():
    assert package_list.missing() == ()
    assert installation.install(lambda text: pytest.fail("asked")) == ()


def test_an_old_version_does_not_fit(monkeypatch):
    monkeypatch.setattr(package_list, "version_of", lambda name: "2.7.1+cpu" if name == "torch" else "99.0")
    (torch,) = package_list.missing()
    assert torch.name == "torch" and torch.installed == "2.7.1+cpu" and not torch.fits


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


def test_torch_is_tried_out_with_a_convolution_in_a_child_process():
    tried = trial.DeviceTrial("cpu")
    told = []
    tried.finished.connect(told.append)
    tried.start()
    tried.wait()
    (answer,) = told
    assert answer.works and "processor" in answer.sentence and answer.facts["difference"] < 1e-4


def test_a_python_without_torch_is_found_out(tmp_path):
    fake = tmp_path / "torch.py"
    fake.write_text("raise ModuleNotFoundError(\"No module named 'torch'\")")
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nPYTHONPATH={tmp_path} exec {sys.executable} "$@"\n')
    python.chmod(0o755)
    answer = trial.try_device("cpu", python=str(python))
    assert not answer.works and answer.sentence == "torch is not installed." and "Install packages" in answer.hint


@pytest.mark.parametrize(
    ("errors", "word"),
    [
        ("RuntimeError: CUDA error: no kernel image is available for execution on the device", "not built"),
        ("AssertionError: Torch not compiled with CUDA enabled", "graphics card"),
        ("torch.OutOfMemoryError: CUDA out of memory.", "no free memory"),
        ("ImportError: libtorch_cpu.so: undefined symbol: x", "undefined symbol"),
        ("", "exit code 139"),
    ],
)
def test_what_breaks_torch_has_a_way_out(errors, word):
    answer = trial.explain(139, errors)
    assert not answer.works and word in answer.sentence and answer.hint


def test_wrong_arithmetic_is_found_out():
    facts = {"torch": "2.8", "device": "cuda:0", "card": "Card", "difference": 0.5}
    assert not trial.judge(facts).works
    assert "Card" in trial.judge(facts | {"difference": 1e-3}).sentence


REPORT = {
    "versions": {"torch": "2.13", "slicer-core": "missing"},
    "processors": 4,
    "memory_mb": {"total": 16384, "available": 8192},
    "disk_free_mb": 51200,
    "devices": [{"name": "cpu", "what": "AVX2", "memory_mb": None}],
    "default_device": "cpu",
    "models": [{"name": "head", "state": "sound"}],
    "missing": [{"what": "dask", "why": "cohorts", "how": "pip install 'multimodalseg[cluster]'", "needed": False}],
}


def test_the_doctor_speaks_to_users_of_the_panel():
    text = doctor.doctor_text(REPORT)
    assert text.startswith("Everything") and "8.0 of 16.0 GB" in text and "AVX2 (used)" in text
    assert "dask" not in text and "slicer-core" not in text
    short = {"what": "memory", "why": "one shot", "how": "Close other programs.", "needed": False}
    needed = {"what": "torch", "why": "segmentation", "how": "Install it.", "needed": True}
    text = doctor.doctor_text(REPORT | {"missing": [needed, short]})
    assert text.startswith("Needed: torch (segmentation). Install it.\nMissing: memory")


def test_the_doctor_that_cannot_even_start_says_why(tmp_path):
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho \"ModuleNotFoundError: No module named 'typer'\" >&2\nexit 1\n")
    python.chmod(0o755)
    asked = doctor.Doctor(python=str(python))
    told = []
    asked.finished.connect(told.append)
    asked.wait()
    text = doctor.doctor_text(told[0])
    assert "typer" in text and "Install packages" in text


@pytest.mark.parametrize("how", ["silent", "absent"])
def test_a_python_that_gives_no_answer_is_told_by_trial_and_doctor_alike(tmp_path, monkeypatch, how):
    python = tmp_path / "python"
    if how == "silent":
        python.write_text("#!/bin/sh\nexec sleep 60\n")
        python.chmod(0o755)
    for module in (doctor, trial):
        monkeypatch.setattr(module, "TIMEOUT_S", 0.3)
    tried = trial.try_device("cpu", python=str(python))
    assert not tried.works and tried.hint
    with pytest.raises(MissingPackageError) as caught:
        doctor.ask_doctor(python=str(python))
    assert caught.value.message == tried.sentence and caught.value.hint == tried.hint
    assert ("no answer" if how == "silent" else "No Python") in tried.sentence


def test_the_doctor_of_this_python_finds_what_it_needs():
    report = doctor.ask_doctor()
    assert report["devices"] and "torch" in report["versions"]


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
