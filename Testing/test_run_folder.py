"""What a run leaves on disk: whole files, a readable run.json, and nothing lost."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from MultimodalSegLib.errors import Cancelled, InputError, OutputError
from MultimodalSegLib.run_folder import RunFolder

START = {"inputs": {"CT": {"path": "ct.nrrd"}, "MR": {"path": "mr.nrrd"}}, "reference": "CT", "parameters": {}}


@pytest.fixture
def a_run(tmp_path: Path) -> RunFolder:
    return RunFolder.create(tmp_path / "cases" / "run", START)


def record_of(run: RunFolder) -> dict:
    return json.loads((run.path / "run.json").read_text(encoding="utf-8"))


def files_of(path: Path) -> set[str]:
    return {file.relative_to(path).as_posix() for file in path.rglob("*") if file.is_file()}


def write_text(run: RunFolder, name: str, text: str) -> None:
    run.write(run.path / name, lambda path: path.write_text(text, encoding="utf-8"))


def test_a_finished_stage_is_recorded_with_its_files(a_run: RunFolder) -> None:
    with a_run.working(), a_run.stage("register"):
        write_text(a_run, "aligned/CT.nrrd", "ct")
        assert record_of(a_run)["status"] == "running" and not RunFolder.open(a_run.path).has("register")
    record = record_of(a_run)
    assert record["status"] == "finished" and "pid" not in record
    assert list(record["stages"]["register"]["files"]) == ["aligned/CT.nrrd"]
    assert record["seconds"]["register"] >= 0 and record["peak_memory_mb"] > 10
    assert files_of(a_run.path) == {"run.json", "aligned/CT.nrrd"}


@pytest.mark.parametrize(
    "error", [KeyboardInterrupt(), Cancelled("Stopped."), ValueError("odd"), InputError("Bad CT.", "Mend it.")]
)
def test_an_interrupted_stage_leaves_earlier_files_and_no_half_file(a_run: RunFolder, error: BaseException) -> None:
    def half(path: Path) -> None:
        path.write_text("half", encoding="utf-8")
        raise error

    with pytest.raises(type(error)), a_run.working():
        with a_run.stage("read"):
            write_text(a_run, "first.txt", "whole")
        with a_run.stage("register"):
            a_run.write(a_run.path / "second.txt", half)
    record = record_of(a_run)
    assert record["status"] == ("failed" if isinstance(error, (ValueError, InputError)) else "stopped")
    assert list(record["stages"]) == ["read"]
    assert (
        files_of(a_run.path) == {"run.json", "first.txt"}
        and (a_run.path / "first.txt").read_text(encoding="utf-8") == "whole"
    )
    if isinstance(error, InputError):
        assert record["error"] == {"kind": "input", "message": "Bad CT.", "hint": "Mend it."}


def test_what_a_killed_process_left_half_written_is_removed_when_the_run_goes_on(a_run: RunFolder) -> None:
    (a_run.path / ".partial").mkdir()
    (a_run.path / ".partial" / "CT.nrrd").write_text("half", encoding="utf-8")
    with RunFolder.open(a_run.path).working():
        pass
    assert files_of(a_run.path) == {"run.json"}


def test_a_folder_that_is_not_empty_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work", encoding="utf-8")
    for overwrite in (False, True):
        with pytest.raises(OutputError, match="not empty"):
            RunFolder.create(tmp_path, START, overwrite=overwrite)
    assert files_of(tmp_path) == {"thesis.txt"}


def test_overwriting_a_run_removes_only_what_the_run_wrote(a_run: RunFolder) -> None:
    with a_run.working(), a_run.stage("register"):
        write_text(a_run, "aligned/CT.nrrd", "ct")
    (a_run.path / "aligned" / "my notes.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(OutputError, match="already holds a run"):
        RunFolder.create(a_run.path, START)
    assert "aligned/CT.nrrd" in files_of(a_run.path)
    RunFolder.create(a_run.path, START, overwrite=True)
    assert files_of(a_run.path) == {"run.json", "aligned/my notes.txt"}
    assert record_of(a_run)["stages"] == {}


def test_overwriting_never_deletes_outside_the_folder(a_run: RunFolder, tmp_path: Path) -> None:
    (tmp_path / "precious.txt").write_text("mine", encoding="utf-8")
    record = record_of(a_run) | {"stages": {"read": {"files": {"../../precious.txt": ""}}}}
    (a_run.path / "run.json").write_text(json.dumps(record), encoding="utf-8")
    with pytest.raises(InputError, match="outside"):
        RunFolder.create(a_run.path, START, overwrite=True)
    assert (tmp_path / "precious.txt").exists()


def test_a_stage_whose_file_is_gone_is_done_again(a_run: RunFolder) -> None:
    with a_run.working():
        for stage in ("read", "register", "segment"):
            with a_run.stage(stage):
                write_text(a_run, f"{stage}.txt", stage)
    (a_run.path / "register.txt").unlink()
    run = RunFolder.open(a_run.path)
    run.verify()
    assert [stage for stage in ("read", "register", "segment") if run.has(stage)] == ["read"]


def test_a_result_that_was_edited_is_not_overwritten(a_run: RunFolder) -> None:
    with a_run.working(), a_run.stage("segment"):
        write_text(a_run, "segmentation.seg.nrrd", "found")
    a_run.segmentation.write_text("corrected by hand", encoding="utf-8")
    with pytest.raises(InputError, match="segmentation.seg.nrrd was changed"):
        RunFolder.open(a_run.path).verify()


@pytest.mark.parametrize("text", [None, "", "{", "[]", '{"format": "another program"}'])
def test_a_folder_without_a_readable_run_json_is_refused(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "run.json").write_text(text, encoding="utf-8")
    with pytest.raises(InputError):
        RunFolder.open(tmp_path)


def test_a_file_in_the_place_of_the_folder_or_above_it_is_an_output_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    for out in (tmp_path / "file", tmp_path / "file" / "run", tmp_path / "file" / "deeper" / "run"):
        with pytest.raises(OutputError, match="cannot be written"):
            RunFolder.create(out, START)
    assert (tmp_path / "file").read_text(encoding="utf-8") == "mine"


def test_a_file_that_grows_too_large_leaves_the_run_readable(tmp_path: Path) -> None:
    """The limit on file sizes meets the same code as a full disk, and needs no rights."""
    pytest.importorskip("resource", reason="Windows has no limit on file sizes")
    script = """
import resource, sys
from pathlib import Path
from MultimodalSegLib.errors import OutputError
from MultimodalSegLib.run_folder import RunFolder
run = RunFolder.create(Path(sys.argv[1]), {"inputs": {}, "reference": "CT"})
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
try:
    with run.working():
        with run.stage("read"):
            run.write(run.path / "small.txt", lambda path: path.write_bytes(b"x" * 1000))
        with run.stage("register"):
            run.write(run.path / "large.txt", lambda path: path.write_bytes(b"x" * 100_000))
except OutputError as error:
    print(error.message)
"""
    child = subprocess.run(
        [sys.executable, "-c", script, tmp_path / "run"],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parent.parent)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert child.stdout == f"{tmp_path / 'run' / 'large.txt'} cannot be written: the disk is full.\n"
    run = RunFolder.open(tmp_path / "run")
    assert run.status == "failed" and run.has("read") and not run.has("register")
    assert files_of(run.path) == {"run.json", "small.txt"}


@pytest.fixture
def a_small_disk(tmp_path: Path):
    """A file system of 1 MB; mounting it needs root."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = shutil.which("mount") and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(place)], capture_output=True
    )
    if not mounted or mounted.returncode:
        pytest.skip("a small file system cannot be mounted here (needs root)")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_full_disk_leaves_the_run_readable(a_small_disk: Path) -> None:
    run = RunFolder.create(a_small_disk / "run", START)
    with pytest.raises(OutputError, match="large.txt cannot be written: the disk is full"), run.working():
        with run.stage("read"):
            write_text(run, "small.txt", "whole")
        with run.stage("register"):
            run.write(run.path / "large.txt", lambda path: path.write_bytes(os.urandom(2_000_000)))
    again = RunFolder.open(run.path)
    assert again.status == "failed" and again.record["error"]["kind"] == "output"
    assert files_of(run.path) == {"run.json", "small.txt"}


def test_a_disk_without_a_single_free_byte_keeps_the_last_run_json(a_small_disk: Path) -> None:
    run = RunFolder.create(a_small_disk / "run", START)
    with pytest.raises(OutputError), run.working():
        with run.stage("read"):
            write_text(run, "small.txt", "whole")
        with (a_small_disk / "other program").open("wb", buffering=0) as filling, pytest.raises(OSError):
            while True:
                filling.write(b"x" * 4096)
        with run.stage("register"):
            write_text(run, "second.txt", "x" * 10_000)
    assert RunFolder.open(run.path).has("read")
    assert not any(name.endswith(".partial") or ".partial/" in name for name in files_of(run.path))


def test_a_stage_that_adds_keeps_what_it_wrote_at_other_times(tmp_path: Path) -> None:
    run = RunFolder.create(tmp_path / "run", {"inputs": {}, "reference": "CT"})
    write = lambda name, text: run.write(run.path / name, lambda path: path.write_text(text, encoding="utf-8"))  # noqa: E731
    with run.stage("explain", keep=True):
        write("a.txt", "a")
    with pytest.raises(KeyboardInterrupt), run.stage("explain", keep=True):
        write("a.txt", "other")
        raise KeyboardInterrupt
    RunFolder.open(run.path).verify()  # the changed file is known as it is
    with run.stage("explain", keep=True):
        write("b.txt", "b")
    assert set(run.record["stages"]["explain"]["files"]) == {"a.txt", "b.txt"}
    with run.stage("explain"):
        write("c.txt", "c")
    assert set(run.record["stages"]["explain"]["files"]) == {"c.txt"}
