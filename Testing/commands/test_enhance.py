"""``enhance`` for a person and for a program, and what cannot be done."""

import json
from pathlib import Path

import pytest

from MultimodalSegLib.images.grid import Grid
from MultimodalSegLib.images.io import write_volume
from Testing.enhancement.handmade import a_detail_model, a_thick_scan
from Testing.phantoms import child


@pytest.fixture(scope="module")
def detail(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("enhance")
    a_detail_model(folder / "detail")
    write_volume(a_thick_scan(noise=20), folder / "t2.nrrd")
    write_volume(a_thick_scan(Grid((12, 12, 12))), folder / "fine.nrrd")
    return folder


def test_a_person_is_told_how_consistent_the_result_is(command, detail: Path, tmp_path: Path) -> None:
    ended = command("enhance", detail / "t2.nrrd", "--out", tmp_path, "--model", detail / "detail", "--steps", 2)
    assert ended.code == 0, ended.err
    assert "Synthetic detail in" in ended.out and "within their noise" in " ".join(ended.out.split())
    assert (tmp_path / "t2 (synthetic detail).nrrd").is_file()


def test_a_program_is_told_that_nothing_was_to_do(detail: Path, tmp_path: Path) -> None:
    chosen = ("--out", tmp_path, "--model", detail / "detail", "--events", "jsonl")
    with child("enhance", detail / "fine.nrrd", *chosen) as process:
        out, err = process.communicate(timeout=200)
    assert process.returncode == 0, err
    result = json.loads(out.splitlines()[-1])["result"]
    assert result["changed"] is False and result["volume"] == str(detail / "fine.nrrd")
    assert "returned unchanged" in result["warnings"][0]


@pytest.mark.parametrize(
    ("chosen", "code", "sentence"),
    [
        (("--modality", "PET"), 2, "cannot use a PET volume"),
        (("--model", "tiny"), 4, "does not add detail"),
        (("--model", "nowhere"), 4, "There is no model"),
    ],
)
def test_what_cannot_be_done_is_told(
    command, detail: Path, tmp_path: Path, chosen: tuple[str, ...], code: int, sentence: str
) -> None:
    model = () if "--model" in chosen else ("--model", detail / "detail")
    ended = command("enhance", detail / "t2.nrrd", "--out", tmp_path, *chosen, *model)
    assert ended.code == code and sentence in " ".join(ended.err.split())


def test_without_a_model_one_sentence_says_so(
    command, detail: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("MultimodalSegLib.models.folders.resource", lambda _name: tmp_path / "none")
    ended = command("enhance", detail / "t2.nrrd", "--out", tmp_path / "out")
    assert ended.code == 4 and "No model that adds detail is installed." in " ".join(ended.err.split())
    assert not (tmp_path / "out").exists()
