"""What the ablation found: a CSV row for each finished run, one for each scored case, and the table that is read."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from ablation_variants import VARIANTS

from MultimodalSegLib.evaluation.bootstrap import bootstrap_interval
from MultimodalSegLib.training.data.description import write_text

Row = dict[str, Any]

RUN_FIELDS = (
    "set",
    "variant",
    "seed",
    "steps",
    "samples",
    "parameters",
    "seconds",
    "processor_seconds",
    "score_seconds",
    "cases",
    "dice",
)
CASE_FIELDS = ("set", "variant", "seed", "steps", "case", "structure", "dice")
KEY = RUN_FIELDS[:4]


def read_rows(path: Path) -> list[Row]:
    """The rows of a table with numbers as numbers; none if it is not there."""
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return [{name: _number(value) for name, value in row.items()} for row in csv.DictReader(file)]


def write_rows(rows: Sequence[Mapping[str, Any]], fields: Sequence[str], path: Path) -> None:
    """A table, never half there."""
    text = io.StringIO()
    writer = csv.DictWriter(text, fields, lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    write_text(path, text.getvalue())


def key(row: Mapping[str, Any]) -> tuple[str, str, int, int]:
    """What tells a run from the others."""
    return str(row["set"]), str(row["variant"]), int(row["seed"]), int(row["steps"])


def add_run(row: Row, runs: Path, cases: Path) -> None:
    """Add a finished run to both tables, instead of an older row of the same run."""
    same = {name: row[name] for name in KEY}
    scored = [
        same | {"case": case, "structure": name, "dice": "" if math.isnan(score) else round(score, 4)}
        for case, found in row["scores"].items()
        for name, score in found.items()
    ]
    for path, fields, new in ((cases, CASE_FIELDS, scored), (runs, RUN_FIELDS, [row])):
        kept = [old for old in read_rows(path) if key(old) != key(row)]
        write_rows([*kept, *new], fields, path)


def table(runs: Sequence[Row], cases: Sequence[Row], set_name: str, steps: int) -> str:
    """Markdown of one set and budget: mean Dice over seeds, and the difference to the row that each is compared with.

    Args:
        runs: rows of runs.
        cases: rows of cases.
        set_name: which set.
        steps: which budget.
    """
    own = [row for row in runs if row["set"] == set_name and row["steps"] == steps]
    scores = [row for row in cases if row["set"] == set_name and row["steps"] == steps]
    structures = list(dict.fromkeys(str(row["structure"]) for row in scores))
    head = [
        "variant",
        "seeds",
        "Dice (SD of seeds)",
        *structures,
        "difference (95 % interval)",
        "M parameters",
        "processor s",
    ]
    lines = ["| " + " | ".join(head) + " |", "| --- |" + " ---: |" * (len(head) - 1)]
    for name, variant in VARIANTS.items():
        mine = [row for row in own if row["variant"] == name]
        if not mine:
            continue
        dice = np.array([row["dice"] for row in mine])
        spread = f" ({dice.std(ddof=1):.3f})" if len(dice) > 1 else ""
        parts = [
            f"{_mean(r['dice'] for r in scores if r['variant'] == name and r['structure'] == s):.3f}"
            for s in structures
        ]
        seconds = _mean(row["processor_seconds"] for row in mine)
        cells = [variant.title, str(len(mine)), f"{dice.mean():.3f}{spread}", *parts]
        cells += [difference(scores, name, variant.against), f"{mine[0]['parameters'] / 1e6:.1f}", f"{seconds:.0f}"]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def difference(scores: Sequence[Row], name: str, other: str) -> str:
    """Mean difference to another variant over the cases, averaged over structures and the seeds that both have."""
    if name == other:
        return "-"
    seeds = [{row["seed"] for row in scores if row["variant"] == v} for v in (name, other)]
    common = seeds[0] & seeds[1]
    if not common:
        return "not run yet"
    mine, theirs = (_by_case(scores, v, common) for v in (name, other))
    found = bootstrap_interval([mine[case] - theirs[case] for case in sorted(mine)])
    return f"{found.mean:+.3f} ({found.low:+.3f} to {found.high:+.3f}) to {VARIANTS[other].title.split(',')[0]}"


def _by_case(scores: Sequence[Row], name: str, seeds: set[int]) -> dict[str, float]:
    rows = [row for row in scores if row["variant"] == name and row["seed"] in seeds]
    return {c: _mean(row["dice"] for row in rows if row["case"] == c) for c in {str(row["case"]) for row in rows}}


def _mean(values: Any) -> float:
    known = [value for value in values if value != ""]
    return float(np.mean(known)) if known else math.nan


def _number(text: str) -> Any:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
