"""``paint`` and ``train-paint`` for a person and for a program, and what cannot be done."""

import json
from pathlib import Path

import pytest

from MultimodalSegLib.images.io import write_volume
from Testing.painting.handmade import a_paint_model, a_pair
from Testing.phantoms import child

LESION = "infarct,8,-6,5,10"


@pytest.fixture(scope="module")
def paints(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("paint")
    a_paint_model(folder / "painter")
    for name, volume in a_pair().items():
        write_volume(volume, folder / f"{name}.nrrd")
    return folder


def given(folder: Path, out: Path) -> tuple[object, ...]:
    return ("paint", "--ct", folder / "CT.nrrd", "--t1", folder / "T1.nrrd", "--out", out, "--steps", 2)


def test_a_person_is_told_what_was_painted(command, paints: Path, tmp_path: Path) -> None:
    ended = command(*given(paints, tmp_path), "--lesion", LESION, "--model", paints / "painter")
    assert ended.code == 0, ended.err
    assert "Painted infarct of" in ended.out and "marked as synthetic" in " ".join(ended.out.split())
    assert (tmp_path / "T1 (synthetic detail).nrrd").is_file()


def test_a_program_is_told_where_it_lies(paints: Path, tmp_path: Path) -> None:
    chosen = (
        "--lesion",
        LESION,
        "--lesion",
        "white matter,-8,2,0,6",
        "--model",
        paints / "painter",
        "--events",
        "jsonl",
    )
    with child(*given(paints, tmp_path), *chosen) as process:
        out, err = process.communicate(timeout=200)
    assert process.returncode == 0, err
    lines = [json.loads(line) for line in out.splitlines()]
    assert lines[-1]["result"]["volumes"]["CT"].endswith("CT (synthetic detail).nrrd")
    assert len(lines[-1]["result"]["ml"]) == 2
    assert any(line.get("stage") == "paint" for line in lines)


@pytest.mark.parametrize(
    ("chosen", "code", "sentence"),
    [
        (("--lesion", "abscess,8,-6,5,10"), 2, "does not paint 'abscess'"),
        (("--lesion", "infarct,8,-6"), 2, "is not of the form KIND,X,Y,Z,MM"),
        (("--lesion", "infarct,80,0,0,10"), 2, "outside of the CT"),
        (("--lesion", LESION, "--model", "tiny"), 4, "does not paint lesions"),
    ],
)
def test_what_cannot_be_done_is_told(
    command, paints: Path, tmp_path: Path, chosen: tuple[str, ...], code: int, sentence: str
) -> None:
    model = () if "--model" in chosen else ("--model", paints / "painter")
    ended = command(*given(paints, tmp_path / "out"), *chosen, *model)
    assert ended.code == code and sentence in " ".join(ended.err.split())
    assert not (tmp_path / "out").exists()


def test_without_a_model_one_sentence_says_so(
    command, paints: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("MultimodalSegLib.models.folders.resource", lambda _name: tmp_path / "none")
    ended = command(*given(paints, tmp_path / "out"), "--lesion", LESION)
    assert ended.code == 4 and "No model that paints lesions is installed." in " ".join(ended.err.split())


def test_a_real_lesion_that_is_not_there_is_told_before_training(command, tmp_path: Path) -> None:
    (tmp_path / "maps").mkdir()
    (tmp_path / "maps" / "one.nii.gz").touch()
    ended = command("train-paint", tmp_path / "maps", "--out", tmp_path / "run", "--real", "MR=a.nrrd,b.nrrd,tumor")
    assert ended.code == 2 and "b.nrrd" in ended.err and not (tmp_path / "run").exists()
