"""``measure`` for a person and for a program."""

import csv
import json
import shutil
from pathlib import Path

import pytest

from MultimodalSegLib.pipeline import run_segment
from MultimodalSegLib.segment_options import SegmentOptions
from Testing.phantoms import child


@pytest.fixture(scope="module")
def the_run(place: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "run"
    options = SegmentOptions({"CT": place / "ct.nrrd"}, folder, model=str(place / "models" / "tiny"), threads=1)
    return run_segment(options).path


def test_a_person_is_told_where_the_tables_are(command, the_run: Path, tmp_path: Path) -> None:
    shutil.copytree(the_run, tmp_path / "run")
    ended = command("measure", tmp_path / "run", "--at-risk", "ventricle")
    assert ended.code == 0, ended.err
    assert f"Lesions: {tmp_path / 'run' / 'lesions.csv'}" in ended.out
    with (tmp_path / "run" / "lesions.csv").open(encoding="utf-8") as file:
        assert "distance_to_ventricle_mm" in next(csv.reader(file))


def test_a_program_is_told_what_changed(the_run: Path, tmp_path: Path) -> None:
    shutil.copytree(the_run, tmp_path / "run")
    chosen = ("--earlier", the_run, "--earlier-registration", "none", "--events", "jsonl")
    with child("measure", tmp_path / "run", *chosen) as process:
        out, err = process.communicate(timeout=200)
    assert process.returncode == 0, err
    lines = [json.loads(line) for line in out.splitlines()]
    result = lines[-1]["result"]
    assert [line["stage"] for line in lines[:-1]] == ["measure"] * len(lines[:-1])
    counts = result["followup"]["counts"]
    assert counts["stable"] == sum(counts.values()), "nothing has changed"
    assert Path(result["changes"]).is_file()


@pytest.mark.parametrize(
    ("chosen", "sentence"),
    [
        (("--at-risk", "amygdala"), "no structure 'amygdala'"),
        (("--earlier", "nowhere"), "no readable run.json"),
        (("--earlier-registration", "bspline"), "bspline"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(command, the_run: Path, chosen: tuple, sentence: str) -> None:
    ended = command("measure", the_run, *chosen)
    assert ended.code == 2 and sentence in ended.err and "Traceback" not in ended.err


def test_a_folder_that_is_no_run(command, tmp_path: Path) -> None:
    ended = command("measure", tmp_path)
    assert ended.code == 2 and "no readable run.json" in ended.err
