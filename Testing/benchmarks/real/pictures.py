"""Best, median and worst slice of a set: the image, the truth, and what was found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from trial import Trial

from MultimodalSegLib.evaluation.dice import LESION
from MultimodalSegLib.evaluation.slice_choice import best_median_worst, slice_dice
from MultimodalSegLib.evaluation.structures import ALSO, SIXTEEN, structures
from MultimodalSegLib.images.grid import Grid
from MultimodalSegLib.images.resample import resample
from MultimodalSegLib.images.volume import Volume
from MultimodalSegLib.inference.segmentation import Segmentation
from MultimodalSegLib.slicerside.pictures.sheet import Color, write_sheet
from MultimodalSegLib.slicerside.pictures.slices import Panel
from MultimodalSegLib.synthesis.anatomy import head_classes

WIDTH, HEIGHT = 200, 240  # mm of patient space that a panel shows
ZOOM = 2  # pixels per millimetre
CT_WINDOW = (-30.0, 110.0)  # HU
OPACITY = 0.5
LETTERS = ("R", "L", "A", "P")


@dataclass(frozen=True)
class Shown:
    """A finished trial on a 1 mm grid along the patient's axes, small enough to keep until its set is finished.

    Args:
        name: of the trial.
        image: uint8 (k, j, i), gray levels of the first volume.
        truth: label map; only what is compared.
        found: label map; only what is compared.
        dice: of each slice, (k,), mean of the structures of the brain if these are compared; NaN without any.
        heights: of the slices, mm in patient space.
    """

    name: str
    image: np.ndarray
    truth: np.ndarray
    found: np.ndarray
    dice: np.ndarray
    heights: np.ndarray


def keep(trial: Trial, found: Segmentation) -> Shown:
    """Bring a trial onto the patient's axes, gray levels as they are shown."""
    name, volume = next(iter(trial.volumes.items()))
    grid = axial_grid(volume.grid)
    values = resample(volume, grid, outside=-1000.0 if name == "CT" else 0.0).array
    low, high = CT_WINDOW if name == "CT" else (0.0, float(np.percentile(values[values > 0], 99.5)))
    image = (np.clip((values - low) / (high - low), 0, 1) * 255).astype(np.uint8)
    scored = {n: v for n, v in trial.scored.items() if n != "whole brain" and not n.startswith("group: ")}
    compared = list(frozenset().union(*scored.values()))
    truth, answer = (_only(resample(labels, grid, labels=True), compared) for labels in (trial.truth, found.labels))
    heights = grid.origin[2] + np.arange(grid.size[2]) * grid.spacing[2]
    brain = {n: v for n, v in scored.items() if n in SIXTEEN}
    return Shown(trial.name, image, truth, answer, slice_dice(answer, truth, brain or scored), heights)


def axial_grid(grid: Grid) -> Grid:
    """1 mm along x and y, 2 mm along z, over the middle of a volume's box as far as a panel shows."""
    low, high = grid.corners.min(0), grid.corners.max(0)
    x, y = (low[:2] + high[:2]) / 2 - np.array([WIDTH, HEIGHT]) / 2 + 0.5
    return Grid(
        (WIDTH, HEIGHT, int((high[2] - low[2]) // 2)), (1.0, 1.0, 2.0), (float(x), float(y), float(low[2]) + 1.0)
    )


def draw(shown: list[Shown], path: Path, title: str, *, synthetic: bool) -> str:
    """Write the picture of a set.

    Returns:
        What it shows, for readers who cannot see it; empty if there is no slice to show.
    """
    lengths = np.cumsum([0, *(len(one.dice) for one in shown)])
    every = np.concatenate([one.dice for one in shown])
    if np.isnan(every).all():
        return ""
    rows: tuple[list[Panel], ...] = ([], [], [])
    used: set[int] = set()
    words = []
    for rank, place in zip(("best", "median", "worst"), best_median_worst(every), strict=True):
        number = int(np.searchsorted(lengths, place, side="right")) - 1
        one, k = shown[number], place - int(lengths[number])
        text = f"{one.name}, Dice {one.dice[k]:.2f}"
        words.append(f"{rank} slice: {text} at {one.heights[k]:.0f} mm")
        gray = np.repeat(one.image[k][..., None], 3, axis=2)
        rows[0].append(_panel(gray, f"{rank}: {text}"))
        rows[1].append(_panel(_paint(gray, one.truth[k]), "truth"))
        rows[2].append(_panel(_paint(gray, one.found[k]), "found"))
        used |= set(np.unique(one.truth[k])) | set(np.unique(one.found[k]))
    write_sheet(path, rows, title, legend(used), synthetic=synthetic)
    return "; ".join(words)


def legend(values: set[int]) -> list[tuple[str, Color]]:
    """Names and colors of the structures among some label values, both sides as one."""
    colors = label_colors()
    named = [(name, sorted(group & values)) for name, group in (structures() | {"lesion": frozenset({LESION})}).items()]
    shown = [(name[:1].upper() + name[1:], colors[found[0]]) for name, found in named if found]
    return [(f"{name} (striped)" if name == "Lesion" else name, color) for name, color in shown]


def label_colors() -> Mapping[int, Color]:
    """Color of every label value, that of the structure's left side."""
    table: dict[int, Color] = {}
    for entry in (*head_classes()["classes"][1:], head_classes()["lesion"]):
        color = tuple(entry.get("left", entry)["color"])
        values = structures().get(entry["name"], frozenset({LESION})) | ALSO.get(entry["name"], frozenset())
        table |= dict.fromkeys(values, color)
    return table


def _only(labels: Volume, values: list[int]) -> np.ndarray:
    array = labels.array.astype(np.int32)
    return np.where(np.isin(array, values, kind="table"), array, 0).astype(np.uint16)


def _paint(gray: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Structures half transparent; lesions opaque with black stripes, as their red is close to that of the cortex."""
    colors = label_colors()
    table = np.zeros((max(colors) + 1, 3))
    table[list(colors)] = list(colors.values())
    painted = np.where(labels[..., None] > 0, (1 - OPACITY) * gray + OPACITY * table[labels], gray)
    rows, columns = np.indices(labels.shape)
    dark = (rows + columns) % 4 == 0
    painted[labels == LESION] = table[LESION]
    painted[(labels == LESION) & dark] = 0
    return painted.astype(np.uint8)


def _panel(image: np.ndarray, title: str) -> Panel:
    """Rows grow to posterior and columns to the patient's left, as a radiologist looks at it."""
    return Panel(image.repeat(ZOOM, axis=0).repeat(ZOOM, axis=1), title, LETTERS, 1.0 / ZOOM)
