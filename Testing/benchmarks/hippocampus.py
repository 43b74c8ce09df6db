"""The student network on the hippocampus of the Medical Segmentation Decathlon (Task04), trained and scored.

    python Testing/benchmarks/hippocampus.py --data Task04_Hippocampus --run RUN [--steps 3600] [--spacing 1.0]

150 cases train and the others are scored, divided by a fixed seed. Scored is what users get: the bundle through
`segment`, on each image's own grid. Stopped, it goes on. Writes results/hippocampus.json; the data are no part of this
repository (Simpson et al. 2019; Antonelli et al., Nat Commun 13:4128, 2022; CC BY-SA 4.0).
"""

import argparse
import json
import math
import random
import time
from pathlib import Path

import numpy as np

from MultimodalSegLib import Case, load_bundle, read_volume, segment
from MultimodalSegLib.commands.listeners import Terminal
from MultimodalSegLib.evaluation.dice import dice
from MultimodalSegLib.images.io import read_labels
from MultimodalSegLib.machine import usable_processors
from MultimodalSegLib.training.augment.settings import Augmentation
from MultimodalSegLib.training.data.adapters import read_data_set
from MultimodalSegLib.training.export import export
from MultimodalSegLib.training.plan import Plan, Stage
from MultimodalSegLib.training.start import prepare

TRAINING_CASES = 150
SPLIT_SEED = 20
STRIDE = 32
CROP_MM = (44.0, 64.0, 44.0)
"""Holds nearly every image of the set whole; along an array's axes."""
RESULTS = Path(__file__).parent / "results" / "hippocampus.json"


def held_out(names: list[str]) -> tuple[str, ...]:
    """The cases that are scored."""
    order = sorted(names)
    random.Random(SPLIT_SEED).shuffle(order)
    return tuple(sorted(order[: len(order) - TRAINING_CASES]))


def a_plan(data: Path, names: tuple[str, ...], steps: int, spacing: float) -> Plan:
    """The student, one resolution, no mirroring: left and right hippocampus are not told apart but look different."""
    size = tuple(math.ceil(mm / spacing / STRIDE) * STRIDE for mm in CROP_MM)
    return Plan(
        name="hippocampus",
        data=str(data),
        held_out=names,
        network="student",
        stages=(Stage(1.0, spacing, (size,), (1.0,)),),  # type: ignore[arg-type]
        augmentation=Augmentation(mirror_chance=0.0),
        batch=2,
        steps=steps,
        validation_steps=400,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=3600)
    parser.add_argument("--spacing", type=float, default=1.0)
    given = parser.parse_args()
    told = Terminal()
    cases = {case.name: case for case in read_data_set(given.data).labelled}
    names = held_out(list(cases))
    trainer = prepare(a_plan(given.data, names, given.steps, given.spacing), given.run, told)
    trainer.run(told)
    told.close()
    bundle = load_bundle(export(given.run, given.run / "hippocampus").path)

    rows, seconds = [], []
    for name in names:
        case = cases[name]
        begun = time.perf_counter()
        found = segment(Case({"MR": read_volume(next(iter(case.images.values())).path)}), bundle)
        seconds.append(time.perf_counter() - begun)
        scored = dice(found.labels, read_labels(case.label.path), (1, 2))
        rows.append([scored[1], scored[2]])
    scores = np.array(rows)
    result = {
        "training cases": len(cases) - len(names),
        "scored cases": len(names),
        "spacing mm": given.spacing,
        "steps": trainer.step,
        "minutes of training": round(trainer.seconds / 60, 1),
        "anterior": [round(float(x), 4) for x in (scores[:, 0].mean(), scores[:, 0].std(), scores[:, 0].min())],
        "posterior": [round(float(x), 4) for x in (scores[:, 1].mean(), scores[:, 1].std(), scores[:, 1].min())],
        "columns": "mean, standard deviation, least",
        "seconds a case": round(float(np.median(seconds)), 2),
        "processors": usable_processors(),
    }
    known = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    known[f"{given.spacing:g} mm, {trainer.step} steps"] = result
    RESULTS.write_text(json.dumps(known, indent=2) + "\n", encoding="utf-8")
    told.say(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
