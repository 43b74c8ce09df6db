"""What cleaning a CT restores: noise added to CT of heads, and the error that is left in soft tissue and at edges."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from enhance_volumes import FILES, whole
from scipy import ndimage

from MultimodalSegLib.enhancement.intensities import soft_tissue
from MultimodalSegLib.images.volume import Volume
from MultimodalSegLib.stages.enhance import EnhanceOptions, enhance

TEMPLATE = Path(__file__).resolve().parents[2] / "Resources" / "demo" / "templates" / "CT.nii.gz"
"""A mean of heads with their skulls, comes with the program."""

VOLUMES = {name: file for name, (file, family) in FILES.items() if family == "CT"} | {"CT template": TEMPLATE}
SMOOTH_MM = 0.7
"""Standard deviation of the Gaussian beside which cleaning has to stand."""

EDGES = 0.95
"""Quantile of the gradient in the head from which on a voxel lies at an edge."""

Row = dict[str, float]


def low_dose(data: Path, model: str, names: list[str], noises: list[float]) -> dict[str, dict[str, dict[str, Row]]]:
    """Errors in HU by volume, noise and method; those volumes that are there.

    Args:
        data: folder of :data:`~enhance_volumes.FILES`.
        model: name or folder.
        names: of :data:`VOLUMES`.
        noises: standard deviations that are added, HU.
    """
    found: dict[str, dict[str, dict[str, Row]]] = {}
    for name in names:
        if not (data / VOLUMES[name]).is_file():
            continue
        truth, inside = whole(data / VOLUMES[name])
        soft, edges = soft_tissue(truth.array) & inside, _edges(truth.array, inside)
        for noise in noises:
            added = np.random.default_rng(0).normal(0, noise, truth.array.shape)
            noisy = truth.with_array((truth.array + added).astype(np.float32))
            cleaned = {
                "as given": noisy,
                f"Gaussian of {SMOOTH_MM:g} mm": noisy.with_array(ndimage.gaussian_filter(noisy.array, SMOOTH_MM)),
                "cleaned": enhance(noisy, options=EnhanceOptions("CT", denoise=True, model=model)).volume,
            }
            rows = {method: errors(truth, volume, soft, inside, edges) for method, volume in cleaned.items()}
            found.setdefault(name, {})[f"{noise:g}"] = rows
            print(f"{name}, noise of {noise:g} HU: {rows}", flush=True)
    return found


def errors(truth: Volume, found: Volume, soft: np.ndarray, inside: np.ndarray, edges: np.ndarray) -> Row:
    """Root mean squared errors, HU."""
    squared = (found.array - truth.array) ** 2
    places = {"soft tissue": soft, "head": inside, "edges": edges}
    return {name: float(np.sqrt(np.mean(squared[place]))) for name, place in places.items()}


def table(found: dict[str, dict[str, dict[str, Row]]]) -> list[str]:
    """Lines of the page."""
    lines = [
        "",
        "## Cleaning",
        "",
        "Noise was added to CT with voxels of 1 mm. Root mean squared errors in HU: in soft tissue, in the whole head, "
        "and at the strongest edges.",
        "",
        "| volume | noise, HU | method | soft tissue | head | edges |",
        "| --- | ---: | --- | ---: | ---: | ---: |",
    ]
    for name, noises in found.items():
        for noise, rows in noises.items():
            for method, row in rows.items():
                cells = " | ".join(f"{row[place]:.1f}" for place in ("soft tissue", "head", "edges"))
                lines.append(f"| {name} | {noise} | {method} | {cells} |")
    return lines


def _edges(array: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Where the gradient is steepest; bool."""
    steep = ndimage.gaussian_gradient_magnitude(array, 1.0)
    at_edges: np.ndarray = inside & (steep > np.quantile(steep[inside], EDGES))
    return at_edges
