"""Made-up pairs of label maps that training never saw, with exact truth: CT alone, MRI alone, both."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from trial import BRAIN, LESIONS, MEAN, Trial

from MultimodalSegLib.evaluation.bootstrap import bootstrap_interval, bootstrap_statistic, ratio
from MultimodalSegLib.evaluation.dice import GROUPS, mean_dice
from MultimodalSegLib.evaluation.fusion_gain import cross_modality_error, fusion_gain
from MultimodalSegLib.evaluation.presence import auc_interval
from MultimodalSegLib.evaluation.structures import SIXTEEN, structures
from MultimodalSegLib.images.grid import Grid
from MultimodalSegLib.images.volume import Volume
from MultimodalSegLib.synthesis.anatomy import Anatomy, load_anatomy
from MultimodalSegLib.synthesis.lesions import Lesion
from MultimodalSegLib.synthesis.pair import Patient, label_values, locate, render, sample_patient, truth
from MultimodalSegLib.training.plan import Plan
from MultimodalSegLib.training.samples import brain_center

PAIR = ("CT", "MR")
MODES = ("CT + MR", "CT", "MR")
SPACING, SIZE = 1.2, (160, 200, 180)  # mm; voxels along i, j, k
LARGE_ML, ATTEMPTS = 4.0, 50
ALL = "mean of all structures"
SCORED = {**BRAIN, **structures(), **{f"group: {name}": values for name, values in GROUPS.items()}, **LESIONS}
CLASS_GROUPS = tuple(name for name in SCORED if name.startswith("group: "))


def synthetic(data: Path, patients: int) -> Iterator[Trial]:
    """Every patient once with lesions, seen by CT, MRI and both, and once without, seen by both.

    Every other patient, the first included, has a lesion that is not small; the others have any.
    """
    for subject, stem in enumerate(Plan().held_out):
        anatomy = load_anatomy(data / f"{stem}.nii.gz")
        for seed in range(patients):
            patient = draw_patient(anatomy, (1000, subject, seed), LARGE_ML if seed % 2 == 0 else 0.0)
            healthy = replace(patient, lesions=())
            name = f"{stem.rsplit('_', 1)[-1]}-{seed}"
            yield from seen(name, anatomy, patient, MODES)
            yield from seen(name, anatomy, healthy, MODES[:1])


def draw_patient(anatomy: Anatomy, key: tuple[int, ...], least_ml: float) -> Patient:
    """The first patient drawn from a key whose largest lesion has a volume and is seen by some scan.

    No scan is cut off: a structure that only one modality covers would pass for one that only it shows.
    """
    for attempt in range(ATTEMPTS):
        rng = np.random.default_rng((*key, attempt))
        patient = sample_patient(rng, anatomy, PAIR, lesion_chance=1.0, strip_chance=0.0)
        seen = any(value is not None for scan in patient.scans.values() for value in scan.appearance.lesion.values())
        if seen and max((_ml(lesion) for lesion in patient.lesions), default=0.0) >= least_ml:
            break
    whole = {
        name: replace(scan, acquisition=replace(scan.acquisition, view=np.zeros((3, 2))))
        for name, scan in patient.scans.items()
    }
    return replace(patient, scans=whole)


def _ml(lesion: Lesion) -> float:
    """Volume of a lesion's ellipsoid."""
    return 4 / 3 * math.pi / abs(float(np.linalg.det(lesion.axes))) / 1000


def seen(name: str, anatomy: Anatomy, patient: Patient, modes: Sequence[str]) -> Iterator[Trial]:
    middle = (np.asarray(SIZE) - 1) / 2 * SPACING
    x, y, z = (float(value) for value in brain_center(anatomy) - middle)
    grid = Grid(SIZE, (SPACING,) * 3, (x, y, z))
    codes, lesions = locate(anatomy, patient, grid)
    volumes = {modality: render(codes, lesions, patient, grid, modality) for modality in PAIR}
    answer = Volume(label_values(truth(codes, lesions, patient)), grid)
    for mode in modes:
        healthy = not patient.lesions
        yield Trial(
            f"{name} {mode}{', no lesion' if healthy else ''}",
            {modality: volumes[modality] for modality in mode.split(" + ")},
            answer,
            SCORED,
            (),
            healthy=healthy,
            synthetic=True,
            more={"patient": name, "mode": mode, "kind": "" if healthy else patient.lesions[0].kind},
        )


def figures(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Means over patients with intervals, what fusion gains, and how well presence of a lesion is told.

    Patients of one label map share its anatomy: intervals draw label maps, then patients of each.

    Args:
        rows: measured trials of :func:`synthetic`, patients in the same order for every mode.
    """
    by_mode = {mode: [r for r in rows if r["mode"] == mode and not r["healthy"]] for mode in MODES}
    groups = {row["patient"]: _anatomy(row["patient"]) for row in rows}
    drawn_first = [groups[row["patient"]] for row in by_mode["CT"]]
    tables = {mode: [_scores(row) for row in found] for mode, found in by_mode.items()}
    names = (ALL, *(name for name in SCORED if name != "lesion"), MEAN)
    result: dict[str, Any] = {
        "dice": {
            mode: {name: vars(bootstrap_interval([t[name] for t in table], groups=drawn_first)) for name in names}
            for mode, table in tables.items()
        },
        "lesions above 2 ml": {mode: _each_lesion(found) for mode, found in by_mode.items()},
        "fusion gain": {},
    }
    for name in (ALL, MEAN, *CLASS_GROUPS):
        alone = {mode: [t[name] for t in tables[mode]] for mode in PAIR}
        gain = fusion_gain([t[name] for t in tables["CT + MR"]], alone, groups=drawn_first)
        result["fusion gain"][name] = vars(gain.gain) | {"over": gain.better}
    ct, mr = ({name: result["dice"][mode][name]["mean"] for name in SIXTEEN} for mode in PAIR)
    result["cross-modality error"] = cross_modality_error(ct, mr)
    pairs = [row for row in rows if row["mode"] == "CT + MR" and row["lesion"]["presence"] is not None]
    result["lesion presence AUC"] = vars(
        auc_interval(
            [row["lesion"]["presence"] for row in pairs],
            [row["lesion"]["true ml"] > 0 for row in pairs],
            [row["patient"] for row in pairs],
            groups=groups,
        )
    )
    numbers = {"patients": len(by_mode["CT"]), "anatomies": len(set(drawn_first))}
    return result | numbers | {"no lesion": sum(bool(row["healthy"]) for row in rows)}


def _scores(row: Mapping[str, Any]) -> dict[str, float]:
    """Dice by name; the mean of all structures without groups and lesion."""
    dice = {name: math.nan if value is None else value for name, value in row["dice"].items()}
    return dice | {ALL: mean_dice({name: dice[name] for name in structures()})}


def _each_lesion(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Mean Dice of the lesions above 2 ml, each; the lesions of a patient are drawn together. Counts lesions."""
    some = [row for row in rows if row["lesion"]["above 2 ml"]]
    dice = [[dice for _, dice in row["lesion"]["above 2 ml"]] for row in some]
    mean = ratio(np.array([sum(part) for part in dice]), np.array([len(part) for part in dice]))
    found = bootstrap_statistic(len(some), mean, groups=[_anatomy(row["patient"]) for row in some])
    return vars(found) | {"count": sum(map(len, dice))}


def _anatomy(patient: str) -> str:
    """The label map of which a made-up patient was made."""
    return patient.rsplit("-", 1)[0]
