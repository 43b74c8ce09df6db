"""The result page of ``enhance.py`` and its pictures."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from enhance_low_dose import table
from enhance_volumes import Trial
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from MultimodalSegLib.enhancement.intensities import Scale
from MultimodalSegLib.evaluation.bootstrap import bootstrap_interval
from MultimodalSegLib.images.volume import Volume

CT_WINDOW = (-20.0, 100.0)
TITLES = {
    "psnr": "PSNR, dB",
    "ssim": "SSIM",
    "gmsd": "GMSD (0 is best)",
    "sharpness": "sharpness (1 is the original's)",
    "dice": "Dice",
    "follows": "uncertainty follows error",
}


def markdown(told: Mapping[str, Any]) -> str:
    """The page."""
    results = told["results"]
    names = list(dict.fromkeys(name for axes in results.values() for rows in axes.values() for name in rows))
    lines = [
        f"# What `enhance` restores: model {told['model']}",
        "",
        f"{len(results)} real volumes, none of them trained on, taken with slices of {told['mm']:g} mm and brought "
        f"back to 1 mm (profile of the slices: {told['profile']}, and the usual one is assumed). Figures in the head "
        "of normalized images (the protocol is in `Testing/benchmarks/enhance.py`), means over volumes (of their axes "
        "first) with bootstrap intervals of 95 %. Dice: the default model's segmentation against its segmentation of "
        "the original. "
        "Seconds: of a processor. Uncertainty follows error: rank correlation of the deviation of the samples and the "
        "size of the error, voxel by voxel.",
        "",
        f"| method | {' | '.join(TITLES.values())} | s |",
        f"| --- | {' | '.join('---:' for _ in range(len(TITLES) + 1))} |",
    ]
    for name in names:
        cells = [str(bootstrap_interval(_values(results, name, key))) for key in TITLES]
        lines.append(f"| {name} | {' | '.join(cells)} | {np.nanmean(_values(results, name, 'seconds')):.0f} |")
    gained = {key: title for key, title in TITLES.items() if key != "follows"}
    lines += ["", "Gain over cubic interpolation, volume by volume:", ""]
    lines += [f"| method | {' | '.join(gained.values())} |", f"| --- | {' | '.join('---:' for _ in gained)} |"]
    for name in names[1:]:
        gains = [_values(results, name, key) - _values(results, names[0], key) for key in gained]
        lines.append(f"| {name} | {' | '.join(str(bootstrap_interval(gain)) for gain in gains)} |")
    lines += ["", "Each volume, PSNR in dB and SSIM:", ""]
    lines += [f"| volume | {' | '.join(names)} |", f"| --- | {' | '.join('---:' for _ in names)} |"]
    for volume, axes in results.items():
        cells = [f"{_mean(axes, name, 'psnr'):.2f}, {_mean(axes, name, 'ssim'):.3f}" for name in names]
        lines.append(f"| {volume} | {' | '.join(cells)} |")
    lines += _by_axis(results, names)
    rows = [row for axes in results.values() for found in axes.values() for row in found.values() if "within" in row]
    inside = sum(bool(row["within"]) for row in rows)
    lines += [
        "",
        f"The slices that the restored volumes would give lie within the noise of those given: {inside} of "
        f"{len(rows)}.",
    ]
    took = told["seconds"]
    lines += [
        "",
        f"32 slices to 160 x 192 x 160 voxels, one step: {took['wall']:.0f} s "
        f"({took['processor']:.0f} s of a processor, {took['threads']} threads).",
    ]
    if told.get("low_dose"):
        lines += table(told["low_dose"])
    return "\n".join(lines) + "\n"


def _by_axis(results: Mapping[str, Any], names: list[str]) -> list[str]:
    """Lines: the mean gain in PSNR over cubic interpolation, across which axis the slices lie."""
    axes = sorted({axis for found in results.values() for axis in found})
    title = {"0": "axial", "1": "coronal", "2": "sagittal"}
    lines = ["", "PSNR gained over cubic interpolation, dB, by the direction of the slices:", ""]
    lines += [f"| method | {' | '.join(title[a] for a in axes)} |", f"| --- | {' | '.join('---:' for _ in axes)} |"]
    for name in names[1:]:
        cells = []
        for axis in axes:
            pairs = [found[axis] for found in results.values() if name in found.get(axis, {})]
            gains = [rows[name]["psnr"] - rows[names[0]]["psnr"] for rows in pairs]
            cells.append(f"{np.mean(gains):.2f}" if gains else "")
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


def picture(trial: Trial, shown: Mapping[str, Volume], path: Path) -> None:
    """One coronal slice by each method, the cut in which thick slices show."""
    count = len(shown)
    figure = Figure(figsize=(2.6 * count, 3.0), layout="constrained", dpi=110, facecolor="white")
    FigureCanvasAgg(figure)
    scale = Scale.of(trial.truth.array, trial.family)
    low, high = CT_WINDOW if trial.family == "CT" else (scale.low, scale.high)
    for axes, (name, volume) in zip(figure.subplots(1, count, squeeze=False)[0], shown.items(), strict=True):
        plane = volume.array[:, volume.array.shape[1] // 2]  # the patient's left is on the right
        axes.imshow(plane, cmap="gray", vmin=low, vmax=high, origin="lower", interpolation="nearest")
        axes.set_title(name, fontsize=10)
        axes.set_axis_off()
    figure.savefig(path, metadata={"Description": f"{trial.name}: coronal slice, {', '.join(shown)}."})


def _values(results: Mapping[str, Any], name: str, key: str) -> np.ndarray:
    """One mean over the axes for each volume."""
    return np.array([_mean(axes, name, key) for axes in results.values()])


def _mean(axes: Mapping[str, Any], name: str, key: str) -> float:
    found = [rows[name][key] for rows in axes.values() if key in rows.get(name, {})]
    return float(np.mean(found)) if found else float("nan")
