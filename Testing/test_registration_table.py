"""The page of the registration benchmark names the command that made it, threads included."""

import csv
import runpy
from pathlib import Path

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
