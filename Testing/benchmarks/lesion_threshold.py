"""From which probability on a voxel is called lesion: what each threshold finds and what it invents.

    python Testing/benchmarks/lesion_threshold.py --data FOLDER [--model head] [--patients 4] [--work FOLDER]
        [--out FILE]

FOLDER holds ``head-labels``. Patients are made of the label maps that were never trained on, others than those that
``real/evaluate.py`` scores, each with lesions and without, seen by CT, MRI and both. Of every network output the
lesions are taken at several thresholds, with and without a higher one that a piece has to exceed somewhere. Counted
are the Dice of all lesions of a patient with more than 2 ml of them, what is called lesion away from all true ones,
and what is called lesion in the same patient without any. Results are kept in ``--work`` patient by patient; a
stopped run goes on.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy import ndimage

sys.path.insert(0, str(Path(__file__).resolve().parent / "real"))
from synthetic import LARGE_ML, MODES, draw_patient, seen
from trial import Trial

from MultimodalSegLib import load_bundle
from MultimodalSegLib.evaluation.bootstrap import bootstrap_interval
from MultimodalSegLib.evaluation.dice import LESION, dice
from MultimodalSegLib.images.volume import Volume
from MultimodalSegLib.inference.cleanup import remove_specks
from MultimodalSegLib.inference.predict import labelling_of
from MultimodalSegLib.inference.uncertainty.sampling import Runner
from MultimodalSegLib.inference.upsample import to_reference
from MultimodalSegLib.inference.view import network_view
from MultimodalSegLib.synthesis.anatomy import load_anatomy
from MultimodalSegLib.training.plan import Plan

RULES = ((0.5, 0.5), (0.5, 0.7), (0.5, 0.8), (0.5, 0.9), (0.5, 0.95), (0.4, 0.9), (0.3, 0.9), (0.7, 0.7))
"""Threshold, and what a piece has to exceed somewhere."""

LEAST_ML = 2.0
FIRST = 3000
"""Of the keys that patients are drawn from; ``real/evaluate.py`` draws from others."""

OUT = Path(__file__).resolve().parent / "results" / "lesion_threshold.md"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder that holds head-labels")
    parser.add_argument("--model", default="head")
    parser.add_argument("--patients", type=int, default=3, help="of each label map")
    parser.add_argument("--work", type=Path, default=Path("runs/lesion-threshold"))
    parser.add_argument("--out", type=Path, default=OUT)
    given = parser.parse_args()
    runner = Runner(load_bundle(given.model), torch.device("cuda:0" if torch.cuda.is_available() else "cpu"))
    folder = given.work / runner.bundle.checksum[:12]
    folder.mkdir(parents=True, exist_ok=True)
    rows = list(measured(given.data / "head-labels", given.patients, runner, folder))
    given.out.write_text(page(rows, runner.bundle), encoding="utf-8")
    print(f"Written: {given.out}")


def measured(maps: Path, patients: int, runner: Runner, folder: Path) -> Iterator[dict[str, Any]]:
    """A row for each trial, those of an earlier run from their files."""
    for subject, stem in enumerate(Plan().held_out):
        for seed in range(patients):
            file = folder / f"{stem}-{seed}.json"
            if not file.is_file():
                anatomy = load_anatomy(maps / f"{stem}.nii.gz")
                ill = draw_patient(anatomy, (FIRST, subject, seed), LARGE_ML if seed % 2 == 0 else 0.0)
                both = (ill, replace(ill, lesions=()))
                trials = (trial for patient in both for trial in seen(f"{stem}-{seed}", anatomy, patient, MODES))
                file.write_text(json.dumps([one(trial, runner) for trial in trials]), encoding="utf-8")
            yield from json.loads(file.read_text(encoding="utf-8"))
            print(f"{stem}, patient {seed}: done", flush=True)


def one(trial: Trial, runner: Runner) -> dict[str, Any]:
    """What every threshold finds of one patient in one choice of scans."""
    bundle, grid = runner.bundle, trial.truth.grid
    view = network_view(bundle, trial.volumes)
    logits = runner(view.images, view.family, lambda done, message: None)
    plain = labelling_of(bundle)
    truth = trial.truth.array == LESION
    row: dict[str, Any] = {"mode": trial.more["mode"], "healthy": trial.healthy}
    row["true ml"] = float(truth.sum()) * grid.voxel_ml
    for threshold, peak in RULES:
        labelling = replace(plain, lesion_threshold=threshold, lesion_peak=peak)
        labels, _ = to_reference(logits, view.grid, view.box, grid, labelling, lambda done: None)
        found = remove_specks(Volume(labels, grid), bundle.classes()).array == LESION
        parts, count = ndimage.label(found)
        touching = np.isin(parts, np.setdiff1d(np.unique(parts[truth]), [0])) if count else found
        row[f"{threshold} {peak}"] = {
            "dice": dice(found.astype(np.uint8), truth.astype(np.uint8))[1] if truth.any() else None,
            "away ml": float((found & ~touching).sum()) * grid.voxel_ml,
        }
    return row


def page(rows: Sequence[Mapping[str, Any]], bundle: Any) -> str:
    """The table of all thresholds."""
    lines = [
        "# From which probability on a voxel is called lesion",
        "",
        f"`{bundle.name}` {bundle.version} on made-up patients of label maps that it was never trained on, "
        "with 95 % intervals over patients.",
        "",
        "| scans | threshold | peak | Dice above 2 ml | ml away from lesions | ml in them without lesions |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for mode in MODES:
        here = [row for row in rows if row["mode"] == mode]
        large = [row for row in here if row["true ml"] > LEAST_ML]
        for threshold, peak in RULES:
            rule = f"{threshold} {peak}"
            columns = (
                [row[rule]["dice"] for row in large],
                [row[rule]["away ml"] for row in here if not row["healthy"]],
                [row[rule]["away ml"] for row in here if row["healthy"]],
            )
            lines.append(
                f"| {mode} | {threshold} | {peak} | " + " | ".join(_interval(values) for values in columns) + " |"
            )
    return "\n".join([*lines, ""])


def _interval(values: Sequence[float]) -> str:
    found = bootstrap_interval(list(values))
    return f"{found.mean:.3f} ({found.low:.2f} to {found.high:.2f}, n {len(values)})"


if __name__ == "__main__":
    main()
