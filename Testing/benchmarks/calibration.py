"""Calibrates a model's doubt on made-up patients that it never saw, and checks it on others.

    python Testing/benchmarks/calibration.py --data FOLDER [--model M] [--patients N] [--samples S] [--whole] [--write]

FOLDER holds the development data; the label maps that training held out are in its ``head-labels``. Each patient costs
S runs of the network and is kept in ``--work``, so that the same command goes on where it was stopped. Quantiles of
intervals and scalings of probabilities are fitted to all patients; what is told of them (coverage, calibration errors)
is measured on each label map with quantiles and scalings fitted to the other label maps. ``--write`` puts the result
into the model's metadata. Prints seconds per patient; leaves ``results/calibration.json`` and three plots.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import torch

from MultimodalSegLib import load_bundle
from MultimodalSegLib.inference.uncertainty.calibration import Reliability
from MultimodalSegLib.inference.uncertainty.conformal import LEVEL
from MultimodalSegLib.inference.uncertainty.reliability_plot import write_reliability
from MultimodalSegLib.inference.uncertainty.typical import Typical, composition
from MultimodalSegLib.models.amend import amend
from MultimodalSegLib.models.bundle import Bundle
from Testing.benchmarks.calibration_intervals import by_map, conformal_entry, left_out, rows_of, together
from Testing.benchmarks.calibration_patients import Patient, gathered
from Testing.benchmarks.calibration_probabilities import SUSPECTS, calibration_entry

PLOTS = {"structures": "structures", "lesion": "lesion", SUSPECTS: "lesion-suspect"}


def fit(patients: list[Patient], bundle: Bundle, samples: int) -> dict[str, dict]:
    """The entries of the metadata; the limit of what is typical needs patients that its means were not taken from."""
    known, others = halves(patients, np.random.default_rng(0))
    return {
        "calibration": calibration_entry(patients),
        "conformal": conformal_entry(patients, bundle, samples),
        "typical": Typical.fitted(*([_found(p, bundle) for p in some] for some in (known, others))).to_dict(),
        "asymmetry": asymmetry_limits(patients, bundle),
    }


def halves(patients: list[Patient], rng: np.random.Generator) -> tuple[list[Patient], list[Patient]]:
    """Two random halves with the same sets of modalities."""
    mixed = [patients[n] for n in rng.permutation(len(patients))]
    mixed.sort(key=lambda patient: patient.modalities)
    return mixed[0::2], mixed[1::2]


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


def coverage(patients: list[Patient], bundle: Bundle, samples: int) -> dict[str, object]:
    """Of all intervals, and of those of each label map, which the quantiles have not seen."""
    names = bundle.structure_names()
    groups = {name: [rows_of(patient, names) for patient in some] for name, some in by_map(patients).items()}
    maps = together(left_out(groups, samples), 0)
    hits = [hit for one in maps.values() for hit in one.hits]
    return {
        "wanted": LEVEL,
        "share": round(float(np.mean(hits)), 3),
        "intervals": len(hits),
        "by_label_map": {name: one.to_dict() for name, one in maps.items()},
    }


def _found(patient: Patient, bundle: Bundle) -> dict[str, float]:
    return composition({int(value): ml for value, ml in patient.found_ml.items()}, bundle)


def draw(entry: dict, path: Path, title: str) -> None:
    """The reliability of structures and of lesions before and after, on label maps left out of the fit."""
    for name, ending in PLOTS.items():
        read = {when: Reliability.from_dict(curve) for when, curve in entry["reliability"][name].items()}
        write_reliability(read, path.with_name(f"{path.name}-{ending}.png"), f"{title}, {name}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", default="default")
    parser.add_argument("--patients", type=int, default=72)
    parser.add_argument("--samples", type=int, default=8)
    parser.add_argument("--shape", type=int, nargs=3, default=(160, 160, 128), help="voxels (k, j, i) of a patient")
    parser.add_argument("--whole", action="store_true", help="whole heads in place of --shape; about 3 times slower")
    parser.add_argument("--work", type=Path, default=Path("runs/calibration"))
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "calibration")
    parser.add_argument("--write", action="store_true", help="into the model's metadata")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    bundle = load_bundle(given.model)
    shape = None if given.whole else tuple(given.shape)
    patients = gathered(bundle, given.data, given.work, given.patients, given.samples, shape)
    entries = fit(patients, bundle, given.samples)
    _known, others = halves(patients, np.random.default_rng(0))
    away = [Typical.of(entries).distance(_found(p, bundle)) for p in others]  # type: ignore[union-attr]
    result = {
        "model": f"{bundle.name} {bundle.version}",
        "checksum": bundle.checksum,
        "patients": {"count": len(patients), "shape": list(shape or ()) or "whole", "samples": given.samples},
        "calibration": entries["calibration"],
        "coverage": coverage(patients, bundle, given.samples),
        "coverage_by_structure": entries["conformal"]["coverage"],
        "quantiles": entries["conformal"]["quantiles"],
        "typical": {"limit": entries["typical"]["limit"], "largest_of_known": round(max(away), 3)},
        "asymmetry": entries["asymmetry"],
        "seconds_per_patient": round(float(np.median([p.seconds for p in patients])), 1),
    }
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.with_suffix(".json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    draw(entries["calibration"], given.out, f"{bundle.name} {bundle.version}")
    print(json.dumps(result, indent=1))
    if given.write:
        amend(bundle, entries)
        print(f"written into {bundle.path}")


if __name__ == "__main__":
    main()
