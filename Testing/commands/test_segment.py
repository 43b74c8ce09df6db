"""``segment`` for a person, for a program, and when it is stopped: real processes and real signals."""

import json
import signal
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from MultimodalSegLib.commands.segment import _modality_and_landmarks
from MultimodalSegLib.errors import InputError
from MultimodalSegLib.images.io import read_labels, read_volume
from MultimodalSegLib.pipeline import STAGES, run_segment
from MultimodalSegLib.run_folder import RunFolder
from MultimodalSegLib.segment_options import SegmentOptions
from Testing.phantoms import child

posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")

# The child tells that it has come to a stage, and waits there until the signal was noticed, or does not look.
WAITING = """
import sys, time
from MultimodalSegLib.commands import ending
where, notice = sys.argv.pop(1), sys.argv.pop(1) == "notice"
plain = ending.Stop.__call__
def call(self, event):
    plain(self, event)
    if event.stage == where and event.done == 0:
        if notice:
            self.requested.wait(30)
        else:
            time.sleep(30)
        plain(self, event)
ending.Stop.__call__ = call
from MultimodalSegLib.cli import main
main()
"""


def arguments(place: Path, out: Path, kind: str = "rigid") -> tuple[object, ...]:
    volumes = ("--ct", place / "ct.nrrd", "--mr", place / "mr.nii.gz")
    return (
        "segment",
        *volumes,
        "--model",
        place / "models" / "tiny",
        "--threads",
        1,
        "--registration",
        kind,
        "--out",
        out,
    )


@pytest.fixture(scope="module")
def whole_runs(place: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, RunFolder]:
    """Runs that nobody stopped, by kind of registration."""
    folder = tmp_path_factory.mktemp("whole")
    return {kind: run_segment(options(place, folder / kind, kind)) for kind in ("rigid", "none")}


def options(place: Path, out: Path, kind: str, resume: bool = False) -> SegmentOptions:
    volumes = {"CT": place / "ct.nrrd", "MR": place / "mr.nii.gz"}
    return SegmentOptions(
        volumes, out, registration=kind, model=str(place / "models" / "tiny"), threads=1, resume=resume
    )


def test_a_person_gets_sentences_on_stdout_and_warnings_on_stderr(command, place: Path, tmp_path: Path) -> None:
    ended = command(*arguments(place, tmp_path / "run"))
    assert ended.code == 0
    assert "MR to CT: rigid registration" in ended.out and "Peak memory" in ended.out
    assert f"Segmentation: {tmp_path / 'run' / 'segmentation.seg.nrrd'}" in ended.out
    assert "research use only" in ended.err and "Traceback" not in ended.err


def test_a_program_gets_nothing_but_json_lines(place: Path, tmp_path: Path) -> None:
    with child(*arguments(place, tmp_path / "run"), "--events", "jsonl") as process:
        out, err = process.communicate(timeout=100)
    assert process.returncode == 0, err
    lines = [json.loads(line) for line in out.splitlines()]
    events, result = lines[:-1], lines[-1]["result"]
    assert all(set(event) == {"stage", "done", "total", "eta_s", "message"} for event in events)
    assert list(dict.fromkeys(event["stage"] for event in events)) == list(STAGES)
    assert any(event["eta_s"] is not None and event["eta_s"] >= 0 for event in events)
    assert Path(result["segmentation"]).is_file() and Path(result["measurements"]).is_file()
    assert result["registration"]["MR"]["converged"] in (True, False) and result["warnings"]


def test_a_program_gets_errors_as_json_too(place: Path, tmp_path: Path) -> None:
    for wrong, word in (("--flair", "--flair"), ("--ct", "gone.nrrd")):
        given = (
            "segment",
            "--out",
            tmp_path / "run",
            "--events",
            "jsonl",
            wrong,
            *(["gone.nrrd"] if wrong == "--ct" else []),
        )
        with child(*given) as process:
            out, err = process.communicate(timeout=60)
        assert process.returncode == 2 and "Traceback" not in err
        error = json.loads(out)["error"]
        assert error["kind"] == "input" and word in error["message"] and error["hint"]


def stop_in(stage: str, place: Path, out: Path, number: int, *, noticed: bool) -> tuple[int, list[dict], str, float]:
    """Send a signal to a child in a stage; its exit code, its lines, its stderr, and the seconds it took to end."""
    how = "notice" if noticed else "ignore"
    process = child(
        stage,
        how,
        *arguments(place, out, "rigid" if stage == "register" else "none"),
        "--events",
        "jsonl",
        script=WAITING,
    )
    lines, sent = [], 0.0
    with process:
        for line in process.stdout:  # type: ignore[union-attr]
            lines.append(json.loads(line))
            if lines[-1].get("stage") == stage and not sent:
                sent = time.monotonic()
                process.send_signal(number)
        err = process.stderr.read()  # type: ignore[union-attr]
    return process.returncode, lines, err, time.monotonic() - sent


@posix
@pytest.mark.parametrize(
    ("stage", "number", "noticed"),
    [
        ("read", signal.SIGINT, True),
        ("register", signal.SIGTERM, True),
        ("segment", signal.SIGINT, True),
        ("measure", signal.SIGINT, True),
        ("segment", signal.SIGINT, False),  # a long step in C++ that never looks
    ],
)
def test_a_run_is_stopped_in_any_stage_and_goes_on(
    place: Path, whole_runs: dict[str, RunFolder], tmp_path: Path, stage: str, number: int, noticed: bool
) -> None:
    kind = "rigid" if stage == "register" else "none"  # the others need not wait for a registration
    code, lines, err, seconds = stop_in(stage, place, tmp_path / "run", number, noticed=noticed)
    assert code == 130 and seconds < 20, err  # a child that ignores the signal would sleep for 30
    assert lines[-1]["error"]["kind"] == "cancelled" and "--resume" in lines[-1]["error"]["hint"]
    assert "Traceback" not in err

    run = RunFolder.open(tmp_path / "run")
    finished = STAGES[: STAGES.index(stage)]
    assert run.status == "stopped" and tuple(run.record["stages"]) == finished
    files = {f.relative_to(run.path).as_posix() for f in run.path.rglob("*") if f.is_file()}
    assert files == {"run.json", *(name for entry in run.record["stages"].values() for name in entry["files"])}
    run.verify()

    events = []
    done = run_segment(options(place, run.path, kind, resume=True), events.append)
    the_run = whole_runs[kind]
    assert done.status == "finished"
    assert "segment" not in {event.stage for event in events} or "segment" not in finished
    for name in ("aligned/CT.nrrd", "aligned/MR.nrrd"):
        np.testing.assert_array_equal(read_volume(done.path / name).array, read_volume(the_run.path / name).array)
    np.testing.assert_array_equal(read_labels(done.segmentation).array, read_labels(the_run.segmentation).array)
    assert done.measurements.read_text(encoding="utf-8") == the_run.measurements.read_text(encoding="utf-8")


@posix
def test_the_work_stops_when_nobody_reads_the_events(place: Path, tmp_path: Path) -> None:
    with child(
        "register", "notice", *arguments(place, tmp_path / "run"), "--events", "jsonl", script=WAITING
    ) as process:
        for line in process.stdout:  # type: ignore[union-attr]
            if '"register"' in line:
                break
        process.stdout.close()  # type: ignore[union-attr]
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 130
    assert RunFolder.open(tmp_path / "run").status == "stopped"


def test_landmarks_of_a_volume_are_two_files_whose_names_may_hold_commas(tmp_path: Path) -> None:
    here, there = tmp_path / "a,b.csv", tmp_path / "c.csv"
    for file in (here, there):
        file.touch()
    assert _modality_and_landmarks(f"mr={here},{there}") == ("MR", (here, there))
    assert _modality_and_landmarks("T1=x.csv,y.csv") == ("T1", (Path("x.csv"), Path("y.csv")))
    for wrong in ("MR=x.csv", "MR", "MR=,", "MR=x.csv,"):
        with pytest.raises(InputError, match="MODALITY=FILE,FILE"):
            _modality_and_landmarks(wrong)
