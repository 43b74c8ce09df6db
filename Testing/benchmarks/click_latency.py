"""How long a click takes from the panel's request to the mask: with a process that stays, and with a new one each time.

    python Testing/benchmarks/click_latency.py RUN [--clicks 5] [--model NAME_OR_FOLDER]

RUN is a finished run, of which a copy is clicked. Clicks lie in the middle of the run's largest segments, each for a
new object. Told are seconds by the clock, and processor seconds of the child while it answered (of all its threads, as
psutil tells). The time includes the request, the network, the mask and the run folder's files; the scene's part is not
in it.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil

from MultimodalSegLib.restore import open_run
from MultimodalSegLib.slicerside.process.lasting import Lasting
from MultimodalSegLib.slicerside.process.processes import child_environment


def places(run: Path, count: int) -> list[list[float]]:
    """One point in each of the largest segments, LPS mm."""
    labels = open_run(run).segmentation.labels
    counts = np.bincount(labels.array.ravel())
    counts[0] = 0
    found = []
    for value in np.argsort(-counts)[:count]:
        index = np.argwhere(labels.array == value)
        middle = index[np.argmin(((index - index.mean(0)) ** 2).sum(1))]
        found.append([float(part) for part in labels.grid.points(middle[None, ::-1])[0]])
    return found


def staying(run: Path, model: str, clicks: list[list[float]]) -> list[tuple[float, float]]:
    """Wall and processor seconds of each click; the first one starts the process."""
    child, times = Lasting(["refine", str(run), "--listen", "--model", model, "--device", "cpu"]), []
    for number, place in enumerate(clicks):
        content = {"positive": [place], "new": f"Click {number}", "allow_overwrite": True}
        request, told = child.request(content), []
        request.failed.connect(lambda *why, told=told: told.append(why))
        request.finished.connect(told.append)
        before, began = processor_s(child.pid), time.perf_counter()
        request.start()
        while request.poll():
            time.sleep(0.005)
        times.append((time.perf_counter() - began, processor_s(child.pid) - before))
        if not isinstance(told[0], dict):
            sys.exit(" ".join(told[0]))
    child.end(wait_s=5)
    return times


def anew(run: Path, model: str, place: list[float]) -> tuple[float, float]:
    """The same for one click by the command, which starts, answers and measures."""
    point = ",".join(f"{part:.3f}" for part in place)
    command = [sys.executable, "-m", "MultimodalSegLib", "refine", str(run), "--points", point, "--new", "Anew"]
    before, began = psutil.Process().cpu_times(), time.perf_counter()
    command += ["--model", model, "--device", "cpu", "--events", "jsonl"]
    subprocess.run(command, check=True, capture_output=True, env=child_environment({}))
    after = psutil.Process().cpu_times()
    spent = after.children_user + after.children_system - before.children_user - before.children_system
    return time.perf_counter() - began, spent


def processor_s(pid: int | None) -> float:
    """Processor seconds that a process has used; 0 for none."""
    if pid is None:
        return 0.0
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--clicks", type=int, default=5)
    parser.add_argument("--model", default="refine")
    given = parser.parse_args()
    clicks = places(given.run, given.clicks)
    with tempfile.TemporaryDirectory() as folder:
        run = Path(shutil.copytree(given.run, Path(folder) / "run"))
        first, *later = staying(run, given.model, clicks)
        print(f"a process that stays, first click: {first[0]:.2f} s ({first[1]:.2f} s of processor)")
        wall, processor = np.median(later, axis=0)
        print(f"a process that stays, median of {len(later)} more: {wall:.2f} s ({processor:.2f} s of processor)")
        wall, processor = anew(run, given.model, clicks[0])
        print(f"the command, which starts anew: {wall:.2f} s ({processor:.2f} s of processor)")


if __name__ == "__main__":
    main()
