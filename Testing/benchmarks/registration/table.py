"""Errors of every pair and program from the kept results, as CSV, Markdown and a plot."""

from __future__ import annotations

import csv
import json
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np

FAILED_MM = 5.0
COLORS = {"ours": "#0072B2", "elastix": "#D55E00", "ANTs": "#009E73", "greedy": "#CC79A7"}
MARKERS = {"ours": "o", "elastix": "s", "ANTs": "^", "greedy": "D"}
COMMAND = (
    "`python Testing/benchmarks/registration/run.py --maps HEAD_LABELS --far --data DATA --pairs 40 --threads {} "
    "--out ...`"
)
HEADS = ("set", "program", "pairs", "median mm", "worst mm", "failures", "wall s", "CPU s", "memory MB")


@dataclass(frozen=True)
class Row:
    """One pair by one program; errors in mm over the points of the pair, ``median_mm`` above 5 is a failure."""

    group: str
    pair: str
    program: str
    start_mm: float
    median_mm: float
    worst_mm: float
    seconds: float
    cpu_seconds: float
    peak_mb: float
    failed: str


@dataclass(frozen=True)
class Kept:
    """A pair's description, points (n, 3) and results by program."""

    name: str
    group: str
    judged: str
    known: np.ndarray
    points: np.ndarray
    results: dict[str, dict]

    def matrix(self, program: str) -> np.ndarray:
        return np.array(self.results[program]["matrix"])

    @classmethod
    def read(cls, place: Path) -> Kept:
        entry = json.loads((place / "pair.json").read_text(encoding="utf-8"))
        results = {
            f.stem: json.loads(f.read_text(encoding="utf-8")) for f in place.glob("*.json") if f.name != "pair.json"
        }
        points = np.load(place / "points.npy")
        return cls(place.name, entry["group"], entry["judged"], np.array(entry["known"]), points, results)


def write_results(work: Path, out: Path, threads: int) -> None:
    """``out`` with the endings .csv, .md and .png; rows of the .csv that ``work`` does not have stay."""
    rows = list(rows_of([Kept.read(file.parent) for file in sorted(work.glob("*/pair.json"))]))
    rows = sorted([*rows, *_rows_before(out.with_suffix(".csv"), rows)], key=lambda row: (row.group, row.pair))
    out.parent.mkdir(parents=True, exist_ok=True)
    with out.with_suffix(".csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, [field.name for field in fields(Row)])
        table.writeheader()
        table.writerows({k: round(v, 3) if isinstance(v, float) else v for k, v in asdict(row).items()} for row in rows)
    out.with_suffix(".md").write_text(summary(rows, threads, out.name), encoding="utf-8")
    plot(rows, out.with_suffix(".png"))


def _rows_before(file: Path, rows: Sequence[Row]) -> list[Row]:
    """Rows of an earlier table that are not among the new ones."""
    if not file.is_file():
        return []
    new = {(row.pair, row.program) for row in rows}
    with file.open(newline="", encoding="utf-8") as text:
        found = [
            Row(
                **{
                    field.name: row[field.name] if field.type == "str" else float(row[field.name])
                    for field in fields(Row)
                }
            )
            for row in csv.DictReader(text)
        ]
    return [row for row in found if (row.pair, row.program) not in new]


def rows_of(pairs: Sequence[Kept]) -> Iterator[Row]:
    """What each program did, judged as the pair says."""
    for pair in pairs:
        for program, result in pair.results.items():
            error = _errors(pair, program, [other for other in pairs if other.group == pair.group])
            if error is None:
                continue
            start = np.linalg.norm(_apply(np.eye(4), pair.points) - _apply(pair.known, pair.points), axis=1)
            yield Row(
                pair.group,
                pair.name,
                program,
                float(np.median(start)),
                float(np.median(error)),
                float(error.max()),
                result["seconds"],
                result["cpu_seconds"],
                result["peak_mb"],
                result["failed"],
            )


def _errors(pair: Kept, program: str, group: Sequence[Kept]) -> np.ndarray | None:
    """Distances (n,) in mm at the points of a pair; None if results are missing with which it is compared."""
    found = pair.matrix(program)
    others = [other for other in group if program in other.results]
    if pair.judged == "truth":
        return np.linalg.norm(_apply(found, pair.points) - _apply(pair.known, pair.points), axis=1)
    if pair.judged == "round trip":
        back = [other for other in others if other.name != pair.name]
        return (
            None
            if not back
            else np.linalg.norm(_apply(back[0].matrix(program) @ found, pair.points) - pair.points, axis=1)
        )
    undone = {other.name: _apply(np.linalg.inv(other.known) @ other.matrix(program), pair.points) for other in others}
    mine = undone.pop(pair.name)
    return np.mean([np.linalg.norm(mine - one, axis=1) for one in undone.values()], axis=0) if undone else None


def _apply(matrix: np.ndarray, points: np.ndarray) -> np.ndarray:
    return points @ matrix[:3, :3].T + matrix[:3, 3]


def summary(rows: Sequence[Row], threads: int, name: str) -> str:
    """A Markdown page: one line a set and program, and the picture of a name."""
    lines = [
        "# Registration of the same pairs by four programs",
        "",
        f"Rigid, {threads} thread{'s' * (threads != 1)}, a process each. Errors are medians over pairs of the median "
        f"over points, and the largest of all; a median above {FAILED_MM:.0f} mm or no result is a failure. Seconds "
        "are medians, without imports and files; memory is the highest peak of the process. Synthetic: against the "
        "truth. Templates: known motions undone, against the program's other results, mean. ReMIND: there and back. "
        "CT-PET: against the headers of one scanner, breathing included. The numbers of pairs say how much has been "
        "run so far. Wall seconds count whatever else the computer did meanwhile; compare processor seconds.",
        "",
        COMMAND.format(threads),
        "",
        f"![Median error and processor seconds of every pair by set and program]({name}.png)",
        "",
        "| " + " | ".join(HEADS) + " |",
        "| --- " * len(HEADS) + "|",
    ]
    for group in dict.fromkeys(row.group for row in rows):
        for program in COLORS:
            some = [row for row in rows if (row.group, row.program) == (group, program)]
            if some:
                lines.append("| " + " | ".join([group, program, *_cells(some)]) + " |")
    return "\n".join(lines) + "\n"


def _cells(rows: Sequence[Row]) -> list[str]:
    done = [row for row in rows if not row.failed]
    failures = sum(bool(row.failed) or row.median_mm > FAILED_MM for row in rows)
    middle = statistics.median(row.median_mm for row in done) if done else float("nan")
    worst = max((row.worst_mm for row in done), default=float("nan"))
    wall, cpu = (statistics.median(getattr(row, name) for row in rows) for name in ("seconds", "cpu_seconds"))
    peak = max(row.peak_mb for row in rows)
    return [str(len(rows)), f"{middle:.2f}", f"{worst:.2f}", str(failures), f"{wall:.1f}", f"{cpu:.1f}", f"{peak:.0f}"]


def plot(rows: Sequence[Row], file: Path) -> None:
    """Error and processor time of every pair, by set and program, on logarithmic axes."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    from matplotlib.ticker import LogFormatter

    groups = list(dict.fromkeys(row.group for row in rows))
    figure, axes = plt.subplots(1, 2, figsize=(11, 1.2 + 0.9 * len(groups)), sharey=True, layout="constrained")
    shift = {program: 0.3 - 0.2 * number for number, program in enumerate(COLORS)}
    for axis, name, label in zip(
        axes, ("median_mm", "cpu_seconds"), ("median error, mm", "processor seconds"), strict=True
    ):
        for program, color in COLORS.items():
            some = [row for row in rows if row.program == program and not row.failed]
            height = [len(groups) - 1 - groups.index(row.group) + shift[program] for row in some]
            values = [max(0.005, getattr(row, name)) for row in some]
            if not some:
                continue
            axis.scatter(values, height, s=26, color=color, marker=MARKERS[program], alpha=0.8, label=program)
        axis.set(xscale="log", xlabel=label)
        axis.xaxis.set_major_formatter("{x:g}")
        axis.xaxis.set_minor_formatter(LogFormatter(minor_thresholds=(1.5, 0.6)))
        axis.grid(axis="x", alpha=0.3)
        axis.set_ylim(-0.5, len(groups) - 0.5)
        for line in range(len(groups) - 1):
            axis.axhline(line + 0.5, color="0.85", linewidth=0.8)
    axes[0].axvline(FAILED_MM, color="0.3", linestyle="--", linewidth=1, label=f"{FAILED_MM:.0f} mm: failure")
    axes[0].set_yticks(range(len(groups)), groups[::-1])
    figure.legend(
        *axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=len(COLORS) + 1, frameon=False
    )
    figure.savefig(file, dpi=110)
    plt.close(figure)
