"""Are any two label maps of the same person? What one was held out for would then have been trained on.

    python Testing/benchmarks/same_person.py LABEL_MAPS [--most 5]

LABEL_MAPS is a folder of whole-head label maps. Every two are laid over one another by the centers of the structures of
the brain (rigid, closed form), as they are and with one of them mirrored, on a grid of 2 mm. Folds tell persons apart:
the figure is the mean Dice of cerebral cortex and white matter, each side for itself. What the same person reaches is
shown by each map beside itself, turned by 15 degrees, moved, and with 2 % of error in size. Prints the pairs that are
most alike and writes all into ``Testing/benchmarks/results/same_person.csv``.
"""

from __future__ import annotations

import argparse
import csv
import statistics
from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from MultimodalSegLib.evaluation.structures import SIXTEEN, sides, structures
from MultimodalSegLib.images.io import read_labels
from MultimodalSegLib.images.resample import resample
from MultimodalSegLib.images.volume import Volume
from MultimodalSegLib.registration.landmarks import Landmarks

RESULT = Path(__file__).resolve().parent / "results" / "same_person.csv"
STEP = 2
"""Every second voxel of 1 mm is enough to tell folds."""
MARGIN = 10
"""Voxels around the brain, in which it can be turned."""
SIDES = ("left", "right")
FOLDS = ("cerebral white matter", "cerebral cortex")
PAIRED = tuple(name for name in SIXTEEN if f"left {name}" in sides())
PARTS = (*(f"{side} {name}" for name in PAIRED for side in SIDES), *(n for n in SIXTEEN if n not in PAIRED))
CODES = {name: number for number, name in enumerate(PARTS, start=1)}


def read_brain(path: Path) -> Volume:
    """The structures of the brain, sides apart, with the codes of this script, at every second voxel."""
    volume = read_labels(path)
    codes = np.zeros(int(volume.array.max()) + 1, np.uint8)
    for name, code in CODES.items():
        values = (sides() | structures())[name]
        codes[[value for value in values if value < len(codes)]] = code
    grid = volume.grid
    array = np.pad(codes[volume.array[::STEP, ::STEP, ::STEP]], MARGIN)
    there = np.argwhere(array)
    low, high = there.min(axis=0) - MARGIN, there.max(axis=0) + MARGIN + 1
    array = array[tuple(map(slice, low, high))]
    origin = grid.points((low[::-1] - MARGIN)[None] * float(STEP))[0]
    spacing = tuple(STEP * step for step in grid.spacing)
    return Volume(array, replace(grid, size=array.shape[::-1], spacing=spacing, origin=tuple(origin.tolist())))


def mirrored(brain: Volume) -> Volume:
    """Left and right exchanged, in space and by name; a grid along the patient's axes."""
    swap = np.arange(len(CODES) + 1, dtype=np.uint8)
    for name in PAIRED:
        left, right = (CODES[f"{side} {name}"] for side in SIDES)
        swap[[left, right]] = right, left
    across = 2 - int(np.argmax(np.abs(brain.grid.affine[0, :3])))
    return brain.with_array(np.flip(swap[brain.array], across))


def moved(brain: Volume) -> Volume:
    """The same brain as another examination might show it."""
    middle = brain.grid.points(np.asarray(brain.grid.size)[None] / 2)[0]
    motion = sitk.Similarity3DTransform(1.02, (1.0, 2.0, 3.0), np.deg2rad(15), (5.0, -7.0, 3.0), middle.tolist())
    return resample(brain, brain.grid, motion, labels=True)


def likeness(first: Volume, second: Volume) -> float:
    """Mean Dice of the folds after the rigid motion that brings the centers of all structures together."""
    middles = np.stack([_centers(first), _centers(second)])  # (2, structures, 3)
    pairs = Landmarks(*middles[:, ~np.isnan(middles).any(axis=(0, 2))])
    over = resample(second, first.grid, pairs.transform(), labels=True).array
    wanted = [CODES[f"{side} {name}"] for name in FOLDS for side in SIDES]
    return statistics.fmean(
        2
        * float(((first.array == code) & (over == code)).sum())
        / float((first.array == code).sum() + (over == code).sum())
        for code in wanted
    )


def compare(brains: dict[str, Volume]) -> Iterator[tuple[str, str, str, float]]:
    """Names of two maps, how the second was laid over the first, and how alike they are."""
    for name, brain in brains.items():
        yield name, name, "itself, moved", likeness(brain, moved(brain))
    for one, other in combinations(brains, 2):
        yield one, other, "as it is", likeness(brains[one], brains[other])
        yield one, other, "mirrored", likeness(brains[one], mirrored(brains[other]))


def _centers(brain: Volume) -> np.ndarray:
    """Center of every structure, (structures, 3) LPS mm; NaN where there is none."""
    k, j, i = np.nonzero(brain.array)
    found = brain.array[k, j, i]
    with np.errstate(invalid="ignore"):
        index = [
            np.bincount(found, part, len(CODES) + 1) / np.bincount(found, minlength=len(CODES) + 1)
            for part in (i, j, k)
        ]
    return brain.grid.points(np.stack(index, axis=1)[1:])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("maps", type=Path, metavar="LABEL_MAPS")
    parser.add_argument("--most", type=int, default=5, help="pairs that are shown")
    given = parser.parse_args()
    brains = {path.name.split(".")[0]: read_brain(path) for path in sorted(given.maps.glob("*.nii.gz"))}
    found = sorted(compare(brains), key=lambda row: -row[3])
    same = [row[3] for row in found if row[0] == row[1]]
    others = [row for row in found if row[0] != row[1]]
    middle = statistics.median(row[3] for row in others)
    print(f"{len(brains)} maps. Itself, moved: {min(same):.3f} to {max(same):.3f}.")
    print(f"{len(others) // 2} pairs, each also mirrored: median {middle:.3f}, most alike:")
    for one, other, way, figure in others[: given.most]:
        print(f"{one} and {other}, {way}: {figure:.3f}")
    with RESULT.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("first", "second", "second laid", "dice of folds"))
        writer.writerows((*row[:3], f"{row[3]:.4f}") for row in found)


if __name__ == "__main__":
    main()
