"""``refine --listen``: a real process that answers request after request about one run."""

import json
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from MultimodalSegLib.images.io import read_labels
from MultimodalSegLib.pipeline import run_segment
from MultimodalSegLib.restore import open_run
from MultimodalSegLib.segment_options import SegmentOptions
from MultimodalSegLib.slicerside.process.lasting import Lasting
from Testing.refinement.handmade import a_click_model

TUMOR = {"positive": [[-30.0, 25.0, 30.0]], "new": "Tumor", "allow_overwrite": True}


@pytest.fixture
def run(place: Path, tmp_path: Path) -> Path:
    options = SegmentOptions(
        {"CT": place / "ct.nrrd"}, tmp_path / "run", model=str(place / "models" / "tiny"), threads=1
    )
    return run_segment(options).path


@pytest.fixture
def lasting(run: Path, tmp_path: Path) -> Iterator[Lasting]:
    child = Lasting(["refine", str(run), "--listen", "--model", str(a_click_model(tmp_path / "clicks").path)])
    yield child
    child.end(wait_s=10)


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def answered(lasting: Lasting, content: dict[str, Any]) -> list[Any]:
    """What came of a request: the result, or kind, message and hint of an error."""
    request, told = lasting.request(content), []
    request.finished.connect(told.append)
    request.failed.connect(lambda *why: told.extend(why))
    request.start()
    until(lambda: not request.poll())
    return told


def test_one_process_answers_all_and_measures_when_it_is_quiet(run: Path, lasting: Lasting, tmp_path: Path) -> None:
    shutil.copy(run / "segmentation.seg.nrrd", tmp_path / "first.seg.nrrd")
    heard: list[Any] = []
    lasting.heard.connect(heard.append)
    (found,) = answered(lasting, TUMOR)
    assert found["added_ml"] > 3 and not (run / "measurements.csv").exists()
    pid = lasting.pid
    kind, message, hint = answered(lasting, TUMOR | {"positive": [[900.0, 1.0, 2.0]]})
    assert kind == "input" and "-900.0, -1.0, 2.0 (RAS)" in message and "LPS" not in hint
    assert "not said which segment" in answered(lasting, {"positive": [[0, 0, 0]]})[1]
    until(lambda: bool(lasting.poll() and heard))
    assert heard == [{"measured": True}] and "Tumor" in (run / "measurements.csv").read_text(encoding="utf-8")
    folder = open_run(run).folder
    with folder.stage("explain"):  # somebody else works on the run
        folder.write(run / "explanation" / "x.nrrd", lambda path: path.write_text("x", encoding="utf-8"))
    (again,) = answered(lasting, {"negative": [[-20.0, 25.0, 30.0]], "segment": "Tumor"})
    assert again["removed_ml"] > 0 and lasting.pid == pid
    assert "explain" in open_run(run).folder.record["stages"]
    (back,) = answered(lasting, {"edited": str(tmp_path / "first.seg.nrrd")})
    assert "Tumor" in back["edited"] and open_run(run).folder.record["refinements"] == []
    labels = read_labels(run / "segmentation.seg.nrrd").array
    assert np.array_equal(labels, read_labels(tmp_path / "first.seg.nrrd").array)


def test_a_killed_process_is_told_and_the_next_request_starts_another(run: Path, lasting: Lasting) -> None:
    request, told = lasting.request({"edited": str(run / "segmentation.seg.nrrd")}), []
    assert not request.poll() and lasting.pid is None and lasting.log == ""
    request.cancelled.connect(lambda: told.append("cancelled"))
    request.start()
    first = lasting.pid
    request.cancel(wait_s=10)
    assert told == ["cancelled"] and not lasting.running
    assert answered(lasting, request.content) == [{"run": str(run), "edited": []}] and lasting.pid != first


def test_it_ends_when_nothing_is_asked_or_nobody_is_there_to_ask(run: Path) -> None:
    from MultimodalSegLib.slicerside.process.processes import child_environment, find_python

    command = [find_python(), "-m", "MultimodalSegLib", "refine", str(run), "--listen", "--events", "jsonl"]
    options = {"env": child_environment({}), "stdout": subprocess.PIPE}
    ended = subprocess.run(command, input=b"no json\n", check=True, timeout=120, **options)
    first, last = map(json.loads, ended.stdout.splitlines())
    assert "no line of JSON" in first["error"]["message"] and last["result"]["ended"]
    with subprocess.Popen([*command, "--end-after", "0.2"], stdin=subprocess.PIPE, **options) as process:
        assert process.wait(120) == 0
