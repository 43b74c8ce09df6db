"""Remaining time, told to programs, from the pace of this process alone."""

import json
import subprocess
import sys

from Testing.phantoms import ROOT

CODE = """
import time
from MultimodalSegLib.commands.listeners import JsonLines
from MultimodalSegLib.progress import Event
lines = JsonLines(seconds_between=0.0)
for done in ({steps}):
    lines(Event("train", done, 1000.0, f"step {{done}}"))
    time.sleep(0.1)
"""


def remaining(*steps: float) -> list[float | None]:
    """Seconds left, told at each of the steps, 0.1 s apart."""
    answer = subprocess.run(
        [sys.executable, "-c", CODE.format(steps=", ".join(map(str, steps)))],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert answer.returncode == 0, answer.stderr
    return [json.loads(line)["eta_s"] for line in answer.stdout.splitlines()]


def test_work_that_goes_on_from_a_saved_state_is_not_taken_for_fast_work():
    first, _, last = remaining(900.0, 901.0, 902.0)
    assert first is None
    assert last is not None and 9.0 < last < 40.0  # 98 steps of 0.1 s; a busy machine sleeps longer


def test_work_from_the_beginning():
    *_, last = remaining(0.0, 1.0, 2.0)
    assert last is not None and last > 90.0
