"""Child processes: small scripts in place of the interpreter show how every kind of end is told."""

import json
import os
import sys
import time
from pathlib import Path

import psutil
import pytest

from MultimodalSegLib.slicerside.process.child import ChildRun, end_all
from MultimodalSegLib.slicerside.process.processes import child_environment, find_python
from Testing.slicerside.stand_in import a_program

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the stand-in for the interpreter is a shell script")


class Heard:
    """Everything a run emits."""

    def __init__(self, run: ChildRun) -> None:
        self.run, self.progress, self.ends, self.longest_s = run, [], [], 0.0
        run.progress.connect(self.progress.append)
        run.finished.connect(lambda result: self.ends.append(("finished", result)))
        run.failed.connect(lambda *failure: self.ends.append(("failed", *failure)))
        run.cancelled.connect(lambda: self.ends.append(("cancelled",)))

    def until(self, condition, limit_s: float = 20.0) -> None:
        end = time.monotonic() + limit_s
        while not condition() and time.monotonic() < end:
            self.poll()
            time.sleep(0.005)
        assert condition(), self.run.log

    def poll(self) -> bool:
        start = time.thread_time()
        on = self.run.poll()
        self.longest_s = max(self.longest_s, time.thread_time() - start)
        return on

    def to_the_end(self, limit_s: float = 20.0) -> tuple:
        self.until(lambda: self.ends, limit_s)
        assert not self.run.running and len(self.ends) == 1
        assert not psutil.pid_exists(self.run.pid)
        return self.ends[0]


@pytest.fixture
def run_of(tmp_path):
    """Function that starts a program and listens."""

    def start(text: str, *arguments: str) -> Heard:
        program = a_program(tmp_path, f"import json, os, signal, sys, time\n{text}\n")
        run = ChildRun(arguments, python=program)
        heard = Heard(run)
        run.start()
        return heard

    yield start
    end_all()


EVENT = {"stage": "read", "done": 1, "total": 2, "eta_s": 3.5, "message": "Größe"}


def test_progress_and_result_are_told(run_of):
    heard = run_of(f"print(json.dumps({EVENT!r})); print(json.dumps({{'result': {{'run': sys.argv[1:]}}}}))", "segment")
    kind, result = heard.to_the_end()
    assert kind == "finished" and result["run"] == ["-m", "MultimodalSegLib", "segment", "--events", "jsonl"]
    (event,) = heard.progress
    assert (event.stage, event.fraction, event.message, event.eta_s) == ("read", 0.5, "Größe", 3.5)


def test_an_error_is_told_in_its_own_words(run_of):
    error = {"error": {"kind": "registration", "message": "No overlap.", "hint": "Choose another volume."}}
    heard = run_of(f"print(json.dumps({error!r})); sys.exit(5)")
    assert heard.to_the_end() == ("failed", "registration", "No overlap.", "Choose another volume.")


def test_what_happens_after_the_result_does_not_matter(run_of):
    assert run_of("print(json.dumps({'result': {}}), flush=True); os.abort()").to_the_end()[0] == "finished"


def test_a_process_that_takes_long_to_leave_after_its_result_is_not_waited_for(run_of):
    start = time.monotonic()
    heard = run_of("print(json.dumps({'result': {}}), flush=True); time.sleep(60)")
    assert heard.to_the_end()[0] == "finished" and time.monotonic() - start < 10


@pytest.mark.parametrize(
    ("text", "kind", "words"),
    [
        ("os.kill(os.getpid(), signal.SIGKILL)", "memory", "memory"),
        ("import a_package_that_is_not_there", "package", "a_package_that_is_not_there"),
        ("os.kill(os.getpid(), signal.SIGSEGV)", "internal", "crashed"),
        ("sys.stderr.buffer.write(b'caf\\xe9 is not UTF-8'); sys.exit(7)", "internal", "exit code 7"),
        ("print('{\"neither\": 1}'); print('not JSON')", "internal", "exit code 0"),
    ],
)
def test_every_other_end_is_one_sentence_with_a_way_out(run_of, text, kind, words):
    heard = run_of(text)
    end, told, message, hint = heard.to_the_end()
    assert (end, told) == ("failed", kind) and words in message and hint
    assert "Traceback" not in message


def test_there_must_be_a_python(tmp_path):
    run = ChildRun(["doctor"], python=str(tmp_path / "nothing"))
    with pytest.raises(Exception, match="No Python"):
        run.start()
    assert not run.running and not run.poll()


FAMILY = """
import subprocess
code = 'import subprocess, sys, time; nap = "import time; time.sleep(60)"; \
p = subprocess.Popen([sys.executable, "-S", "-c", nap]); print(p.pid, flush=True); time.sleep(60)'
child = subprocess.Popen([sys.executable, '-S', '-c', code], stdout=subprocess.PIPE, text=True, start_new_session=True)
grandchild = int(child.stdout.readline())
signal.signal(signal.SIGTERM, signal.SIG_IGN)
event = {'stage': 'x', 'done': 0, 'total': 1, 'eta_s': None, 'message': f'{child.pid} {grandchild}'}
print(json.dumps(event), flush=True)
time.sleep(60)
"""


def test_cancel_ends_the_whole_family_within_two_seconds(run_of):
    heard = run_of(FAMILY)
    heard.until(lambda: heard.progress)
    family = [heard.run.pid, *map(int, heard.progress[0].message.split())]
    assert all(psutil.pid_exists(pid) for pid in family)
    start = time.monotonic()
    heard.run.cancel()
    heard.run.cancel()
    asked = time.monotonic() - start
    assert heard.to_the_end(2.0) == ("cancelled",)
    assert not [pid for pid in family if _lives(pid)]
    assert asked < 0.5
    assert not heard.run.poll() and len(heard.ends) == 1


def _lives(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def test_cancel_with_waiting_returns_after_the_end(run_of):
    heard = run_of("time.sleep(60)")
    heard.run.cancel(wait_s=2.0)
    assert heard.ends == [("cancelled",)] and not heard.run.running


def test_a_result_that_was_told_too_late_is_not_taken(run_of):
    heard = run_of("print(json.dumps({'result': {}}), flush=True); time.sleep(60)")
    time.sleep(0.5)
    heard.run.cancel(wait_s=2.0)
    assert heard.ends == [("cancelled",)]


def test_a_forgotten_run_ends_with_python(run_of):
    heard = run_of("time.sleep(60)")
    end_all()
    assert not _lives(heard.run.pid)


def test_a_flood_of_lines_neither_blocks_nor_fills_the_memory(run_of):
    heard = run_of(
        f"line = json.dumps({EVENT!r})\n"
        "for n in range(20000): print(line)\n"
        "for n in range(20000): print('x' * 100, file=sys.stderr)\n"
        "print(json.dumps({'result': {}}))"
    )
    assert heard.to_the_end(60)[0] == "finished"
    assert len(heard.run.log) < 300_000 and heard.longest_s < 0.05
    assert len(heard.progress) < 5000, "of each poll only the latest progress counts"


def test_a_pipe_that_a_stray_process_holds_open_does_not_keep_the_run_from_ending(run_of):
    heard = run_of(
        "import subprocess\n"
        "subprocess.Popen([sys.executable, '-S', '-c', 'import time; time.sleep(60)'])\n"
        "print(json.dumps({'result': {}}), flush=True)"
    )
    assert heard.to_the_end(5.0)[0] == "finished"


def test_the_childs_environment_is_utf8_and_finds_this_library(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    environment = child_environment({"OMP_NUM_THREADS": "1"})
    root = str(Path(__file__).resolve().parents[3])
    assert environment["PYTHONPATH"].split(os.pathsep) == [root, "/elsewhere"]
    assert environment["PYTHONUTF8"] == "1" and environment["OMP_NUM_THREADS"] == "1"
    assert json.dumps(find_python())
