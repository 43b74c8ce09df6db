"""Calibrates a model's doubt on made-up patients that it never saw, and checks it on others.

    python Testing/benchmarks/calibration.py --data FOLDER [--model M] [--patients N] [--samples S] [--write]

FOLDER holds the development data; the label maps that training held out are in its ``head-labels``. Each patient costs
S runs of the network and is kept in ``--work``, so that the same command goes on where it was stopped. Half of the
patients fit intervals of volumes and what is typical, the other half checks them; temperatures are cross-validated.
``--write`` puts the result into the model's metadata. Prints seconds per patient; leaves ``results/calibration.json``
and two plots.
"""

import argparse
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from MultimodalSegLib import load_bundle
from MultimodalSegLib.inference.uncertainty.calibration import (
    lesion_reliability,
    lesion_temperature,
    structure_reliability,
    structure_temperature,
)
from MultimodalSegLib.inference.uncertainty.conformal import Conformal, score, spread
from MultimodalSegLib.inference.uncertainty.reliability_plot import write_reliability
from MultimodalSegLib.inference.uncertainty.typical import Typical, composition
from MultimodalSegLib.models.amend import amend
from MultimodalSegLib.models.bundle import Bundle
from Testing.benchmarks.calibration_patients import Patient, gathered

FOLDS = 5


def fit(patients: list[Patient], others: list[Patient], bundle: Bundle) -> dict[str, dict]:
    """The entries of the metadata; the limit of what is typical needs patients that its means were not taken from."""
    scores: dict[str, list[float]] = {}
    for row in _rows(patients, bundle):
        scores.setdefault(row.structure, []).append(score(row.found_ml, row.true_ml, row.spread))
    conformal = Conformal.fitted(scores)
    return {
        "calibration": calibrated(patients + others),
        "conformal": {
            "level": conformal.level,
            "usual": round(conformal.usual, 4),
            "quantiles": {name: round(q, 4) for name, q in conformal.quantiles.items()},
        },
        "typical": Typical.fitted(*([_found(p, bundle) for p in some] for some in (patients, others))).to_dict(),
        "asymmetry": asymmetry_limits(patients + others, bundle),
    }


def calibrated(patients: list[Patient]) -> dict[str, Any]:
    """Temperatures from all patients; errors on patients of whom each fold's temperatures know nothing."""
    folds = [patients[n::FOLDS] for n in range(FOLDS)]
    plain: dict[str, list[np.ndarray]] = {"structures": [], "lesion": []}
    scaled: dict[str, list[np.ndarray]] = {"structures": [], "lesion": []}
    for n, fold in enumerate(folds):
        rest = [p for m, other in enumerate(folds) if m != n for p in other]
        for name, voxels, temperature in KINDS:
            logits = voxels(fold)[0]
            plain[name].append(logits)
            scaled[name].append(logits / temperature(*voxels(rest)))
    entry: dict[str, Any] = {"data": f"{len(patients)} made-up patients, errors cross-validated in {FOLDS} folds"}
    ordered = [p for fold in folds for p in fold]
    for name, voxels, temperature in KINDS:
        prefix = "" if name == "structures" else "lesion_"
        of = structure_reliability if name == "structures" else lesion_reliability
        truth = voxels(ordered)[1]
        before, after = (of(np.concatenate(logits[name]), truth) for logits in (plain, scaled))
        helps = after.error < before.error  # a temperature that does not help others is left out
        entry[f"{prefix}temperature"] = round(temperature(*voxels(patients)), 4) if helps else 1.0
        entry[f"{prefix}ece_before"] = round(before.error, 4)
        entry[f"{prefix}ece_after"] = round(min(before.error, after.error), 4)
        curves = {"before": before} | ({"after": after} if helps else {})
        entry.setdefault("reliability", {})[name] = {when: curve.to_dict() for when, curve in curves.items()}
    return entry


@dataclass(frozen=True)
class Row:
    """One volume of one patient, ml."""

    structure: str
    found_ml: float
    true_ml: float
    spread: float


def _rows(patients: list[Patient], bundle: Bundle) -> list[Row]:
    """Every volume that was there or was found."""
    names, rows = bundle.structure_names(), []
    for patient in patients:
        for value, true_ml in patient.true_ml.items():
            answers = patient.samples_ml[value]
            if true_ml or any(answers):
                rows.append(Row(names[int(value)], answers[0], true_ml, spread(answers)))
    return rows


def coverage(patients: list[Patient], bundle: Bundle, conformal: Conformal) -> dict[str, tuple[float, int]]:
    """By structure, and over all: the share of intervals that hold the true volume, and their number."""
    hits: dict[str, list[bool]] = {"all": []}
    for row in _rows(patients, bundle):
        low, high = conformal.interval(row.structure, row.found_ml, row.spread)
        inside = low - 1e-9 <= row.true_ml <= high + 1e-9
        hits["all"].append(inside)
        hits.setdefault(row.structure, []).append(inside)
    return {name: (round(float(np.mean(some)), 3), len(some)) for name, some in hits.items()}


def halves(patients: list[Patient], rng: np.random.Generator) -> tuple[list[Patient], list[Patient]]:
    """Two random halves with the same sets of modalities."""
    mixed = [patients[n] for n in rng.permutation(len(patients))]
    mixed.sort(key=lambda patient: patient.modalities)
    return mixed[0::2], mixed[1::2]


def repeated_coverage(patients: list[Patient], bundle: Bundle, splits: int = 200) -> dict[str, float]:
    """Coverage over random halves of the patients: mean, and the standard deviation from one half to another."""
    rng, found = np.random.default_rng(0), []
    for _ in range(splits):
        fitted_on, checked = halves(patients, rng)
        scores: dict[str, list[float]] = {}
        for row in _rows(fitted_on, bundle):
            scores.setdefault(row.structure, []).append(score(row.found_ml, row.true_ml, row.spread))
        found.append(coverage(checked, bundle, Conformal.fitted(scores))["all"][0])
    return {"mean": round(float(np.mean(found)), 3), "sd": round(float(np.std(found)), 3), "splits": splits}


def asymmetry_limits(patients: list[Patient], bundle: Bundle) -> dict[str, float]:
    """What 98 of 100 patients stay below, by structure: difference of the true sides as a share of their mean."""
    names, found = {c.name: str(c.value) for c in bundle.classes()}, {}
    for name, left in names.items():
        right = names.get(f"Right {name[5:]}") if name.startswith("Left ") else None
        if right is None:
            continue
        pairs = [(p.true_ml[left], p.true_ml[right]) for p in patients]
        shares = [2 * abs(a - b) / (a + b) for a, b in pairs if min(a, b) > 0]
        if len(shares) >= 10:
            found[name[5:]] = round(max(0.05, float(np.quantile(shares, 0.98))), 3)
    return found


def _found(patient: Patient, bundle: Bundle) -> dict[str, float]:
    """The composition that the unchanged case was found to have."""
    return composition({int(value): answers[0] for value, answers in patient.samples_ml.items()}, bundle)


def _structure_voxels(patients: list[Patient]) -> tuple[np.ndarray, np.ndarray]:
    return (
        np.concatenate([p.logits for p in patients]).astype(np.float64),
        np.concatenate([p.channel for p in patients]).astype(int),
    )


def _lesion_voxels(patients: list[Patient]) -> tuple[np.ndarray, np.ndarray]:
    return (
        np.concatenate([p.lesion_logits for p in patients]).astype(np.float64),
        np.concatenate([p.lesion for p in patients]).astype(bool),
    )


def _named(pair: tuple[float, int]) -> dict[str, float]:
    return {"share": pair[0], "intervals": pair[1]}


KINDS: tuple[tuple[str, Callable[..., tuple[np.ndarray, np.ndarray]], Callable[..., float]], ...] = (
    ("structures", _structure_voxels, structure_temperature),
    ("lesion", _lesion_voxels, lesion_temperature),
)


def draw(patients: list[Patient], entries: dict[str, dict], path: Path, title: str) -> None:
    """The reliability of structures and of lesions, before and after, on all patients."""
    calibration = entries["calibration"]
    for name, of, voxels, warm in (
        ("structures", structure_reliability, _structure_voxels(patients), calibration["temperature"]),
        ("lesion", lesion_reliability, _lesion_voxels(patients), calibration["lesion_temperature"]),
    ):
        curves = {"before": of(*voxels), f"after, T = {warm:.2f}": of(*voxels, warm)}
        write_reliability(curves, path.with_name(f"{path.name}-{name}.png"), f"{title}, {name}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", default="default")
    parser.add_argument("--patients", type=int, default=72)
    parser.add_argument("--samples", type=int, default=8)
    parser.add_argument("--shape", type=int, nargs=3, default=(160, 160, 128), help="voxels (k, j, i) of a patient")
    parser.add_argument("--work", type=Path, default=Path("runs/calibration"))
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "calibration")
    parser.add_argument("--write", action="store_true", help="into the model's metadata")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    bundle = load_bundle(given.model)
    patients = gathered(bundle, given.data, given.work, given.patients, given.samples, tuple(given.shape))
    first, second = halves(patients, np.random.default_rng(0))
    entries = fit(first, second, bundle)
    covered = coverage(second, bundle, Conformal.of(entries))  # type: ignore[arg-type]
    away = [Typical.of(entries).distance(_found(p, bundle)) for p in second]  # type: ignore[union-attr]
    result = {
        "model": f"{bundle.name} {bundle.version}",
        "checksum": bundle.checksum,
        "patients": {"fit": len(first), "check": len(second), "shape": list(given.shape), "samples": given.samples},
        "calibration": entries["calibration"],
        "coverage": {**_named(covered.pop("all")), "over_random_halves": repeated_coverage(patients, bundle)},
        "coverage_by_structure": {name: _named(pair) for name, pair in covered.items()},
        "quantiles": entries["conformal"]["quantiles"],
        "typical": {"limit": entries["typical"]["limit"], "largest_of_known": round(max(away), 3)},
        "asymmetry": entries["asymmetry"],
        "seconds_per_patient": round(float(np.median([p.seconds for p in patients])), 1),
    }
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.with_suffix(".json").write_text(json.dumps(result, indent=1) + "\n")
    draw(patients, entries, given.out, f"{bundle.name} {bundle.version}")
    print(json.dumps(result, indent=1))
    if given.write:
        amend(bundle, entries)
        print(f"written into {bundle.path}")


if __name__ == "__main__":
    main()
