"""``batch`` as a process: problems told before the start, and Ctrl-C that leaves a folder to go on with."""

import json
import signal
import sys
import time
from pathlib import Path

import psutil
import pytest

from MultimodalSegLib.cohort.folder import COHORT, TABLE
from Testing.phantoms import child

pytest.importorskip("distributed", reason="Dask is not installed")


def test_every_problem_is_told_before_anything_starts(command, place: Path, tmp_path: Path) -> None:
    (tmp_path / "cases.csv").write_text(f"id,CT\na,{place / 'ct.nrrd'}\na,gone.nrrd\n", encoding="utf-8")
    ended = command("batch", tmp_path / "cases.csv", "--out", tmp_path / "out", "--model", place / "models" / "tiny")
    assert ended.code == 2 and "has 2 problems" in ended.err
    assert "'a' is there more than once" in ended.err and "gone.nrrd" in ended.err
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
def test_ctrl_c_leaves_a_folder_to_go_on_with_and_no_process(place: Path, tmp_path: Path) -> None:
    (tmp_path / "cases.csv").write_text(
        "\n".join(["id,CT", *(f"case-{n},{place / 'ct.nrrd'}" for n in range(3))]), encoding="utf-8"
    )
    given = ("batch", tmp_path / "cases.csv", "--out", tmp_path / "out", "--model", place / "models" / "tiny")
    lines, family = [], []
    with child(*given, "--workers", 1, "--events", "jsonl") as process:
        for line in process.stdout:  # type: ignore[union-attr]
            lines.append(json.loads(line))
            if "running" in lines[-1].get("message", "") and not family:
                family = psutil.Process(process.pid).children(recursive=True)
                process.send_signal(signal.SIGINT)
        err = process.stderr.read()  # type: ignore[union-attr]
    assert process.returncode == 130 and family, err
    assert lines[-1]["error"]["kind"] == "cancelled" and "the same command goes on" in lines[-1]["error"]["hint"]
    assert (tmp_path / "out" / COHORT).is_file() and len(
        (tmp_path / "out" / TABLE).read_text(encoding="utf-8").splitlines()
    ) == 4
    end = time.monotonic() + 30
    while any(one.is_running() and one.status() != "zombie" for one in family) and time.monotonic() < end:
        time.sleep(0.1)
    assert not [one for one in family if one.is_running() and one.status() != "zombie"]
