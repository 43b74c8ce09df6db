"""The demo on a stand-in case: figures against the truth, scene and pictures where they can be made."""

import json
import sys
from pathlib import Path

import pytest

from MultimodalSegLib.run_folder import RunFolder
from Testing.phantoms import write_demo_case


@pytest.fixture(scope="module")
def a_case(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_demo_case(tmp_path_factory.mktemp("demo") / "ellipsoids")


def test_the_demo_compares_with_the_truth_and_can_be_repeated(
    command, a_case: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for _ in range(2):  # the second replaces the first
        ended = command("demo", "--case", a_case, "--model", "tiny", "--no-pictures")
        assert ended.code == 0, ended.err
    assert "SYNTHETIC" in ended.out and "Ellipsoids." in ended.out and "whole brain" in ended.out
    run = RunFolder.open(tmp_path / "runs" / "demo-ellipsoids")
    found = json.loads((run.path / "demo.json").read_text(encoding="utf-8"))
    assert found["synthetic"] is True and 0 < found["registration_error_mm"]["MR"]["mean"] < 5
    assert found["registration_error_mm"]["MR"]["max"] > found["registration_error_mm"]["MR"]["mean"]
    assert 0 <= found["dice_groups"]["whole brain"] <= 1 and 0 <= found["dice_groups"]["bone"] <= 1
    skull = next(entry for entry in found["structures"] if entry["name"] == "Skull")
    assert skull["true_volume_ml"] > 100 and 0 <= skull["dice"] <= 1
    assert found["seconds"]["register"] > 0 and found["peak_memory_mb"] > 50
    assert run.status == "finished" and "demo.json" in run.record["stages"]["compare"]["files"]


def test_the_demo_does_not_replace_another_run(command, a_case: Path, tmp_path: Path, place: Path) -> None:
    run = RunFolder.create(tmp_path / "run", {"inputs": {"CT": {"path": str(place / "ct.nrrd")}}, "reference": "CT"})
    before = (run.path / "run.json").read_bytes()
    ended = command("demo", "--case", a_case, "--model", "tiny", "--no-pictures", "--out", run.path)
    assert ended.code == 3 and "already holds a run" in ended.err
    assert (run.path / "run.json").read_bytes() == before


def test_an_unknown_case_is_named(command, tmp_path: Path) -> None:
    ended = command("demo", "--case", "moon", "--out", tmp_path / "run")
    assert ended.code == 2 and "'moon'" in ended.err and not (tmp_path / "run").exists()


def test_a_case_without_truth_shows_volumes_only(command, a_case: Path, tmp_path: Path) -> None:
    entry = {"reference": "CT", "volumes": {"CT": "CT.nrrd"}, "notice": "A template."}
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "case.json").write_text(json.dumps(entry), encoding="utf-8")
    (tmp_path / "real" / "CT.nrrd").write_bytes((a_case / "CT.nrrd").read_bytes())
    given = ("demo", "--case", tmp_path / "real", "--model", "tiny", "--no-pictures", "--out", tmp_path / "run")
    ended = command(*given)
    assert ended.code == 0 and "synthetic" not in ended.out.lower() and "whole brain" not in ended.out
    found = json.loads((tmp_path / "run" / "demo.json").read_text(encoding="utf-8"))
    assert found["structures"][0]["dice"] is None and found["structures"][0]["volume_ml"] > 0


def test_scene_and_pictures_are_made(command, a_case: Path, tmp_path: Path) -> None:
    pytest.importorskip("slicer", reason="slicer-core is not installed")
    from MultimodalSegLib.slicerside.headless import pictures_possible

    ended = command("demo", "--case", a_case, "--model", "tiny", "--out", tmp_path / "run")
    assert ended.code == 0, ended.err
    assert (tmp_path / "run" / "scene.mrb").stat().st_size > 1000
    if pictures_possible()[0]:
        for name in ("slices.png", "surfaces.png"):
            assert (tmp_path / "run" / name).read_bytes().startswith(b"\x89PNG")


def test_without_slicer_the_demo_says_what_is_missing_and_goes_on(
    command, a_case: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.startswith("MultimodalSegLib.slicerside.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "slicer", None)
    ended = command("demo", "--case", a_case, "--model", "tiny", "--out", tmp_path / "run")
    assert ended.code == 0 and "multimodalseg[headless]" in ended.err.lower()
    assert (tmp_path / "run" / "demo.json").is_file() and not (tmp_path / "run" / "scene.mrb").exists()
