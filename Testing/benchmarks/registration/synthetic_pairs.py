"""Made-up CT and MRI of label maps that training never saw, apart by a known rigid motion."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from motions import random_motion
from pairs import Made, Pair, spread

from MultimodalSegLib.images.grid import Grid
from MultimodalSegLib.images.volume import Volume
from MultimodalSegLib.synthesis.anatomy import BRAIN, LABELS, load_anatomy
from MultimodalSegLib.synthesis.pair import Patient, locate, render, sample_patient
from MultimodalSegLib.training.plan import Plan

SIZE = (208, 248, 232)  # mm, voxels of 1 mm: a head with some neck
ROOM = 15.0  # mm by which the head is not in the middle of the moving field of view
THICK = 4  # mm
SLAB, SLAB_THICK = 60, 5  # mm


def synthetic(maps: Path, count: int, *, far: bool = False) -> Iterator[Pair]:
    """Every third MRI has slices of 4 mm, every fourth CT begins above the neck.

    Args:
        maps: folder of the head label maps.
        count: pairs.
        far: rotations of 40 to 60 degrees and shifts of 60 to 100 mm instead of 5 to 30 and 10 to 60.
    """
    stems = Plan().held_out
    for number in range(count):
        path = maps / f"{stems[number % len(stems)]}.nii.gz"
        name, group = ("far", "synthetic, far start") if far else ("synthetic", "synthetic CT-MR")
        make = lambda path=path, number=number: _make(path, number, far)  # noqa: E731
        yield Pair(f"{name}-{number:02d}", group, ("CT", "MR"), "truth", make)


def _make(path: Path, number: int, far: bool) -> Made:
    rng = np.random.default_rng((2024, number, far))
    anatomy = load_anatomy(path)
    center = np.asarray(anatomy.center)
    patient = whole(sample_patient(rng, anatomy, ("CT", "MR"), strip_chance=0.0))
    degrees, shift = ((40.0, 60.0), (60.0, 100.0)) if far else ((5.0, 30.0), (10.0, 60.0))
    motion = random_motion(rng, center, degrees, shift)
    here = _grid(center)
    there = _grid((motion @ [*center, 1.0])[:3] + rng.uniform(-ROOM, ROOM, 3))
    codes, lesions = locate(anatomy, patient, here)
    fixed = render(codes, lesions, patient, here, "CT")
    points = spread(Volume(np.isin(codes, [LABELS.index(value) for value in BRAIN]), here), number)
    moving = render(*locate(anatomy, patient, there, np.linalg.inv(motion)), patient, there, "MR")
    if number % 3 == 0:
        moving = Volume.from_sitk(sitk.BinShrink(moving.to_sitk(), [1, 1, THICK]))
    if number % 4 == 1:
        fixed = Volume.from_sitk(fixed.to_sitk()[:, :, int(0.3 * SIZE[2]) :])
    return fixed, moving, motion, points


def slab(scan: Volume) -> Volume:
    """The middle 60 mm of a scan of 1 mm or thick slices, in slices of 4 to 5 mm."""
    step = scan.grid.spacing[2]
    count, first = round(SLAB / step), (scan.grid.size[2] - round(SLAB / step)) // 2
    return Volume.from_sitk(
        sitk.BinShrink(scan.to_sitk()[:, :, first : first + count], [1, 1, max(1, round(SLAB_THICK / step))])
    )


def whole(patient: Patient) -> Patient:
    """Without thick slices, which are made here exactly centred, and without cuts."""
    scans = {
        name: replace(scan, acquisition=replace(scan.acquisition, slice_mm=1.0, view=np.zeros((3, 2))))
        for name, scan in patient.scans.items()
    }
    return replace(patient, scans=scans)


def _grid(center: np.ndarray) -> Grid:
    x, y, z = (float(value) for value in center - (np.asarray(SIZE) - 1) / 2)
    return Grid(SIZE, (1.0, 1.0, 1.0), (x, y, z))
