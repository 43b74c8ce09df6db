"""``refine`` for a person and for a program, and what cannot be done."""

import json
import shutil
from pathlib import Path

import pytest

from MultimodalSegLib.pipeline import run_segment
from MultimodalSegLib.segment_options import SegmentOptions
from Testing.phantoms import child
from Testing.refinement.handmade import a_click_model


@pytest.fixture(scope="module")
def finished(place: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    a_click_model(folder / "clicks")
    options = SegmentOptions({"CT": place / "ct.nrrd"}, folder / "run", model=str(place / "models" / "tiny"), threads=1)
    run_segment(options)
    return folder


@pytest.fixture
def run(finished: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished / "run", tmp_path / "run"))


def test_a_person_corrects_and_takes_it_back(command, finished: Path, run: Path) -> None:
    chosen = ("--points", "-30,25,30", "--new", "Tumor", "--allow-overwrite", "--model", finished / "clicks")
    ended = command("refine", run, *chosen)
    assert ended.code == 0, ended.err
    assert "Tumor: " in ended.out and "0.00 ml removed" in ended.out
    ended = command("refine", run, "--undo")
    assert ended.code == 0 and "The last correction of Tumor was taken back" in ended.out
    ended = command("refine", run, "--undo")
    assert ended.code == 2 and "Nothing was corrected" in ended.err


def test_a_program_is_told_what_changed_and_where_the_object_is(finished: Path, run: Path) -> None:
    box = ("--box", "-42,12,20,-18,38,40", "--points", "-30,25,30", "--negative", "20,0,0")
    with child("refine", run, *box, "--new", "It", "--model", finished / "clicks", "--events", "jsonl") as process:
        out, err = process.communicate(timeout=200)
    assert process.returncode == 0, err
    result = json.loads(out.splitlines()[-1])["result"]
    assert result["segment"] == "It" and result["added_ml"] + sum(result["withheld_ml"].values()) > 1
    assert Path(result["mask"]).is_file()


@pytest.mark.parametrize(
    ("chosen", "code", "sentence"),
    [
        (("--points", "1,2", "--new", "It"), 2, "is not 3 numbers"),
        (("--points", "900,0,0", "--new", "It"), 2, "outside of what the volume shows"),
        (("--points", "-74,84,80", "--new", "It"), 2, "nothing but air"),
        (("--points", "0,0,0"), 2, "not said which segment"),
        (("--new", "It"), 2, "Nothing is said"),
        (("--undo", "--new", "It"), 2, "stands alone"),
        (("--points", "0,0,0", "--new", "It", "--model", "tiny"), 4, "does not answer clicks"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(
    command, finished: Path, run: Path, chosen: tuple[str, ...], code: int, sentence: str
) -> None:
    model = () if "--model" in chosen or "--undo" in chosen else ("--model", finished / "clicks")
    ended = command("refine", run, *chosen, *model)
    assert ended.code == code and sentence in ended.err and "Traceback" not in ended.err


def test_training_without_label_maps_is_told(command, tmp_path: Path) -> None:
    ended = command("train-refine", tmp_path, "--out", tmp_path / "run", "--steps", 1)
    assert ended.code == 2 and "holds no label map" in ended.err
