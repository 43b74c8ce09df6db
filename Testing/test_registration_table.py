"""The page of the registration benchmark names the command that made it, threads included."""

import csv
import json
import runpy
import shutil
from pathlib import Path

import numpy as np

BENCHMARKS = Path(__file__).parent / "benchmarks"
STORED = BENCHMARKS / "results/registration"


def test_the_page_tells_the_threads_it_was_made_with_in_its_command() -> None:
    table = runpy.run_path(str(BENCHMARKS / "registration/table.py"))
    with (STORED / "result.csv").open(newline="", encoding="utf-8") as file:
        text = ("group", "pair", "program", "failed")
        found = [
            {name: cell if name in text else float(cell) for name, cell in row.items()} for row in csv.DictReader(file)
        ]
    rows = [table["Row"](**row) for row in found]
    stored = (STORED / "result.md").read_text(encoding="utf-8").splitlines()
    for threads in (1, 2):
        (command,) = [line for line in table["summary"](rows, threads, "result").splitlines() if "run.py" in line]
        assert f"--threads {threads} " in command and (command in stored) == (threads == 1)
    assert "Rigid, 1 thread," in "\n".join(stored)


def test_pairs_that_were_run_elsewhere_stay_in_the_table(tmp_path: Path) -> None:
    table = runpy.run_path(str(BENCHMARKS / "registration/table.py"))
    known = np.eye(4)
    known[0, 3] = 5.0
    for name in ("pair-1", "pair-2"):
        place = tmp_path / "work" / name
        place.mkdir(parents=True)
        about = {"group": "made up", "judged": "truth", "known": known.tolist()}
        (place / "pair.json").write_text(json.dumps(about), encoding="utf-8")
        np.save(place / "points.npy", np.random.default_rng(0).uniform(-50, 50, (9, 3)))
    results = {"seconds": 2.0, "cpu_seconds": 1.0, "peak_mb": 3.0, "failed": ""}

    def ran(name: str, program: str, shift: float) -> None:
        matrix = known.copy()
        matrix[1, 3] = shift
        file = tmp_path / "work" / name / f"{program}.json"
        file.write_text(json.dumps({**results, "matrix": matrix.tolist()}), encoding="utf-8")

    ran("pair-1", "ours", 1.0)
    ran("pair-2", "ours", 2.0)
    out = tmp_path / "result"
    table["write_results"](tmp_path / "work", out, 1)
    shutil.rmtree(tmp_path / "work" / "pair-2")
    ran("pair-1", "ours", 0.5)
    ran("pair-1", "greedy", 3.0)
    table["write_results"](tmp_path / "work", out, 1)
    with out.with_suffix(".csv").open(newline="", encoding="utf-8") as file:
        found = {(row["pair"], row["program"]): float(row["median_mm"]) for row in csv.DictReader(file)}
    assert found == {("pair-1", "ours"): 0.5, ("pair-1", "greedy"): 3.0, ("pair-2", "ours"): 2.0}
    assert "| made up | ours | 2 | 1.25 |" in out.with_suffix(".md").read_text(encoding="utf-8")
