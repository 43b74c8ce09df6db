"""What ``enhance`` restores: real volumes taken with slices of 5 mm, and brought back to 1 mm.

    python Testing/benchmarks/enhance.py --data FOLDER [--model NAME_OR_FOLDER] [--regression NAME_OR_FOLDER]
        [--axes 0 1 2] [--steps 4] [--samples 4] [--mm 5] [--profile box|gaussian] [--only NAME ...]
        [--low-dose HU ...] [--out FOLDER]

FOLDER holds ``remind-022``, ``templates``, ``seeg-brain`` and ``head-ct``; what is not there is left out. No volume of
these was trained on. Every volume is brought to 1 mm, averaged to slices and restored by cubic interpolation, by
interpolation made consistent with the slices, by one step of the flow, by several samples of several steps (one of
them, and their mean with its uncertainty), and by a regression of the same size if there is one. Figures are of
normalized images inside the head; Dice is of the default model's segmentation against its own segmentation of the
original, across axis 0 alone. Noise is added to CT and cleaned again (:mod:`enhance_low_dose`), and a volume of 160 x
192 x 160 voxels is timed. ``enhance.json``, ``enhance.md`` and pictures are written.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from enhance_figures import dice, follows, gmsd, psnr, sharpness, ssim
from enhance_low_dose import VOLUMES, low_dose
from enhance_page import markdown, picture
from enhance_volumes import FILES, Trial, trials

from MultimodalSegLib import Case, Volume, align, load_bundle, segment
from MultimodalSegLib.enhancement.enhance import PROFILE
from MultimodalSegLib.enhancement.intensities import Scale
from MultimodalSegLib.enhancement.thick import thick_scan
from MultimodalSegLib.images.grid import Grid
from MultimodalSegLib.inference.segmentation import Segmentation
from MultimodalSegLib.stages.enhance import EnhanceOptions, enhance

Method = Callable[[Trial], tuple[Volume, dict[str, Any]]]


def interpolated(trial: Trial, *, consistent: bool) -> tuple[Volume, dict[str, Any]]:
    """Cubic interpolation, or the same made consistent with the slices."""
    scan = thick_scan(trial.thick, trial.axis, PROFILE[trial.family])
    fine = scan.model.started(scan.slices) if consistent else scan.model.interpolated(scan.slices)
    return scan.volume(fine), {}


def enhanced(trial: Trial, model: str, steps: int, samples: int) -> tuple[Volume, dict[str, Any]]:
    """The program's own function."""
    result = enhance(trial.thick, options=EnhanceOptions(trial.family, samples, steps, model=model))
    found = result.consistency
    assert found is not None
    low, high = Scale.of(trial.thick.array, trial.family).low, Scale.of(trial.thick.array, trial.family).high
    unit = 1.0 if trial.family == "CT" else high - low
    said = {"consistency": found.rms / unit, "noise": found.noise / unit, "within": found.within_noise}
    if result.uncertainty is not None:
        said["follows"] = follows(result.volume.array - trial.truth.array, result.uncertainty.array, trial.inside)
    return result.volume, said


def timed(model: str) -> dict[str, float]:
    """Seconds for 32 slices of 160 x 192 pixels that become 160 x 192 x 160 voxels, one step, loading included."""
    import torch

    slices = np.random.default_rng(0).normal(500, 100, (32, 192, 160)).astype(np.float32)
    scan = Volume(slices, Grid((160, 192, 32), (1.0, 1.0, 5.0)))
    wall, processor = time.perf_counter(), time.process_time()
    enhance(scan, options=EnhanceOptions("MR", model=model))
    return {
        "wall": time.perf_counter() - wall,
        "processor": time.process_time() - processor,
        "threads": torch.get_num_threads(),
    }


def measured(trial: Trial, volume: Volume) -> dict[str, float]:
    """Figures of one restored volume."""
    scale = Scale.of(trial.truth.array, trial.family)
    truth, found = scale.apply(trial.truth.array), scale.apply(volume.array)
    inside = trial.inside
    return {
        "psnr": psnr(truth, found, inside),
        "ssim": ssim(truth, found, inside),
        "gmsd": gmsd(truth, found, inside),
        "sharpness": sharpness(truth, found, inside, trial.axis),
    }


def segmented(trial: Trial, volume: Volume) -> Segmentation:
    """What the default model finds."""
    return segment(align(Case({trial.family: volume}, trial.family), "none"), load_bundle("default"))


def run(trial: Trial, methods: Mapping[str, Method], out: Path) -> dict[str, dict[str, Any]]:
    """All methods at one volume and axis."""
    rows: dict[str, dict[str, Any]] = {}
    shown = {"original": trial.truth}
    reference = segmented(trial, trial.truth) if trial.axis == 0 else None
    for name, method in methods.items():
        began = time.process_time()
        volume, said = method(trial)
        seconds = time.process_time() - began
        assert volume.grid.size == trial.truth.grid.size
        shown[name] = volume
        rows[name] = {**measured(trial, volume), **said, "seconds": seconds}
        if reference is not None:
            rows[name]["dice"] = dice(reference, segmented(trial, volume))
        text = "  ".join(f"{key} {value:.3f}" for key, value in rows[name].items())
        print(f"{trial.name}, axis {trial.axis}, {name}: {text}", flush=True)
    if trial.axis == 0:
        picture(trial, shown, out / f"enhance-{trial.name.replace(' ', '-')}.png")
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", default="enhance")
    parser.add_argument("--regression", default="", help="a model of train-enhance --regression")
    parser.add_argument("--axes", type=int, nargs="*", default=[0, 1, 2])
    parser.add_argument("--steps", type=int, default=4, help="of each of several samples")
    parser.add_argument("--samples", type=int, default=4, help="1 leaves the mean of several out")
    parser.add_argument("--mm", type=float, default=5.0)
    parser.add_argument("--profile", choices=["usual", "gaussian", "box"], default="usual", help="of the slices")
    parser.add_argument("--only", nargs="*", default=list(FILES), help="volumes to restore")
    parser.add_argument("--low-dose", type=float, nargs="*", default=[10, 20, 40], metavar="HU", help="noise to clean")
    parser.add_argument("--clean", nargs="*", default=list(VOLUMES), help="volumes to add noise to")
    parser.add_argument("--out", type=Path, default=Path(__file__).resolve().parent / "results")
    given = parser.parse_args()
    methods: dict[str, Method] = {
        "cubic": lambda trial: interpolated(trial, consistent=False),
        "consistent cubic": lambda trial: interpolated(trial, consistent=True),
    }
    if given.regression:
        methods["regression"] = lambda trial: enhanced(trial, given.regression, 1, 1)
    methods["flow, one step"] = lambda trial: enhanced(trial, given.model, 1, 1)
    if given.samples > 1:
        several = f"{given.steps} steps"
        methods[f"flow, a sample of {several}"] = lambda trial: enhanced(trial, given.model, given.steps, 1)
        mean = f"flow, mean of {given.samples} samples of {several}"
        methods[mean] = lambda trial: enhanced(trial, given.model, given.steps, given.samples)
    profiles = PROFILE if given.profile == "usual" else dict.fromkeys(PROFILE, given.profile)
    given.out.mkdir(parents=True, exist_ok=True)
    bundle = load_bundle(given.model)
    told: dict[str, Any] = {
        "model": f"{bundle.name} {bundle.version}",
        "checksum": bundle.checksum,
        "mm": given.mm,
        "profile": given.profile,
        "seconds": timed(given.model),
        "results": {},
    }
    for trial in trials(given.data, given.only, given.axes, given.mm, profiles):
        told["results"].setdefault(trial.name, {})[str(trial.axis)] = run(trial, methods, given.out)
        (given.out / "enhance.json").write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
        (given.out / "enhance.md").write_text(markdown(told), encoding="utf-8")
    told["low_dose"] = low_dose(given.data, given.model, given.clean, given.low_dose)
    (given.out / "enhance.json").write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    (given.out / "enhance.md").write_text(markdown(told), encoding="utf-8")


if __name__ == "__main__":
    main()
