"""Whether a network that was pre-trained without labels needs fewer labels than a random one.

    python Testing/benchmarks/pretraining.py --data FOLDER --work FOLDER [--steps 300] [--fine-steps 600]

--data is the hippocampus set of the Medical Segmentation Decathlon (Task04, or its images and labels in two folders).
150 cases, chosen once, are pre-trained on without their labels. Then a network is trained with 8 and with 15 of them (5
and 10 %) and their labels, once from the pre-trained encoder and decoder and once from random weights; all else is the
same: cases, crops, order, steps, and the random start of the outputs. Both learning rates are tried for both. Three
seeds, which also choose the labelled cases. The averaged weights after the last step are scored on all other cases,
which neither training has seen.

Beside that a linear layer is fitted to the features of both networks as they are, before any training with labels
(linear_probe.py), and scored in the same way.

--work keeps the encoder and a line for each run, so that the same command goes on after an interruption; the table is
written anew after each pair. --seeds, --counts and --starts divide the runs among several processes.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import statistics
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from scipy import stats

from MultimodalSegLib.networks.config import NetworkConfig
from MultimodalSegLib.networks.fusion_net import FusionNet
from MultimodalSegLib.training.curves import LOG
from MultimodalSegLib.training.data.adapters import read_data_set
from MultimodalSegLib.training.data.cache import prepare_all
from MultimodalSegLib.training.data.data_set import DataSet, with_classes
from MultimodalSegLib.training.data.description import write_description
from MultimodalSegLib.training.data.prepare import Preparation
from MultimodalSegLib.training.plan import Plan, Stage
from MultimodalSegLib.training.pretraining import start as pretraining
from MultimodalSegLib.training.pretraining.encoder_file import RECORD, read_encoder
from MultimodalSegLib.training.start import prepare
from Testing.benchmarks.linear_probe import dice_of, fitted

RESULTS = Path(__file__).resolve().parent / "results"
TRAINING, SPACING = 150, 1.0
SEEDS, COUNTS, STARTS = (0, 1, 2), (8, 15), ("random", "pre-trained")
RATES = {"fine": 1.5e-3, "gentle": 5e-4}
"""Peaks of the learning rate of fine-tuning: the usual one, and one that leaves more of the start as it is."""

WAYS = {"probe": "With a linear layer on frozen features"} | {
    way: f"After fine-tuning with a learning rate of {rate:g}" for way, rate in RATES.items()
}
NETWORK = {"kind": "fusion", "families": 1, "classes": 3, "widths": [16, 32, 64], "side": False, "lesion": False}
WHOLE = (48, 56, 40)
"""Voxels that hold every case, so that each is answered at once."""

CHOICES = {"batch": 4, "local_crops": 2, "prototypes": 64, "learning_rate": 2e-3, "momentum": 0.98, "log_steps": 20}
"""What differs from the usual pre-training, because it is short and its volumes are small."""

COLUMNS = ("way", "labels", "seed", "start", "anterior", "posterior", "mean", "seconds")


def divided(data_set: DataSet) -> tuple[list[str], list[str]]:
    """Names of the cases to learn from and of those to be scored on."""
    names = sorted(case.name for case in data_set.cases)
    order = np.random.default_rng(4).permutation(len(names))
    return [names[n] for n in order[:TRAINING]], [names[n] for n in order[TRAINING:]]


def encoder(data_set: DataSet, names: list[str], given: argparse.Namespace) -> Path:
    """Pre-train on the images of some cases; their labels are taken away first."""
    out = given.work / "encoder"
    if not (out / RECORD).exists():
        bare = DataSet("images", tuple(replace(case, label=None) for case in data_set.only(names).cases))
        network = {**NETWORK, "stride": 8}
        plan = pretraining.propose(bare, network, spacing=SPACING, steps=given.steps, **CHOICES)
        pretraining.prepare(plan, bare, out).run(lambda event: print(event.done, event.message, flush=True))
    return out


def fine_tuned(
    description: Path, held_out: list[str], seed: int, init: Path | None, way: str, given: argparse.Namespace
) -> dict:
    """Train on the labelled cases of a description, and score the cases held out."""
    plan = Plan(
        name="hippocampus",
        data=str(description),
        held_out=tuple(held_out),
        cache=str(given.work / "prepared"),
        network=NETWORK,
        stages=(Stage(1.0, SPACING, ((32, 48, 32),), (1.0,)),),
        batch=2,
        steps=given.fine_steps,
        learning_rate=RATES[way],
        warm_up_steps=given.fine_steps // 10,
        ema_decay=0.98,
        topology=(),
        init=str(init or ""),
        validation_steps=given.fine_steps,
        checkpoint_steps=given.fine_steps,
        seed=seed,
    )
    out = given.work / "runs" / f"{description.stem}-{STARTS[init is not None]}-{way}"
    began = time.perf_counter()
    trainer = prepare(plan, out)
    trainer.validation.window = WHOLE
    trainer.run()
    last = list(csv.DictReader((out / "validation.csv").open(encoding="utf-8")))[-1]
    scores = [float(value) for name, value in last.items() if name not in ("step", "mean")]
    return {
        "anterior": scores[0],
        "posterior": scores[1],
        "mean": float(last["mean"]),
        "seconds": time.perf_counter() - began,
    }


def probed(description: Path, held_out: list[str], seed: int, init: Path | None, given: argparse.Namespace) -> dict:
    """Fit a linear layer to the features of the labelled cases, and score the cases held out."""
    data_set = with_classes(read_data_set(description))
    cases = prepare_all(data_set, Preparation((SPACING,) * 3, data_set.families), given.work / "prepared").cases
    torch.manual_seed(seed)
    network = FusionNet(NetworkConfig.from_dict({**NETWORK, "stride": 8}))
    if init:
        network.load_state_dict(read_encoder(init)[0], strict=False)
    began, classes = time.perf_counter(), NETWORK["classes"]
    layer = fitted(network, [case for case in cases if case.name not in held_out], classes, seed)
    anterior, posterior = dice_of(network, layer, [case for case in cases if case.name in held_out], classes)
    seconds = time.perf_counter() - began
    return {"anterior": anterior, "posterior": posterior, "mean": (anterior + posterior) / 2, "seconds": seconds}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--fine-steps", type=int, default=600)
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    parser.add_argument("--counts", type=int, nargs="+", default=COUNTS)
    parser.add_argument("--ways", choices=WAYS, nargs="+", default=WAYS)
    parser.add_argument("--starts", choices=STARTS, nargs="+", default=STARTS)
    given = parser.parse_args()
    data_set = with_classes(read_data_set(given.data))
    names, held_out = divided(data_set)
    given.work.mkdir(parents=True, exist_ok=True)
    folder = encoder(data_set, names, given) if STARTS[1] in given.starts else None
    runs = [(way, count, seed) for way in given.ways for count in given.counts for seed in given.seeds]
    for way, count, seed in runs:
        chosen = np.random.default_rng((5, seed)).permutation(names)[:count].tolist()
        description = given.work / f"labels-{count}-seed-{seed}.json"
        write_description(data_set.only([*chosen, *held_out]), description)
        for kind in given.starts:
            path = given.work / f"{description.stem}-{kind}.{way}.json"
            if not path.exists():
                start = folder if kind != "random" else None
                if way == "probe":
                    found = probed(description, held_out, seed, start, given)
                else:
                    found = fine_tuned(description, held_out, seed, start, way, given)
                path.write_text(
                    json.dumps({"way": way, "labels": count, "seed": seed, "start": kind, **found}), encoding="utf-8"
                )
            print(path.read_text(encoding="utf-8"), flush=True)
        rows = [
            json.loads(path.read_text(encoding="utf-8"))
            for way in WAYS
            for path in sorted(given.work.glob(f"*.{way}.json"))
        ]
        if folder and pairs_of(rows):
            write(rows, folder, len(held_out), given)


def pairs_of(rows: list[dict]) -> dict[tuple[str, int, int], list[float]]:
    """Mean Dice of (random, pre-trained) by way, number of labels and seed, where both have been run."""
    by = {(row["way"], row["labels"], row["seed"], row["start"]): row["mean"] for row in rows}
    keys = list(dict.fromkeys((row["way"], row["labels"], row["seed"]) for row in rows))
    return {key: [by[(*key, kind)] for kind in STARTS] for key in keys if all((*key, kind) in by for kind in STARTS)}


def write(rows: list[dict], folder: Path, scored: int, given: argparse.Namespace) -> None:
    """The table as CSV and Markdown."""
    about = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    with (RESULTS / "pretraining.csv").open("w", newline="", encoding="utf-8") as file:
        rows_of = csv.DictWriter(file, COLUMNS)
        rows_of.writeheader()
        rows_of.writerows({**row, **{n: f"{row[n]:.4f}" for n in COLUMNS[4:]}} for row in rows)
    lines = [
        "# Pre-training without labels, then few labels: hippocampus",
        "",
        f"Medical Segmentation Decathlon Task04; {about['volumes']} images for {about['steps']} steps without labels,",
        f"then {given.fine_steps} steps with labels; {scored} other cases are scored. Network of widths "
        f"{', '.join(map(str, NETWORK['widths']))} at {SPACING:g} mm.",
        f"Torch {torch.__version__} on a processor. Mean Dice of anterior and posterior part; paired by seed.",
        "Random and pre-trained start have the same steps, cases and crops; both learning rates are tried for both.",
    ]
    found = pairs_of(rows)
    for way, title in WAYS.items():
        if part := {key[1:]: pair for key, pair in found.items() if key[0] == way}:
            lines += ["", f"## {title}", "", *table(part)]
    lines += ["", "## What was learned without labels", "", *learned(folder, about["pretraining"]["prototypes"])]
    (RESULTS / "pretraining.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))


def learned(folder: Path, prototypes: int) -> list[str]:
    """First and last losses of the pre-training as lines of Markdown."""
    log = list(csv.DictReader((folder / LOG).open(encoding="utf-8")))
    names = {
        "places": "the same place in two views",
        "tokens": "hidden places",
        "views": "whole views of one volume",
        "restoration": "hidden intensities",
    }
    steps = [log[0]["step"], log[-1]["step"]]
    lines = [f"| loss | steps up to {steps[0]} | up to {steps[1]} | chance |", "| --- | ---: | ---: | ---: |"]
    for name, title in names.items():
        chance = 1.0 if name == "restoration" else math.log(prototypes)
        lines.append(f"| {title} | {float(log[0][name]):.2f} | {float(log[-1][name]):.2f} | {chance:.2f} |")
    return lines


def table(found: dict[tuple[int, int], list[float]]) -> list[str]:
    """Pairs by number of labels and seed as lines of Markdown, with means and intervals."""
    lines = [
        "| labelled cases | seed | random start | pre-trained | difference |",
        "| ---: | ---: | ---: | ---: | ---: |",
    ]
    verdicts = []
    for count in sorted({count for count, _ in found}):
        pairs = {seed: pair for (number, seed), pair in found.items() if number == count}
        for seed, (random, trained) in pairs.items():
            lines.append(f"| {count} | {seed} | {random:.3f} | {trained:.3f} | {trained - random:+.3f} |")
        if len(pairs) < 2:
            continue
        means = [statistics.mean(column) for column in zip(*pairs.values(), strict=True)]
        differences = [trained - random for random, trained in pairs.values()]
        average, deviation = statistics.mean(differences), statistics.stdev(differences)
        lines.append(f"| {count} | mean | {means[0]:.3f} | {means[1]:.3f} | {average:+.3f} (SD {deviation:.3f}) |")
        interval = stats.t.interval(0.95, len(pairs) - 1, average, stats.sem(differences))
        verdicts.append(
            f"- {count} labelled cases, {len(pairs)} seeds: 95 % interval of the mean difference "
            f"{interval[0]:+.3f} to {interval[1]:+.3f}."
        )
    return [*lines, "", *verdicts] if verdicts else lines


if __name__ == "__main__":
    main()
