"""Seconds of ``explain`` (Grad-CAM of all lesions at once) and of ``report`` after a run of the demo case.

    python Testing/benchmarks/explanation_speed.py [--models default head-student] [--labels LABEL_MAP]
        [--structure "left hippocampus"] [--threads 2] [--work FOLDER] [--out results/explanation_speed]

Each command is a process of its own, as a user starts it. A model that finds no lesion explains a structure instead,
which the table says. ``stage`` is the command's own work, as ``run.json`` has it; ``process`` adds the start of Python
and the reading of the run; CPU seconds are those of the process on all cores, and say more on a busy machine. With
--labels, a whole-head label map, the case is a made-up head of its grid, CT and T1, in place of the demo case.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from segment_speed import NAMES, write_head

from MultimodalSegLib.commands.demo_case import DemoCase
from MultimodalSegLib.machine import usable_processors, versions

TARGETS_S = {"explain": 10.0, "report": 5.0}


@dataclass(frozen=True)
class Row:
    """One command.

    Args:
        model: name and version.
        command: ``"explain"`` or ``"report"``.
        maps: what was explained.
        stage_s: of the command's own work.
        process_s: of the process.
        cpu_s: likewise, of all cores.
        target_s: for the work.
    """

    model: str
    command: str
    maps: str
    stage_s: float
    process_s: float
    cpu_s: float
    target_s: float


def rows_of(model: str, volumes: list[str], place: Path, given: argparse.Namespace) -> list[Row]:
    """Run, explain and report with one model."""
    run, threads = place / "run", ["--threads", str(given.threads)]
    if not (run / "run.json").is_file():
        timed("segment", *volumes, "--model", model, *threads, "--overwrite", "--out", str(run))
        print(f"{model}: segmented in {sum(record(run)['seconds'].values()):.1f} s", flush=True)
    plain = ["--no-faithfulness", *threads]
    told, wall, cpu = timed("explain", str(run), *plain, accept=2)
    if not told:
        told, wall, cpu = timed("explain", str(run), "--class", given.structure, *plain)
    stems = [name.partition(".")[0] for name in told["maps"]]
    maps = f"all lesions at once and {len(stems) - 1} one by one" if stems[0] == "lesion" else stems[0]
    known = record(run)
    name = f"{known['model']['name']} {known['model']['version']}"
    rows = [row(name, "explain", maps, known["seconds"], wall, cpu)]
    _, wall, cpu = timed("report", str(run))
    return [*rows, row(name, "report", maps, record(run)["seconds"], wall, cpu)]


def row(model: str, command: str, maps: str, seconds: dict[str, float], wall: float, cpu: float) -> Row:
    return Row(model, command, maps, round(seconds[command], 2), round(wall, 2), round(cpu, 2), TARGETS_S[command])


def record(run: Path) -> dict[str, Any]:
    """The record of a run."""
    found: dict[str, Any] = json.loads((run / "run.json").read_text(encoding="utf-8"))
    return found


def timed(*words: str, accept: int = 0) -> tuple[dict[str, Any], float, float]:
    """Result of a command, its seconds and its CPU seconds; an empty result where it ends with the code ``accept``."""
    command = [sys.executable, "-W", "ignore", "-m", "MultimodalSegLib", *words, "--events", "jsonl"]
    began, before = time.perf_counter(), os.times()
    ended = subprocess.run(command, capture_output=True, text=True)
    wall, after = time.perf_counter() - began, os.times()
    if ended.returncode not in (0, accept):
        sys.exit(f"{' '.join(words)}: {ended.stdout[-500:]} {ended.stderr[-2000:]}")
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return json.loads(ended.stdout.splitlines()[-1]).get("result", {}), wall, cpu


def write(rows: list[Row], out: Path, case: str, threads: int) -> None:
    """A CSV and a Markdown table."""
    names = [field.name for field in fields(Row)]
    with out.with_suffix(".csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, names)
        table.writeheader()
        table.writerows(asdict(row) for row in rows)
    known = versions()
    head = f"{case}; {threads} threads; torch {known['torch']}, Python {known['python']}."
    lines = ["# Speed of `explain` and `report`", "", head, "", "| " + " | ".join(names) + " |"]
    lines += ["| --- " * len(names) + "|"]
    lines += ["| " + " | ".join(str(value) for value in asdict(row).values()) + " |" for row in rows]
    out.with_suffix(".md").write_text("\n".join(lines) + "\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=["default", "head-student"])
    parser.add_argument("--labels", type=Path, help="whole-head label map to make a head of")
    parser.add_argument("--structure", default="left hippocampus", help="explained where no lesion was found")
    parser.add_argument("--threads", type=int, default=usable_processors())
    parser.add_argument("--work", type=Path, help="folder for the runs; one that is there is not made again")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results/explanation_speed")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place = given.work or Path(folder)
        place.mkdir(parents=True, exist_ok=True)
        if given.labels:
            write_head(given.labels, place)
            files, case = {name: place / f"{name}.nrrd" for name in NAMES}, "A made-up head of 1 mm, CT and T1"
            more = ["--registration", "none"]
        else:
            shipped = DemoCase.load("synthetic")
            files, case, more = dict(shipped.volumes), "The demo case", ["--reference", shipped.reference]
        volumes = [word for name, file in files.items() for word in (f"--{name.lower()}", str(file))] + more
        rows = []
        for model in given.models:
            rows += rows_of(model, volumes, place / model, given)
            print(json.dumps([asdict(row) for row in rows[-2:]]), flush=True)
            write(rows, given.out, case, given.threads)


if __name__ == "__main__":
    main()
