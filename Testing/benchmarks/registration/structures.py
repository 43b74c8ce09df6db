"""Registration on the structures that the network finds in each volume alone, beside the library's own.

    python Testing/benchmarks/registration/structures.py HEAD_LABELS [--data DATA] [--pairs 2] [--model head]
        [--sets near far slab far-slab CT-MR T1-T2 T1-FLAIR remind templates] [--work runs/registration-structures]
        [--out Testing/benchmarks/results/registration/structures]

near, far: synthetic CT and MRI of ``run.py``; slab, far-slab: the same, of the MRI only 60 mm, slices of 4 to 5 mm.
CT-MR, T1-T2: the bent pairs of ``bent.py``; T1-FLAIR: a real one of DATA/open-ms, in one space, the T1 bent.
remind, templates: real scans and templates of ``run.py``; what is judged is how well a known motion is undone.
Results are kept one by one: a run that was stopped goes on where it was. Processor seconds of one thread.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import real_pairs
import SimpleITK as sitk
import torch
from bent import CONTRASTS, judge
from bent_pairs import BentPair, bent_pair, bent_volume
from by_structures import bent_by_structures, by_middles, by_structures
from motions import perturbations
from pairs import Made, moved
from predicted import Predicted
from structures_page import page
from synthetic_pairs import slab, synthetic

from MultimodalSegLib.errors import RegistrationError
from MultimodalSegLib.images.io import read_volume
from MultimodalSegLib.images.resample import map_points
from MultimodalSegLib.images.volume import Volume
from MultimodalSegLib.models.bundle import Bundle, load_bundle
from MultimodalSegLib.registration.bend import bend
from MultimodalSegLib.registration.pyramid import build_pyramid
from MultimodalSegLib.registration.register import register
from MultimodalSegLib.training.plan import Plan

MADE_UP, REAL = ("near", "far", "slab", "far-slab"), ("remind", "templates")
RIGID, BENT = (*MADE_UP, *REAL), ("CT-MR", "T1-T2", "T1-FLAIR")
SHARES = {"structures": 1.0, "MIND + structures": 0.3}
"""Methods of a B-spline, with the part of the structures in what is compared."""

Names = tuple[str, str]
Results = dict[str, dict[str, float | list[float]]]


@dataclass(frozen=True)
class Work:
    """What a call asks for.

    Args:
        maps: folder of the held-out label maps.
        data: folder of real volumes, or None.
        bundle: the model that segments.
        results: where they are kept.
    """

    maps: Path
    data: Path | None
    bundle: Bundle
    results: Path

    def structures(self, fixed: Volume, moving: Volume, names: Names) -> tuple[Predicted, Predicted]:
        return Predicted.of(fixed, names[0], self.bundle), Predicted.of(moving, names[1], self.bundle)


def rigid_pair(work: Work, kind: str, number: int) -> tuple[Made, Names]:
    """A pair of one of the sets :data:`RIGID`."""
    if kind in MADE_UP:
        *_, pair = synthetic(work.maps, number + 1, far="far" in kind)
        fixed, moving, motion, points = pair.make()
        return (fixed, slab(moving) if "slab" in kind else moving, motion, points), pair.modalities
    assert work.data is not None
    if kind == "templates":
        *_, pair = real_pairs.templates(work.data / kind, number + 1)
        return pair.make(), pair.modalities
    pair = next(real_pairs.remind(work.data / "remind-022"))
    fixed, moving, _, points = pair.make()
    motion = perturbations(number + 1, moving.grid.corners.mean(axis=0))[number]
    return (fixed, moved(moving, motion), motion, points), pair.modalities


def rigid(work: Work, kind: str, number: int) -> Results:
    """Each method's points in the moving volume's own space, and, where there is a truth, its errors (mm)."""
    (fixed, moving, motion, points), names = rigid_pair(work, kind, number)
    before, kept = np.linalg.inv(motion), Results()
    real = kind in REAL

    def keep(name: str, find: Callable[[], sitk.Transform]) -> sitk.Transform | None:
        began = time.process_time()
        try:
            found = find()
        except RegistrationError:
            kept[name] = {"cpu": time.process_time() - began, "median": 1000.0, "worst": 1000.0}
            return None
        kept[name] = {"cpu": time.process_time() - began}
        home = map_points(found, points) @ before[:3, :3].T + before[:3, 3]
        apart = np.linalg.norm(home - points, axis=1)
        kept[name] |= {"home": home[:50].ravel().tolist()} if real else {}
        kept[name] |= {} if real else {"median": float(np.median(apart)), "worst": float(apart.max())}
        return found

    modalities = {"fixed_modality": names[0], "moving_modality": names[1]}
    keep("mutual information", lambda: register(fixed, moving, **modalities).transform)
    began = time.process_time()
    found = work.structures(fixed, moving, names)
    kept["segmentation"] = {"cpu": time.process_time() - began}
    keep("middles", lambda: by_middles(*found))
    start = keep("structures", lambda: by_structures(*found))
    keep("structures, then mutual information", lambda: register(fixed, moving, initial=start, **modalities).transform)
    return kept


def bent(work: Work, kind: str, number: int) -> Results:
    """Errors (mm) of each method on a pair of one of the sets :data:`BENT`."""
    pair, affine, names = bent_scans(work, kind, number)
    began = time.process_time()
    found = work.structures(pair.fixed, pair.moving, names)
    kept: Results = {
        "segmentation": {"cpu": time.process_time() - began},
        "affine": {"cpu": 0.0, **judge(pair, affine)},
    }

    def pyramids() -> tuple:
        return build_pyramid(pair.fixed, names[0]), build_pyramid(pair.moving, names[1])

    def mind() -> sitk.Transform:
        spline, _ = bend(*pyramids(), affine, pair.fixed.grid, observe=lambda level: lambda number, value: None)
        return sitk.CompositeTransform([affine, spline])

    methods: dict[str, Callable[[], sitk.Transform]] = {"MIND": mind}
    for name, share in SHARES.items():
        methods[name] = lambda share=share: bent_by_structures(pyramids(), found, affine, pair.fixed.grid, share)
    for name, method in methods.items():
        began = time.process_time()
        transform = method()
        kept[name] = {"cpu": time.process_time() - began, **judge(pair, transform)}
    return kept


def bent_scans(work: Work, kind: str, number: int) -> tuple[BentPair, sitk.Transform, Names]:
    """A bent pair, the affine transform from which all methods start, and its modalities."""
    if kind == "T1-FLAIR":
        assert work.data is not None
        folder = sorted((work.data / "open-ms").iterdir())[number % 2]
        t1, flair = (read_volume(folder / f"{name}.nii.gz") for name in ("T1", "FLAIR"))
        return bent_volume(t1, flair, "T1", number), sitk.AffineTransform(3), ("T1", "FLAIR")
    stems, names = Plan().held_out, CONTRASTS[kind]
    pair = bent_pair(work.maps / f"{stems[number % len(stems)]}.nii.gz", 100 + number, names)
    modalities = {"fixed_modality": names[0], "moving_modality": names[1]}
    return pair, register(pair.fixed, pair.moving, "affine", **modalities).transform, names


def asked(given: argparse.Namespace) -> Iterator[tuple[str, int]]:
    """Sets and numbers of the pairs of a call, one of each set first."""
    for number in range(given.pairs):
        for kind in given.sets:
            yield kind, number


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("maps", type=Path, help="folder of label maps of heads")
    parser.add_argument("--data", type=Path, help="folder of real volumes, for T1-FLAIR, remind and templates")
    parser.add_argument("--pairs", type=int, default=2, help="of each set")
    parser.add_argument("--sets", nargs="+", default=[*MADE_UP, "CT-MR", "T1-T2"], choices=RIGID + BENT)
    parser.add_argument("--model", default="head")
    parser.add_argument("--work", type=Path, default=Path("runs/registration-structures"))
    parser.add_argument("--out", type=Path, help="page without ending .md")
    given = parser.parse_args()
    real = [name for name in given.sets if name in (*REAL, "T1-FLAIR")]
    if real and given.data is None:
        parser.error(f"{', '.join(real)} need --data, the folder of real volumes")
    torch.set_num_threads(1)
    work = Work(given.maps, given.data, load_bundle(given.model), given.work)
    for kind, number in asked(given):
        file = given.work / f"{kind}-{number:02d}.json"
        if not file.exists():
            kept = (rigid if kind in RIGID else bent)(work, kind, number)
            given.work.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(kept), encoding="utf-8")
            shown = {
                name: {key: round(value, 2) for key, value in found.items() if isinstance(value, float)}
                for name, found in kept.items()
            }
            print(kind, number, shown, flush=True)
    if given.out:
        given.out.with_suffix(".md").write_text(page(given.work, RIGID, BENT), encoding="utf-8")


if __name__ == "__main__":
    main()
