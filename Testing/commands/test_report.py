"""``report`` for a person and for a program, on a real run."""

import json
import shutil
from pathlib import Path

import pytest

from MultimodalSegLib.pipeline import run_segment
from MultimodalSegLib.segment_options import SegmentOptions
from Testing.phantoms import child


@pytest.fixture(scope="module")
def finished(place: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished run."""
    out = tmp_path_factory.mktemp("report") / "run"
    volumes = {"CT": place / "ct.nrrd", "MR": place / "mr.nii.gz"}
    model = str(place / "models" / "tiny")
    return run_segment(SegmentOptions(volumes, out, registration="none", model=model, threads=1)).path


def test_a_person_is_told_the_files(command, finished):
    ended = command("report", finished)
    assert ended.code == 0 and str(finished / "report.html") in ended.out
    text = (finished / "report.html").read_text(encoding="utf-8")
    assert "For research use only" in text and str(finished) not in text and "ct.nrrd" not in text


def test_a_program_is_told_progress_and_files(finished):
    process = child("report", finished, "--with-name", "--no-dicom", "--events", "jsonl")
    out, errors = process.communicate(timeout=120)
    lines = [json.loads(line) for line in out.splitlines()]
    assert process.returncode == 0 and lines[0]["stage"] == "report", errors
    assert lines[-1]["result"]["files"] == [str(finished / "report.html")]
    assert "ct.nrrd" in (finished / "report.html").read_text(encoding="utf-8")


def test_what_cannot_be_reported_is_said(command, finished, tmp_path):
    ended = command("report", tmp_path)
    assert ended.code == 2 and "no readable run.json" in ended.err
    damaged = shutil.copytree(finished, tmp_path / "run")
    (damaged / "segmentation.seg.nrrd").unlink()
    ended = command("report", damaged)
    assert ended.code == 2 and "has no segmentation" in ended.err
