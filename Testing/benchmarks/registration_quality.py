"""Fit and check the estimate of a registration's error (``MultimodalSegLib/registration/reliability.py``).

    python Testing/benchmarks/registration_quality.py LABEL_MAPS --cases FOLDER [--part 0 2] [--write]

Draws patients from SynthSeg's training label maps, judges six alignments of each (four are the truth moved by known
amounts, two are where the optimiser ends from far away), and keeps what was measured in FOLDER, a file a patient: done
again, it goes on. ``--part 0 2`` does every other patient. With all patients there, the model is fitted to those of
the training maps and checked on those of the held-out ones; ``--write`` puts it into ``Resources/registration`` and
the figures into ``results/``. ``--only-fit`` draws no more patients.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
from registration_pairs import alignments, draw_pair, pyramids
from registration_quality_fit import check, fit, picture, table

from MultimodalSegLib.evaluation.registration_error import registration_error
from MultimodalSegLib.registration.restarts import restart
from MultimodalSegLib.resources import resource
from MultimodalSegLib.synthesis.anatomy import load_anatomy
from MultimodalSegLib.training.plan import Plan

TRAINING_SEEDS, TEST_SEEDS = 2, 12
RESULTS = Path(__file__).parent / "results"

Job = tuple[str, str, int, tuple[str, str]]


def jobs(data: Path) -> list[Job]:
    """Use, label map, seed and modalities of each patient; every third map of the fit gives two MRI."""
    held_out = Plan().held_out
    others = sorted(f.name[:15] for f in data.glob("training_seg_*.nii.gz") if f.name[:15] not in held_out)
    pairs = [("T1", "T2") if number % 3 == 2 else ("CT", "MR") for number in range(len(others))]
    found: list[Job] = []
    for seed in range(TEST_SEEDS):
        found += [("test", stem, seed, ("CT", "MR")) for stem in held_out]
        if seed < TRAINING_SEEDS:
            found += [("train", stem, seed, pair) for stem, pair in zip(others, pairs, strict=True)]
    return found


def one_patient(data: Path, job: Job) -> dict[str, Any]:
    """Six alignments of a patient: true error (mm), what restarts found, processor seconds."""
    _, stem, seed, names = job
    key = (int(stem[-2:]), seed)
    fixed, moving, truth = draw_pair(load_anatomy(data / f"{stem}.nii.gz"), key, names)
    here, there = pyramids(fixed, moving, names)
    rows = []
    for kind, transform in alignments(here, there, truth, np.random.default_rng((78, *key))):
        mean, most = registration_error(transform, truth, here.head)
        began = time.process_time()
        found = restart(here, there, transform)
        rows.append(
            {
                "kind": kind,
                "mean": mean,
                "max": most,
                "apart": found.apart.round(3).tolist(),
                "information": found.information.round(4).tolist(),
                "overlap": found.head_overlap,
                "cpu": time.process_time() - began,
            }
        )
    return {"names": names, "rows": rows}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--cases", type=Path, required=True)
    parser.add_argument("--part", type=int, nargs=2, default=(0, 1))
    parser.add_argument("--only-fit", action="store_true")
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    arguments.cases.mkdir(parents=True, exist_ok=True)
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    mine = [] if arguments.only_fit else jobs(arguments.data)[arguments.part[0] :: arguments.part[1]]
    for job in mine:
        file = arguments.cases / f"{job[0]}-{job[1][-2:]}-{job[2]}.json"
        if not file.exists():
            file.write_text(json.dumps(one_patient(arguments.data, job)), encoding="utf-8")
            print(file.name, flush=True)
    patients = {f.stem: json.loads(f.read_text("utf-8")) for f in sorted(arguments.cases.glob("t*-*.json"))}
    training = [entry for name, entry in patients.items() if name.startswith("train")]
    test = [entry for name, entry in patients.items() if name.startswith("test")]
    model = fit(training)
    model["checked"] = check(model, test)
    print(json.dumps(model, indent=2))
    if arguments.write:
        target = resource("registration/reliability.json")
        target.parent.mkdir(exist_ok=True)
        target.write_text(json.dumps(model, indent=2) + "\n", encoding="utf-8")
        (RESULTS / "registration_quality.md").write_text(table(model), encoding="utf-8")
        picture(model, test, RESULTS / "registration_quality.png")


if __name__ == "__main__":
    main()
