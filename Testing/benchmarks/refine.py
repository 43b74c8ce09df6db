"""How few clicks a lesion needs: simulated clicks on held-out made-up lesions and on real ones.

    python Testing/benchmarks/refine.py --data FOLDER [--model NAME_OR_FOLDER] [--patients 4] [--only SET ...]
        [--lesions 10] [--out FOLDER] [--nninteractive WEIGHTS]

FOLDER holds ``head-labels`` and the sets of real lesions; what is not there is left out. Every connected lesion of at
least 0.05 ml, the largest of a patient first, is a new object: one click where it is thickest, then one where the
largest error is thickest, positive or negative (:mod:`MultimodalSegLib.refinement.clicks`), up to five. Each answer
starts from the one before, through the same function as the program's. ``refine.json`` and ``refine.md`` tell the mean
Dice after 1, 2, 3 and 5 clicks with a bootstrap interval over patients, and processor seconds of an answer. Where the
user has installed nnInteractive and its weights, the same clicks by the same rule are asked of it, on the reference
volume alone (``--nninteractive``, ``--device``); else one line says why not.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from scipy import ndimage

sys.path.insert(0, str(Path(__file__).resolve().parent / "real"))
from lesions import clinical_mr, open_ms, remind, stroke_mr
from nninteractive import Peer, missing

from MultimodalSegLib import Case, align, load_bundle
from MultimodalSegLib.evaluation.bootstrap import bootstrap_interval
from MultimodalSegLib.images.grid import Grid
from MultimodalSegLib.images.volume import Volume
from MultimodalSegLib.refinement.answer import Refiner
from MultimodalSegLib.refinement.clicks import Click, first_click, next_click
from MultimodalSegLib.refinement.prompts import Prompts
from MultimodalSegLib.refinement.scene import click_network, look
from MultimodalSegLib.synthesis.anatomy import load_anatomy
from MultimodalSegLib.synthesis.pair import locate, render, sample_patient, truth
from MultimodalSegLib.training.plan import Plan
from MultimodalSegLib.training.samples import brain_center

CLICKS = (1, 2, 3, 5)
LEAST_ML = 0.05
MODALITIES = (("CT", "MR"), ("CT",), ("MR",), ("FLAIR", "T1"))
"""Of made-up patients, in turn."""

REAL = {"open-ms": open_ms, "remind-022": remind, "stroke-mr": stroke_mr, "clinical-mr": clinical_mr}
MADE_UP = "made-up"


@dataclass(frozen=True)
class Patient:
    """A patient with lesions that are known.

    Args:
        name: to be told.
        volumes: by modality.
        lesions: bool (k, j, i) on the grid of the first volume.
        register: the volumes do not share a space.
    """

    name: str
    volumes: Mapping[str, Volume]
    lesions: np.ndarray
    register: bool = False


def made_up(data: Path, count: int) -> Iterator[Patient]:
    """Patients of label maps that training never saw."""
    for n in range(count * len(Plan().held_out)):
        stem = Plan().held_out[n % len(Plan().held_out)]
        anatomy = load_anatomy(data / f"{stem}.nii.gz")
        origin = brain_center(anatomy) - np.array([63.5, 79.5, 63.5]) * 1.5
        grid = Grid((128, 160, 128), (1.5,) * 3, (float(origin[0]), float(origin[1]), float(origin[2])))
        names = MODALITIES[n % len(MODALITIES)]
        patient = sample_patient(np.random.default_rng((77, n)), anatomy, names, lesion_chance=1.0)
        codes, lesions = locate(anatomy, patient, grid)
        volumes = {name: render(codes, lesions, patient, grid, name) for name in names}
        kind = patient.lesions[0].kind if patient.lesions else "none"
        yield Patient(f"{stem} {n} {'+'.join(names)} {kind}", volumes, truth(codes, lesions, patient).lesion)


def real(data: Path, name: str) -> Iterator[Patient]:
    """The patients of a set of real lesions, with all their sequences."""
    for trial in REAL[name](data):
        if name == "open-ms" and len(trial.volumes) == 1:
            continue
        yield Patient(f"{name} {trial.name}", trial.volumes, trial.truth.array > 0, trial.register)


def objects(lesions: np.ndarray, voxel_ml: float, most: int) -> list[np.ndarray]:
    """Each connected lesion that is large enough, the largest first."""
    parts, _ = ndimage.label(lesions, np.ones((3, 3, 3)))
    sizes = np.bincount(parts.ravel())[1:] * voxel_ml
    order = [int(n) + 1 for n in np.argsort(-sizes) if sizes[n] >= LEAST_ML]
    return [parts == n for n in order[:most]]


def clicked(refiner: Refiner | Peer, target: np.ndarray) -> tuple[dict[int, float], list[float]]:
    """Dice after so many clicks, and processor seconds of each answer."""
    affine = refiner.reference.affine
    positive: list[np.ndarray] = []
    negative: list[np.ndarray] = []
    mask, scores, seconds = np.zeros_like(target), {}, []
    click: Click | None = first_click(target)
    for number in range(1, max(CLICKS) + 1):
        if click is not None:
            place = (affine @ [*click.point[::-1], 1.0])[:3]
            (positive if click.positive else negative).append(place)
            began = time.process_time()
            mask = refiner.answer(Prompts(np.array(positive), np.array(negative)), mask).mask
            seconds.append(time.process_time() - began)
            click = next_click(target, mask)
        if number in CLICKS:
            scores[number] = 2 * float((mask & target).sum()) / float(mask.sum() + target.sum())
    return scores, seconds


def measure(
    patients: Iterator[Patient], model: str, most: int, peer: Peer | None = None
) -> dict[str, dict[str, object]]:
    """Every lesion of every patient."""
    bundle = load_bundle(model)
    network, rows = click_network(bundle), {}
    for patient in patients:
        aligned = align(Case(patient.volumes), "rigid" if patient.register else "none")
        targets = objects(patient.lesions, aligned.grid.voxel_ml, most)
        if not targets:
            continue
        began = time.process_time()
        scene = look(bundle, network, aligned.volumes, torch.device("cpu"))
        looking = time.process_time() - began
        refiner = Refiner(network, scene, aligned.grid, torch.device("cpu"))
        found = [clicked(refiner, target) for target in targets]
        rows[patient.name] = {
            "lesions": len(targets),
            "ml": [float(target.sum()) * aligned.grid.voxel_ml for target in targets],
            "dice": {str(n): [scores[n] for scores, _ in found] for n in CLICKS},
            "looking": looking,
            "answering": [second for _, seconds in found for second in seconds],
        }
        if peer is not None:
            peer.look(aligned.volumes[aligned.reference])
            scores = [clicked(peer, target)[0] for target in targets]
            rows[patient.name]["nnInteractive"] = {str(n): [one[n] for one in scores] for n in CLICKS}
        means = "  ".join(f"{n}: {np.mean([scores[n] for scores, _ in found]):.3f}" for n in CLICKS)
        print(f"{patient.name}: {len(targets)} lesions, Dice by clicks {means}", flush=True)
    return rows


def markdown(results: Mapping[str, Mapping[str, Mapping[str, object]]], model: str) -> str:
    """The table."""
    lines = [
        f"# Clicks that a lesion needs: model {model}",
        "",
        "Simulated clicks (the protocol is in `Testing/benchmarks/refine.py`). Mean Dice over patients after so many "
        "clicks, with a bootstrap interval of 95 % where there are two patients or more; processor seconds of one "
        "answer, median and largest.",
        "",
        f"| set | patients | lesions | {' | '.join(map(str, CLICKS))} | s |",
        f"| --- | ---: | ---: | {' | '.join('---:' for _ in CLICKS)} | ---: |",
    ]
    for name, rows in results.items():
        if not rows:
            continue
        cells = [
            str(bootstrap_interval([float(np.mean(row["dice"][str(n)])) for row in rows.values()]))  # type: ignore[index]
            for n in CLICKS
        ]
        spent = np.concatenate([row["answering"] for row in rows.values()])  # type: ignore[misc]
        lesions = sum(row["lesions"] for row in rows.values())  # type: ignore[misc]
        times = f"{np.median(spent):.2f} / {spent.max():.2f}"
        lines.append(f"| {name} | {len(rows)} | {lesions} | {' | '.join(cells)} | {times} |")
        peers = [row["nnInteractive"] for row in rows.values() if "nnInteractive" in row]
        if peers:
            cells = [str(bootstrap_interval([float(np.mean(one[str(n)])) for one in peers])) for n in CLICKS]  # type: ignore[index]
            lines.append(f"| {name}, nnInteractive | {len(peers)} | {lesions} | {' | '.join(cells)} | |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", default="refine")
    parser.add_argument("--patients", type=int, default=4, help="made-up patients of each held-out label map")
    parser.add_argument("--lesions", type=int, default=10, help="of each patient, the largest first")
    parser.add_argument("--only", nargs="*", default=[MADE_UP, *REAL])
    parser.add_argument("--out", type=Path, default=Path(__file__).resolve().parent / "results")
    parser.add_argument("--nninteractive", type=Path, help="folder of nnInteractive's weights, to compare with")
    parser.add_argument("--device", default="cpu", help="for nnInteractive")
    given = parser.parse_args()
    why_not = missing(given.nninteractive)
    print(f"nnInteractive is left out: {why_not}." if why_not else "nnInteractive is asked too.", flush=True)
    peer = None if why_not else Peer(given.nninteractive, given.device)
    bundle = load_bundle(given.model)
    file = given.out / "refine.json"
    kept = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    results = kept["results"] if kept.get("checksum") == bundle.checksum else {}
    for name in given.only:
        folder = given.data / ("head-labels" if name == MADE_UP else name)
        if folder.is_dir():
            patients = made_up(folder, given.patients) if name == MADE_UP else real(folder, name)
            results[name] = measure(patients, given.model, given.lesions, peer)
            given.out.mkdir(parents=True, exist_ok=True)
            told = {"model": f"{bundle.name} {bundle.version}", "checksum": bundle.checksum, "results": results}
            file.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
            (given.out / "refine.md").write_text(markdown(results, told["model"]), encoding="utf-8")


if __name__ == "__main__":
    main()
