"""Input that cannot be used: one sentence, what to do, an exit code, no traceback, and nothing lost."""

import json
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from MultimodalSegLib.images.io import write_volume
from Testing.phantoms import a_ct


def nothing(path: Path) -> None:
    """The file is missing."""


def truncated(path: Path) -> None:
    write_volume(a_ct(), path)
    path.write_bytes(path.read_bytes()[:-5000])


def of_shape(*shape: int) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        image = np.random.default_rng(0).normal(size=shape).astype(np.float32)
        sitk.WriteImage(sitk.GetImageFromArray(image, isVector=False), str(path))

    return write


def with_values(change: Callable[[np.ndarray], np.ndarray]) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        ct = a_ct()
        write_volume(ct.with_array(change(ct.array.copy())), path)

    return write


def one_nan(array: np.ndarray) -> np.ndarray:
    array[10, 10, 10] = np.nan
    return array


def no_spacing(path: Path) -> None:
    """SimpleITK refuses to write this, so the header is written by hand."""
    header = "NRRD0004\ntype: float\ndimension: 3\nsizes: 4 4 4\nspacings: 1 0 1\nencoding: raw\nendian: little\n\n"
    path.write_bytes(header.encode() + np.arange(64, dtype="<f4").tobytes())


def somewhere_else(path: Path) -> None:
    ct = a_ct().to_sitk()
    ct.SetOrigin((5000.0, 5000.0, 5000.0))
    sitk.WriteImage(ct, str(path))


BAD_FILES = {
    "missing": (nothing, 2),
    "truncated": (truncated, 2),
    "2D": (of_shape(32, 32), 2),
    "4D": (of_shape(3, 16, 16, 16), 2),
    "NaN": (with_values(one_nan), 2),
    "constant": (with_values(lambda array: array * 0 + 7), 2),
    "zero spacing": (no_spacing, 2),
}


@pytest.mark.parametrize("kind", BAD_FILES)
def test_a_volume_that_cannot_be_used(command, place: Path, tmp_path: Path, kind: str) -> None:
    write, code = BAD_FILES[kind]
    bad = tmp_path / "bad.nrrd"
    write(bad)
    ended = command("segment", "--ct", place / "ct.nrrd", "--mr", bad, "--model", "tiny", "--out", tmp_path / "run")
    assert ended.code == code and ended.out == ""
    assert "Error: " in ended.err and str(bad) in ended.err and "Traceback" not in ended.err
    if kind != "missing":
        record = json.loads((tmp_path / "run" / "run.json").read_text(encoding="utf-8"))
        assert record["status"] == "failed" and record["error"]["kind"] == "input" and record["error"]["hint"]


def test_two_volumes_that_do_not_overlap(command, place: Path, tmp_path: Path) -> None:
    somewhere_else(tmp_path / "far.nrrd")
    ended = command(
        *("segment", "--ct", place / "ct.nrrd", "--mr", tmp_path / "far.nrrd", "--registration", "none"),
        *("--model", "tiny", "--out", tmp_path / "run"),
    )
    assert ended.code == 5 and "Error: " in ended.err and "Traceback" not in ended.err


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("--reference", "US"), "'US'"),
        (("--transform", "US=ct.nrrd"), "'US'"),
        (("--transform", "MR"), "MODALITY=FILE"),
        (("--us", "x.nrrd"), "--us"),
        (("--device", "abacus"), "abacus"),
        (("--threads", "0"), "--threads"),
    ],
)
def test_unknown_names_and_options(
    command, place: Path, tmp_path: Path, arguments: tuple[str, ...], named: str
) -> None:
    ended = command("segment", "--ct", place / "ct.nrrd", "--model", "tiny", "--out", tmp_path / "run", *arguments)
    assert ended.code == 2 and named in ended.err and "Traceback" not in ended.err
    assert not (tmp_path / "run").exists()


def test_a_file_that_is_no_transform(command, place: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.h5").write_text("no transform", encoding="utf-8")
    ended = command(
        *(
            "segment",
            "--ct",
            place / "ct.nrrd",
            "--mr",
            place / "mr.nii.gz",
            "--transform",
            f"mr={tmp_path / 'notes.h5'}",
        ),
        *("--model", "tiny", "--out", tmp_path / "run"),
    )
    assert ended.code == 2 and "notes.h5 is not a transform file" in ended.err


@pytest.mark.parametrize("out", ["file", "file/run", "folder"])
def test_an_output_folder_that_cannot_be_used(command, place: Path, tmp_path: Path, out: str) -> None:
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "thesis.txt").write_text("years of work", encoding="utf-8")
    ended = command("segment", "--ct", place / "ct.nrrd", "--model", "tiny", "--out", tmp_path / out, "--overwrite")
    assert ended.code == 3 and str(tmp_path / out) in ended.err and "Traceback" not in ended.err
    assert (tmp_path / "file").read_text(encoding="utf-8") == "mine"
    assert [file.name for file in (tmp_path / "folder").iterdir()] == ["thesis.txt"]


class Evil:
    def __reduce__(self):
        return (Path.touch, (Path("evil"),))


@pytest.mark.parametrize("harm", ["checksum", "pickle", "missing"])
def test_a_model_that_is_damaged_or_unsafe(
    command, place: Path, tmp_path: Path, harm: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    model = tmp_path / "model"
    if harm != "missing":
        shutil.copytree(place / "models" / "tiny", model)
        weights = model / "models" / "model.safetensors"
        if harm == "checksum":
            weights.write_bytes(weights.read_bytes()[:-1] + b"\1")
        else:
            (model / "models" / "model.pt").write_bytes(pickle.dumps(Evil()))
    named = {"checksum": "checksum", "pickle": "model.pt", "missing": "model"}[harm]
    for arguments in (
        ("segment", "--ct", place / "ct.nrrd", "--model", model, "--out", tmp_path / "run"),
        ("models", "check", model),
    ):
        ended = command(*arguments)
        assert ended.code == 4 and named in ended.err and "Traceback" not in ended.err
    assert not (tmp_path / "run").exists() and not (tmp_path / "evil").exists()


def test_a_defect_of_the_program_is_one_sentence_and_a_log(
    command, place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr("MultimodalSegLib.pipeline.align", broken)
    ended = command("segment", "--ct", place / "ct.nrrd", "--model", "tiny", "--out", tmp_path / "run")
    assert ended.code == 1 and "ZeroDivisionError" in ended.err and "Traceback" not in ended.err
    assert str(tmp_path / "run" / "run.log") in ended.err
    assert "in broken" in (tmp_path / "run" / "run.log").read_text(encoding="utf-8")
    record = json.loads((tmp_path / "run" / "run.json").read_text(encoding="utf-8"))
    assert record["status"] == "failed" and record["error"]["kind"] == "internal"
