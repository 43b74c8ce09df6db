"""How far the explanations can be believed: maps of lesions of made-up patients whose label maps training never saw.

    python Testing/benchmarks/explanation.py --data FOLDER [--model NAME_OR_FOLDER] [--methods NAME[:LAYER] ...]
        [--patients 1] [--edge 0] [--out FOLDER]

FOLDER holds ``head-labels``. Each predicted lesion that touches a true one is explained. ``explanation.json`` and
``explanation.md`` tell where the brightest 5 % of the map's mass lies; the insertion area beside that of random voxels
and of the blurred prediction (paired Wilcoxon tests); the sanity check; seconds. With ``--edge`` the network sees only
a cube of so many voxels around each lesion, which takes a tenth of the time of the whole head.
"""

import argparse
import json
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from scipy import ndimage, stats

from MultimodalSegLib import load_bundle
from MultimodalSegLib.explain.blurring import blurred
from MultimodalSegLib.explain.faithfulness import (
    NEAR_MM,
    brightest,
    distance_mm,
    insertion,
    mass_inside,
    pointing_game,
)
from MultimodalSegLib.explain.gradcam import Attribution
from MultimodalSegLib.explain.methods import attribute
from MultimodalSegLib.explain.randomization import ALIKE, randomized_likeness
from MultimodalSegLib.explain.subject import Subject, subject_of, tiles
from MultimodalSegLib.explain.targets import Target, channel_of, components
from MultimodalSegLib.images.grid import Grid
from MultimodalSegLib.images.resample import resample
from MultimodalSegLib.images.volume import Volume
from MultimodalSegLib.inference.view import network_view
from MultimodalSegLib.models.bundle import Bundle
from MultimodalSegLib.synthesis.anatomy import load_anatomy
from MultimodalSegLib.synthesis.pair import locate, render, sample_patient, truth
from MultimodalSegLib.training.plan import Plan
from MultimodalSegLib.training.samples import brain_center

LEAST_VOXELS = 8
"""Predicted lesions below this many working voxels are left out."""

MOST_LESIONS = 3
"""Of one patient, the largest first."""

MASK_BLUR_MM = 5.0


def patients(bundle: Bundle, data: Path, count: int) -> Iterator[tuple[str, Subject, np.ndarray]]:
    """Name, what the network sees, and the true lesions on the working grid."""
    for stem in Plan().held_out:
        anatomy = load_anatomy(data / f"head-labels/{stem}.nii.gz")
        origin = brain_center(anatomy) - np.array([79.5, 99.5, 89.5]) * 1.2
        grid = Grid((160, 200, 180), (1.2,) * 3, tuple(float(x) for x in origin))
        for seed in range(2000, 2000 + count):
            rng = np.random.default_rng(seed)
            patient = sample_patient(rng, anatomy, ("CT", "MR"), strip_chance=0.0, lesion_chance=1.0)
            codes, lesions = locate(anatomy, patient, grid)
            answer = truth(codes, lesions, patient).lesion.astype(np.float32)
            view = network_view(bundle, {n: render(codes, lesions, patient, grid, n) for n in ("CT", "MR")})
            true = resample(Volume(answer, grid), view.grid).array > 0.5
            if true.any():
                yield f"{stem} {seed}", subject_of(bundle, view, "auto"), true


def lesions(
    bundle: Bundle, subject: Subject, true: np.ndarray, edge: int
) -> Iterator[tuple[Subject, Target, np.ndarray]]:
    """The network's own lesions that touch true ones, and the distance from the truth."""
    channel, rivals = channel_of(bundle, int(bundle.metadata["lesion"]["value"]))
    pieces, count = components(true)
    for n in range(1, min(count, MOST_LESIONS) + 1):
        cut = cube(np.argwhere(pieces == n).mean(0), true.shape, edge)
        inside = subject.images[(slice(None), *cut)].clone() if edge else subject.images
        parts = tiles(inside.shape[1:], inside.shape[1:], bundle.stride) if edge else subject.tiles
        local = Subject(subject.engine, inside, subject.family, parts, subject.spacing)
        predicted, _ = components(lesion_mask(local, channel))
        touched = predicted[(pieces == n)[cut] & (predicted > 0)]
        if not len(touched):
            continue
        mask = predicted == np.bincount(touched).argmax()
        if mask.sum() >= LEAST_VOXELS:
            target = Target(f"lesion {n}", channel, rivals, torch.from_numpy(mask))
            yield local, target, distance_mm(torch.from_numpy(true[cut]), subject.spacing)


def cube(center: np.ndarray, shape: tuple[int, ...], edge: int) -> tuple[slice, ...]:
    """A cube around a place, inside the array; everything if the edge is 0."""
    if not edge:
        return tuple(slice(0, n) for n in shape)
    starts = [
        int(np.clip(round(float(c)) - edge // 2, 0, max(0, n - edge))) for c, n in zip(center, shape, strict=True)
    ]
    return tuple(slice(s, min(s + edge, n)) for s, n in zip(starts, shape, strict=True))


@torch.no_grad()
def lesion_mask(subject: Subject, channel: int) -> np.ndarray:
    """Where the network says lesion, (D, H, W) bool."""
    total = torch.zeros(subject.images.shape[1:])
    for tile in subject.tiles:
        whole = tuple(slice(0, n) for n in tile.weight.shape)
        total[tile.place] += subject.answer(tile).logits(whole, slice(channel, channel + 1))[0].cpu() * tile.weight
    return (total > 0).numpy()


def blurred_mask(target: Target, spacing: tuple[float, ...]) -> torch.Tensor:
    """The prediction itself, blurred: what a map that only repeats it would be."""
    sigma = [MASK_BLUR_MM / s for s in spacing]
    return torch.from_numpy(ndimage.gaussian_filter(target.mask.numpy().astype(np.float32), sigma))


def measured(subject: Subject, target: Target, distance: np.ndarray, methods: list[str]) -> dict[str, dict]:
    """Figures of every method, and of the two baselines, for one lesion."""
    baseline = blurred(subject.images, subject.spacing)
    noise = torch.rand(target.mask.shape, generator=torch.Generator().manual_seed(0))
    maps = {"random": noise, "blurred mask": blurred_mask(target, subject.spacing)}
    rows: dict[str, dict] = {name: {} for name in maps}
    for name in methods:
        method, _, layer = name.partition(":")
        start, cpu = time.perf_counter(), time.process_time()
        maps[name] = attribute(method, subject, [target], layer)[0].whole
        rows[name] = {"seconds": time.perf_counter() - start, "cpu_seconds": time.process_time() - cpu}
    for name, map_ in maps.items():
        rows[name] |= {
            "near": mass_inside(brightest(map_), distance, NEAR_MM),
            "pointing_game": pointing_game(map_, distance),
            "insertion_area": insertion(subject, target, map_, baseline).area,
        }
    return rows


def sanity(subject: Subject, target: Target, methods: list[str]) -> dict[str, dict[str, float]]:
    """Likeness of each method's map to those of networks that forget; the blurred mask looks at no weight at all."""

    def maker(name: str):
        if name == "blurred mask":
            return lambda other: Attribution(blurred_mask(target, other.spacing))
        method, _, layer = name.partition(":")
        return lambda other: attribute(method, other, [target], layer)[0]

    found = {}
    for name in [*methods, "blurred mask"]:
        again = maker(name)
        found[name] = randomized_likeness(subject, target, again(subject).whole, again, steps=3)
    return found


def summary(rows: list[dict], methods: list[str]) -> dict[str, dict]:
    """Means over the lesions, and one-sided paired tests against the baselines."""
    result = {}
    for name in [*methods, "random", "blurred mask"]:
        keys = rows[0][name]
        result[name] = {key: round(float(np.mean([row[name][key] for row in rows])), 3) for key in keys}
        for other in ("random", "blurred mask") if name in methods else ():
            gain = np.array([row[name]["insertion_area"] - row[other]["insertion_area"] for row in rows])
            p = float(stats.wilcoxon(gain, alternative="greater").pvalue) if gain.any() else 1.0
            result[name] |= {f"insertion above {other}": round(float(gain.mean()), 3), f"p {other}": round(p, 4)}
    return result


def as_markdown(results: dict) -> str:
    columns = ["map", "top 5 % of mass within 5 mm", "maximum within 5 mm", "insertion area", "above random (p)"]
    columns += ["above blurred mask (p)", "CPU seconds", "likeness without weights", "sanity check"]
    lines = [
        "# Explanations of lesions",
        "",
        f"Model {results['model']}; {len(results['lesions'])} lesions of made-up patients of the label maps that were",
        f"held out, {results['view']}. Made by `Testing/benchmarks/explanation.py`.",
        "",
        f"| {' | '.join(columns)} |",
        f"|{' --- |' * len(columns)}",
    ]
    for name, row in results["summary"].items():
        likeness = list(results["sanity"].get(name, {"": float("nan")}).values())[-1]
        told = "" if np.isnan(likeness) else "ignores the weights" if likeness >= ALIKE else "passed"
        tests = [
            f"{row[f'insertion above {o}']:+.3f} ({row[f'p {o}']:.3f})" if f"p {o}" in row else ""
            for o in ("random", "blurred mask")
        ]
        cells = [name, f"{row['near']:.2f}", f"{row['pointing_game']:.2f}", f"{row['insertion_area']:.3f}", *tests]
        cells += [
            f"{row['cpu_seconds']:.1f}" if "cpu_seconds" in row else "",
            f"{likeness:.2f}".replace("nan", ""),
            told,
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", default="default")
    parser.add_argument("--methods", nargs="*", default=["gradcam", "gradcam:fused8", "hirescam"])
    parser.add_argument("--patients", type=int, default=1, help="of each label map")
    parser.add_argument("--edge", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results")
    given = parser.parse_args()
    bundle = load_bundle(given.model)
    names: list[str] = []
    rows: list[dict] = []
    checked: dict[str, dict[str, float]] = {}
    for patient, subject, true in patients(bundle, given.data, given.patients):
        for local, target, distance in lesions(bundle, subject, true, given.edge):
            rows.append(measured(local, target, distance, given.methods))
            names.append(f"{patient} {target.name}, {int(target.mask.sum())} voxels")
            checked = checked or sanity(local, target, given.methods)
            results = {
                "model": f"{bundle.name} {bundle.version}",
                "view": f"seen in a cube of {given.edge} voxels around each" if given.edge else "the whole head seen",
                "summary": summary(rows, given.methods),
                "sanity": {name: {k: round(v, 3) for k, v in row.items()} for name, row in checked.items()},
                "lesions": dict(zip(names, rows, strict=True)),
            }
            (given.out / "explanation.json").write_text(json.dumps(results, indent=1) + "\n")
            (given.out / "explanation.md").write_text(as_markdown(results))
            print(f"{names[-1]} of {patient}", flush=True)


if __name__ == "__main__":
    main()
