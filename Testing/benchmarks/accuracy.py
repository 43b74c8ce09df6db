"""How well a model segments volumes it never saw: real ones with some kind of truth, and held-out synthetic pairs.

    python Testing/benchmarks/accuracy.py --data FOLDER [--model NAME_OR_FOLDER] [--only NAME ...] [--out FILE.json]

FOLDER holds the development data (``seeg-brain``, ``head-ct``, ``templates``, ``head-labels``, ...); parts that are not
there are left out. Prints one line per case and writes everything as JSON.
"""

import argparse
import json
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from scipy import ndimage

from MultimodalSegLib import Case, load_bundle, read_volume, segment
from MultimodalSegLib.evaluation.dice import GROUPS, WHOLE_BRAIN, group_dice
from MultimodalSegLib.images.grid import Grid
from MultimodalSegLib.images.io import read_labels
from MultimodalSegLib.images.resample import resample
from MultimodalSegLib.images.volume import Volume
from MultimodalSegLib.inference.segmentation import Segmentation
from MultimodalSegLib.models.bundle import Bundle
from MultimodalSegLib.synthesis.anatomy import load_anatomy
from MultimodalSegLib.synthesis.pair import label_values, locate, render, sample_patient, truth
from MultimodalSegLib.training.plan import Plan
from MultimodalSegLib.training.samples import brain_center

BRAIN_GROUPS = {"whole brain": WHOLE_BRAIN, **{k: v for k, v in GROUPS.items() if k != "bone"}}
PATIENTS_PER_MAP = 2


def scores(found: Segmentation, answer: Volume, groups: dict) -> dict[str, float]:
    return {name: round(value, 3) for name, value in group_dice(found.labels, answer, groups).items()}


def seeg_brain(model: Bundle, data: Path) -> Iterator[tuple[str, dict]]:
    """Skull-stripped T1 against FreeSurfer's automatic labels."""
    found = segment(Case({"T1": read_volume(data / "seeg-brain/seeg_brain.nii.gz")}), model)
    yield "seeg-brain T1", scores(found, read_labels(data / "seeg-brain/seeg_aseg.nii.gz"), BRAIN_GROUPS)


def head_ct(model: Bundle, data: Path) -> Iterator[tuple[str, dict]]:
    """Real CT: bone against HU > 300 inside the head, everything in the skull against the space that bone encloses."""
    ct = read_volume(data / "head-ct/head_ct_ge_untilted_0.98x0.98x2mm.nii.gz")
    found = segment(Case({"CT": ct}), model)
    head = ndimage.binary_opening(ct.array > -300, iterations=3)
    parts, _ = ndimage.label(head)
    head = ndimage.binary_fill_holes(parts == np.bincount(parts.ravel())[1:].argmax() + 1)
    bone = (ct.array > 300) & ndimage.binary_dilation(head, iterations=2)
    answer = ct.with_array(np.where(bone, 515, 0).astype(np.int32))
    yield "head-ct CT", scores(found, answer, {"bone": GROUPS["bone"]}) | present(found)


def icbm(model: Bundle, data: Path) -> Iterator[tuple[str, dict]]:
    """T1 template against its white matter probability above one half."""
    folder = data / "templates"
    found = segment(Case({"T1": read_volume(folder / "mni_icbm152_t1_tal_nlin_sym_09a_converted.nii.gz")}), model)
    probability = read_volume(folder / "mni_icbm152_wm_tal_nlin_sym_09a_converted.nii.gz")
    white = resample(probability, found.labels.grid).array > 0.5 * float(probability.array.max())
    answer = found.labels.with_array(np.where(white, 2, 0).astype(np.int32))
    values = {"white matter": frozenset(GROUPS["white matter"] | {7, 46, 16})}
    yield "icbm152 T1", scores(found, answer, values) | present(found)


def remind(model: Bundle, data: Path) -> Iterator[tuple[str, dict]]:
    """T1 after contrast agent, and T2, of one patient with a glioma; there is no truth but a small tumor mask."""
    for name, file in (("T1C", "ReMIND-022_T1post"), ("T2", "ReMIND-022_T2SPACE")):
        yield (
            f"remind-022 {name}",
            present(segment(Case({name: read_volume(data / f"remind-022/{file}.nii.gz")}), model)),
        )


def synthetic(model: Bundle, data: Path) -> Iterator[tuple[str, dict]]:
    """Pairs made from the label maps that training never saw, at 1.2 mm."""
    gathered: dict[str, list[dict]] = {"CT+MR": [], "CT": [], "MR": []}
    for stem in Plan().held_out:
        anatomy = load_anatomy(data / f"head-labels/{stem}.nii.gz")
        for seed in range(PATIENTS_PER_MAP):
            patient = sample_patient(np.random.default_rng(1000 + seed), anatomy, ("CT", "MR"), strip_chance=0.0)
            origin = brain_center(anatomy) - np.array([79.5, 99.5, 89.5]) * 1.2
            grid = Grid((160, 200, 180), (1.2,) * 3, tuple(float(x) for x in origin))
            codes, lesions = locate(anatomy, patient, grid)
            volumes = {name: render(codes, lesions, patient, grid, name) for name in ("CT", "MR")}
            answer = Volume(label_values(truth(codes, lesions, patient)), grid)
            groups = {**BRAIN_GROUPS, "bone": GROUPS["bone"], "lesion": frozenset({99})}
            for names in gathered:
                found = segment(Case({n: volumes[n] for n in names.split("+")}), model)
                gathered[names].append(group_dice(found.labels, answer, groups))
    for names, rows in gathered.items():
        yield (
            f"synthetic {names}",
            {key: round(float(np.nanmean([row[key] for row in rows])), 3) for key in rows[0]},
        )


def present(found: Segmentation) -> dict[str, float]:
    """Volumes in ml where there is nothing to compare with."""
    array, unit = found.labels.array, found.labels.grid.voxel_ml
    brain = float(np.isin(array, list(WHOLE_BRAIN)).sum() * unit)
    return {"brain ml": round(brain), "lesion ml": round(float((array == 99).sum() * unit), 1)}


CASES = {f.__name__.replace("_", "-"): f for f in (seeg_brain, head_ct, icbm, remind, synthetic)}
FOLDERS = {"icbm": "templates", "remind": "remind-022", "synthetic": "head-labels"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", default="default")
    parser.add_argument("--only", nargs="*", default=list(CASES), choices=CASES)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    model = load_bundle(given.model)
    results = {}
    for name in given.only:
        if not (given.data / FOLDERS.get(name, name)).is_dir():
            print(f"{name}: no data")
            continue
        start = time.perf_counter()
        for case, row in CASES[name](model, given.data):
            results[case] = row
            print(
                f"{case:16}",
                "  ".join(f"{k} {v}" for k, v in row.items()),
                f"({time.perf_counter() - start:.1f} s)",
                flush=True,
            )
    if given.out:
        given.out.write_text(
            json.dumps({"model": f"{model.name} {model.version}", "results": results}, indent=1) + "\n"
        )


if __name__ == "__main__":
    main()
