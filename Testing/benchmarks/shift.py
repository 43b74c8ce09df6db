"""How the models of the ablation do on images of another scanner: Dice against the degree of a change, as curves.

    python Testing/benchmarks/shift.py --work FOLDER [--only full unet ...] [--seeds 0] [--cases 6] [--steps 600]

--work is the folder of ``ablation.py``, whose trained models are taken as they are. Stopped, the same command goes on.
Writes results/shift.csv and, for each set, results/shift-SET-networks.png and results/shift-SET-parts.png.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from ablation_run import Run
from ablation_score import Change, case_means, scored, unchanged
from ablation_table import read_rows, write_rows
from ablation_variants import FULL, STUDENT, VARIANTS
from shift_changes import SHIFTS, Volumes

from MultimodalSegLib import load_bundle
from MultimodalSegLib.models.bundle import Bundle
from MultimodalSegLib.training.data.data_set import DataSet
from MultimodalSegLib.training.data.description import read_description

RESULTS = Path(__file__).resolve().parent / "results"
FIELDS = ("set", "variant", "seed", "steps", "shift", "degree", "cases", "dice")
NETWORKS = (FULL, STUDENT, *(name for name, variant in VARIANTS.items() if isinstance(variant.network, dict)))
PARTS = (FULL, *(name for name in VARIANTS if name.startswith(("no-", "mean-")) and name != "no-distillation"))
PICTURES = {"networks": NETWORKS, "parts": PARTS}

COLORS = ("#000000", "#E69F00", "#56B4E9", "#009E73", "#D55E00", "#0072B2", "#CC79A7", "#999999")
"""Okabe and Ito's, which the color-blind can tell apart; markers tell the same."""
MARKERS = "osDv^<>P"

Row = dict[str, Any]


def found_runs(work: Path, only: Sequence[str], seeds: Sequence[int], steps: int) -> list[Run]:
    """Runs whose models are there."""
    sets = sorted(path.parent.name for path in work.glob("*/test.json"))
    runs = [Run(name, variant, seed, steps) for name in sets for variant in only for seed in seeds]
    return [run for run in runs if run.bundle(work).is_dir()]


def measured(run: Run, data_set: DataSet, work: Path, cases: int, known: set[tuple[Any, ...]]) -> Iterator[Row]:
    """Rows of one model that are not known yet; the volumes as they are, are segmented once."""
    bundle = load_bundle(run.bundle(work))
    pairs = len(data_set.modalities) > 1
    plain: float | None = None
    for name, shift in SHIFTS.items():
        for degree in shift.degrees if pairs or not shift.pairs_only else ():
            row = {"set": run.set_name, "variant": run.variant, "seed": run.seed, "steps": run.steps}
            row |= {"shift": name, "degree": degree, "cases": min(cases, len(data_set.cases))}
            if tuple(row.values()) in known:
                continue
            if degree != shift.degrees[0]:
                dice = mean_dice_of(bundle, data_set, cases, partial(changed, shift.apply, degree))
            else:
                dice = plain = mean_dice_of(bundle, data_set, cases, unchanged) if plain is None else plain
            yield {**row, "dice": round(dice, 4)}


def mean_dice_of(bundle: Bundle, data_set: DataSet, cases: int, change: Change) -> float:
    """Mean over structures and cases."""
    means = case_means(scored(bundle, data_set, change=change, most=cases))
    return float(np.mean(list(means.values())))


def changed(apply: Callable[[Volumes, float, int], Volumes], degree: float, volumes: Volumes, number: int) -> Volumes:
    return apply(volumes, degree, number)


def draw(rows: Sequence[Row], set_name: str, variants: Sequence[str], path: Path) -> None:
    """A panel for each kind of change, a line for each variant: mean over seeds, with a band of one SD."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    own = [row for row in rows if row["set"] == set_name and row["variant"] in variants]
    shifts = [name for name in SHIFTS if any(row["shift"] == name for row in own)]
    columns = math.ceil(len(shifts) / 2)
    figure, axes = plt.subplots(2, columns, figsize=(4 * columns, 7), sharey=True, squeeze=False, layout="constrained")
    for axis, name in zip(axes.flat, shifts, strict=False):
        for variant, color, marker in zip(variants, COLORS, MARKERS, strict=False):
            points = [row for row in own if row["shift"] == name and row["variant"] == variant]
            degrees = sorted({row["degree"] for row in points})
            if not degrees:
                continue
            dice = [[row["dice"] for row in points if row["degree"] == degree] for degree in degrees]
            mean, spread = np.array([np.mean(d) for d in dice]), np.array([np.std(d) for d in dice])
            style = "" if SHIFTS[name].names else "-"
            axis.plot(degrees, mean, style + marker, color=color, label=VARIANTS[variant].title, markersize=5)
            if style:
                axis.fill_between(degrees, mean - spread, mean + spread, color=color, alpha=0.15, linewidth=0)
        axis.set(xlabel=SHIFTS[name].title)
        if SHIFTS[name].names:
            axis.set_xticks(SHIFTS[name].degrees, SHIFTS[name].names)
            axis.margins(x=0.2)
        axis.grid(alpha=0.3)
    axes[0, 0].set_ylabel("mean Dice")
    axes[1, 0].set_ylabel("mean Dice")
    for axis in axes.flat[len(shifts) :]:
        axis.set_axis_off()
    lines, names = axes[0, 0].get_legend_handles_labels()
    figure.legend(lines, names, loc="outside lower center", ncols=columns, frameon=False)
    count = max(row["cases"] for row in own)
    seeds = len({row["seed"] for row in own})
    figure.suptitle(f"{set_name}: {own[0]['steps']} training steps, {count} test cases, {seeds} seed(s)")
    figure.savefig(path, dpi=90)
    plt.close(figure)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--only", nargs="+", default=list(VARIANTS), choices=list(VARIANTS), metavar="VARIANT")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--cases", type=int, default=6)
    parser.add_argument("--out", type=Path, default=RESULTS)
    given = parser.parse_args()
    table = given.out / "shift.csv"
    for run in found_runs(given.work, given.only, given.seeds, given.steps):
        data_set = read_description(given.work / run.set_name / "test.json")
        known = {tuple(row[name] for name in FIELDS[:-1]) for row in read_rows(table)}
        for row in measured(run, data_set, given.work, given.cases, known):
            write_rows([*read_rows(table), row], FIELDS, table)
            print(", ".join(f"{name} {value}" for name, value in row.items()), flush=True)
    rows = [row for row in read_rows(table) if row["steps"] == given.steps and row["cases"]]
    for set_name in sorted({row["set"] for row in rows}):
        for picture, variants in PICTURES.items():
            if len({row["variant"] for row in rows if row["set"] == set_name and row["variant"] in variants}) > 1:
                draw(rows, set_name, variants, given.out / f"shift-{set_name}-{picture}.png")


if __name__ == "__main__":
    main()
