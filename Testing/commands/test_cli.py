"""The command line as a whole, and its smaller commands."""

import json
import resource
import shutil
from pathlib import Path

import pytest
import SimpleITK as sitk

from MultimodalSegLib.evaluation.registration_error import registration_error
from MultimodalSegLib.images.io import read_volume
from MultimodalSegLib.registration.transform_file import read_transform
from Testing.handmade import threshold_model
from Testing.phantoms import TRANSFORM, child, true_labels

HELP = """
import sys
from MultimodalSegLib.cli import main
try:
    main(["segment", "--help"])
finally:
    print(sorted({"torch", "SimpleITK", "numpy", "scipy", "monai"} & set(sys.modules)))
"""


def test_help_is_quick_and_imports_nothing_heavy() -> None:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with child(script=HELP) as process:
        out, err = process.communicate(timeout=30)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert process.returncode == 0, err
    assert "--transform" in out and out.splitlines()[-1] == "[]"
    # of a processor: other work on the machine is no fault of this one
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 1


def test_every_command_has_help(command) -> None:
    for name in ("segment", "register", "train", "plan", "check-data", "models", "demo", "doctor", "networks"):
        ended = command(name, "--help")
        assert ended.code == 0 and "--" in ended.out


def test_register_writes_a_transform_and_the_moved_volume(command, place: Path, tmp_path: Path) -> None:
    made_up = shutil.copy(place / "mr.nii.gz", tmp_path / "mr (synthetic detail).nii.gz")
    given = ("register", "--fixed", place / "ct.nrrd", "--moving", made_up, "--out", tmp_path / "found.h5")
    ended = command(*given, "--moved", tmp_path / "moved.nrrd")
    assert ended.code == 0 and "Mutual information" in ended.out
    assert registration_error(read_transform(tmp_path / "found.h5"), TRANSFORM, true_labels())[0] < 5
    moved = read_volume(tmp_path / "moved.nrrd")
    assert moved.grid.size == read_volume(place / "ct.nrrd").grid.size and moved.synthetic_detail

    before = (tmp_path / "found.h5").read_bytes()
    ended = command(*given)
    assert ended.code == 3 and "exists already" in ended.err and (tmp_path / "found.h5").read_bytes() == before


def test_register_refuses_an_ending_that_is_no_transform(command, place: Path, tmp_path: Path) -> None:
    ended = command(
        *("register", "--fixed", place / "ct.nrrd", "--moving", place / "mr.nii.gz", "--out", tmp_path / "found.png")
    )
    assert ended.code == 3 and "found.png" in ended.err


def test_models_are_listed_with_what_they_see(command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    threshold_model(tmp_path / "liver", ["CT"], working_spacing=[1.5, 1.5, 5.0], region="body", patch=[16, 64, 64])
    monkeypatch.setenv("MMS_MODELS", str(tmp_path))
    (state,) = (state for state in json.loads(command("models", "--json").out) if state["name"] == "liver")
    assert state["families"] == ["CT"] and state["region"] == "body" and state["classes"] == 1
    assert state["spacing"] == [1.5, 1.5, 5.0] and state["patch"] == [16, 64, 64]
    assert "the body, resampled to 1.5 x 1.5 x 5 mm" in " ".join(command("models", "describe", "liver").out.split())


def test_models_are_listed_sound_or_not(command, place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(place / "models", tmp_path / "models")
    shutil.copytree(place / "models" / "tiny", tmp_path / "models" / "broken")
    (tmp_path / "models" / "broken" / "LICENSE").unlink()
    monkeypatch.setenv("MMS_MODELS", str(tmp_path / "models"))
    states = {state["name"]: state for state in json.loads(command("models", "--json").out)}
    assert states["tiny"]["sound"] and states["tiny"]["classes"] == 5
    assert not states["broken"]["sound"] and "LICENSE" in states["broken"]["state"]
    assert "broken" in command("models").out
    assert command("models", "check", "tiny").code == 0
    assert command("models", "check", "broken").code == 4
    assert "Training:" in command("models", "describe", "tiny").out


def test_doctor_finds_what_is_there_and_what_is_missing(command, monkeypatch: pytest.MonkeyPatch) -> None:
    ended = command("doctor", "--json")
    report = json.loads(ended.out)
    assert ended.code == 0
    assert report["versions"]["SimpleITK"].split("+")[0] == sitk.Version.VersionString().split("-")[0].split(".g")[0]
    assert report["devices"][0]["name"] == "cpu" and report["memory_mb"]["total"] > 500 and report["threads"] >= 1
    assert [model["name"] for model in report["models"] if model["sound"]].count("tiny") == 1
    assert all({"what", "why", "how", "needed"} == set(entry) for entry in report["missing"])

    monkeypatch.setattr("MultimodalSegLib.models.folders.search_folders", lambda: ())
    ended = command("doctor")
    assert ended.code == 1 and "a sound model (needed)" in ended.out
