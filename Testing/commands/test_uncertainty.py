"""The command ``uncertainty`` as a person and as a program call it."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from Testing.commands.conftest import Ended
from Testing.phantoms import child


@pytest.fixture
def run(command: Callable[..., Ended], place: Path, tmp_path: Path) -> Path:
    """A finished run of the CT alone."""
    ended = command("segment", "--ct", place / "ct.nrrd", "--model", "tiny", "--out", tmp_path / "run", "--threads", 1)
    assert ended.code == 0, ended.err
    return tmp_path / "run"


def test_tells_a_program_and_a_person_what_it_found(command: Callable[..., Ended], place: Path, run: Path) -> None:
    events = ("--samples", 2, "--threads", 1, "--events", "jsonl")
    with child("uncertainty", run, *events, MMS_MODELS=str(place / "models")) as process:
        out, err = process.communicate(timeout=100)
    assert process.returncode == 0, err
    lines = [json.loads(line) for line in out.splitlines()]
    result = lines[-1]["result"]
    assert result["summary"]["network_runs"] == 2 and (run / "uncertainty" / "entropy.nrrd").is_file()
    assert {line["stage"] for line in lines[:-1]} == {"uncertainty"}
    ended = command("uncertainty", run, "--samples", 2, "--method", "dropout", "--threads", 1)
    assert ended.code == 0 and "range of the samples" in ended.out


def test_wrong_input_is_told_in_a_sentence(command: Callable[..., Ended], run: Path, tmp_path: Path) -> None:
    assert "no readable run.json" in command("uncertainty", tmp_path).err
    assert "needs two models" in command("uncertainty", run, "--method", "ensemble").err
    assert command("uncertainty", run, "--samples", 1).code == 2
    assert json.loads((run / "run.json").read_text(encoding="utf-8"))["status"] == "finished"
