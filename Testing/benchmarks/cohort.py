"""What a cohort costs beside its cases: seconds a case, memory of the scheduler, and what a second worker brings.

    python Testing/benchmarks/cohort.py [--tiny 1000] [--cases 12] [--skip-speed] [--out results/cohort]

1. A scheduler and two workers, each a process of its own, get ``--tiny`` cases through the same sliding window, folder
   and table as the command ``batch``. THE WORK OF A CASE IS A STAND-IN HERE: it sleeps for 10 ms. The memory is the
   resident memory of the scheduler's process.
2. The shipped synthetic pair ``--cases`` times with the default model, by one worker and by two, each with one thread.
   Nothing is a stand-in. The first case of each worker, in which it imports torch, does not count.

Run it on a machine that does nothing else; the load average is told with the figures.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil
from distributed import Client

from MultimodalSegLib.cohort.batch import run_batch
from MultimodalSegLib.cohort.cases import CohortCase
from MultimodalSegLib.cohort.cluster import LOG_LENGTH, Place
from MultimodalSegLib.cohort.folder import CohortFolder
from MultimodalSegLib.cohort.options import CohortOptions
from MultimodalSegLib.cohort.outcome import Outcome
from MultimodalSegLib.cohort.schedule import outcomes
from MultimodalSegLib.cohort.task import Model, Task
from MultimodalSegLib.progress import Event
from MultimodalSegLib.resources import resource

HERE = Path(__file__).resolve().parent
SLEEP_S = 0.01
WARM = 100
"""Tiny cases after which the memory counts: until then tables of the scheduler are filled for the first time."""


@dataclass(frozen=True)
class Tiny:
    """Cost of many tiny cases; memory in MiB, seconds of the wall."""

    cases: int
    overhead_s: float
    scheduler_mb_after_warming_up: float
    scheduler_mb_at_the_end: float
    client_mb_after_warming_up: float
    client_mb_at_the_end: float


@dataclass(frozen=True)
class Speed:
    """Real cases by one and by two workers."""

    cases: int
    one_s_per_case: float
    two_s_per_case: float
    speed_up: float
    overhead_s: float


def stand_in(task: Task) -> Outcome:
    """In the place of a case: sleeps."""
    time.sleep(SLEEP_S)
    return Outcome(task.case.id, "finished", ("segment",), SLEEP_S, volumes={"Structure": 1.0})


@contextmanager
def processes() -> Iterator[tuple[str, psutil.Process]]:
    """A scheduler and two workers; the scheduler's address and process."""
    as_ours = {**os.environ, "DASK_DISTRIBUTED__ADMIN__LOW_LEVEL_LOG_LENGTH": str(LOG_LENGTH)}
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "env": as_ours}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "scheduler.json"
        program = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0"]
        scheduler = subprocess.Popen([*program, "--no-dashboard", "--scheduler-file", str(file)], **quiet)
        started = [scheduler]
        try:
            while not file.is_file():
                time.sleep(0.1)
            address = json.loads(file.read_text(encoding="utf-8"))["address"]
            worker = [sys.executable, "-m", "distributed.cli.dask_worker", address, "--nthreads", "1", "--no-nanny"]
            started += [subprocess.Popen([*worker, "--no-dashboard"], cwd=folder, **quiet) for _ in range(2)]
            yield address, psutil.Process(scheduler.pid)
        finally:
            for process in reversed(started):
                process.kill()
                process.wait()


def tiny(count: int) -> Tiny:
    """Many cases that do nothing."""
    cases = [CohortCase(f"case-{n:05}", {"T1": Path("/t1.nii")}, "T1") for n in range(count)]
    memory: list[tuple[float, float]] = []
    with tempfile.TemporaryDirectory() as place, processes() as (address, scheduler), Client(address) as client:
        client.wait_for_workers(2)
        folder = CohortFolder.begin(Path(place) / "out", cases, {})
        tasks = (Task(case, folder.run(case.id), CohortOptions(), Model("", "", "")) for case in cases)
        begun = time.perf_counter()
        for outcome in outcomes(
            client, tasks, stand_in, tell=lambda state: folder.write_table(state.running, now=False)
        ):
            folder.keep(outcome)
            memory.append((scheduler.memory_info().rss / 2**20, psutil.Process().memory_info().rss / 2**20))
        seconds = time.perf_counter() - begun
        folder.write_table()
    warm, end = memory[min(WARM, count - 1)], memory[-1]
    overhead = 2 * seconds / count - SLEEP_S  # two workers share the cases
    return Tiny(count, round(overhead, 4), *(round(mb, 1) for mb in (warm[0], end[0], warm[1], end[1])))


def seconds_per_case(count: int, workers: int, place: Path) -> tuple[float, float]:
    """Wall seconds between the ends of real cases, and the mean seconds of their stages; without the first of each."""
    demo = resource("demo/synthetic")
    rows = [f"case-{n},{demo / 'CT.nrrd'},{demo / 'MR.nrrd'}" for n in range(count)]
    (place / "cases.csv").write_text("\n".join(["id,CT,MR", *rows]), encoding="utf-8")
    ends: dict[int, float] = {}

    def progress(event: Event) -> None:
        ends.setdefault(int(event.done), time.perf_counter())

    options, out = CohortOptions(threads=1, device="cpu"), place / f"out-{workers}"
    batch = run_batch(place / "cases.csv", out, options, Place(workers=workers), progress)
    end = time.perf_counter()
    assert not batch.failed, batch.failed
    ordered = [
        json.loads(line)["seconds"] for line in (out / "outcomes.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    return (end - ends[workers]) / (count - workers), sum(ordered[workers:]) / (count - workers)


def speed(count: int) -> Speed:
    """One worker against two."""
    with tempfile.TemporaryDirectory() as place:
        one, work = seconds_per_case(count, 1, Path(place))
        two, _ = seconds_per_case(count, 2, Path(place))
    return Speed(count, round(one, 2), round(two, 2), round(one / two, 2), round(one - work, 2))


def main() -> None:
    parser = argparse.ArgumentParser(description=re.split(r"\n\n", __doc__ or "")[0])
    parser.add_argument("--tiny", type=int, default=1000)
    parser.add_argument("--cases", type=int, default=12)
    parser.add_argument("--skip-speed", action="store_true")
    parser.add_argument("--out", type=Path, default=HERE / "results" / "cohort")
    given = parser.parse_args()
    found = {"tiny": asdict(tiny(given.tiny))}
    if not given.skip_speed:
        found["speed"] = asdict(speed(given.cases))
    figures = {**found, "processors": os.cpu_count(), "load_average": [round(load, 1) for load in os.getloadavg()]}
    given.out.with_suffix(".json").write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
