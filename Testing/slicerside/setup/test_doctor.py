"""The doctor of the panel: a real child process, and what it says to users."""

import pytest

from MultimodalSegLib.errors import MissingPackageError

pytest.importorskip("slicer", reason="slicer-core is not installed (pip install 'multimodalseg[headless]')")

from MultimodalSegLib.slicerside.setup import doctor, trial

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
    python.write_text(
        "#!/bin/sh\necho \"ModuleNotFoundError: No module named 'typer'\" >&2\nexit 1\n", encoding="utf-8"
    )
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
        python.write_text("#!/bin/sh\nexec sleep 60\n", encoding="utf-8")
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
