"""Pairs of which one scan is bent in a known way: made of label maps that training never saw, and a real CT and PET."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from pairs import spread
from scipy import ndimage
from synthetic_pairs import whole

from MultimodalSegLib.images.grid import Grid
from MultimodalSegLib.images.io import read_volume
from MultimodalSegLib.images.resample import map_points, resample
from MultimodalSegLib.images.volume import Volume
from MultimodalSegLib.registration.pyramid import build_pyramid
from MultimodalSegLib.synthesis.anatomy import BRAIN, LABELS, load_anatomy
from MultimodalSegLib.synthesis.deformation import EXTENT_MM, LATTICE, sample_deformation
from MultimodalSegLib.synthesis.pair import locate, render, sample_patient

SPACING, SIZE = 2.0, (104, 124, 116)  # mm; voxels


@dataclass(frozen=True)
class BentPair:
    """A fixed and a moving scan in one space, points (n, 3) of the fixed one, LPS mm, and where they truly lie.

    Args:
        brain: (n,) bool, the point lies in the brain; the others elsewhere in the head. All points of a body.
    """

    fixed: Volume
    moving: Volume
    points: np.ndarray
    true: np.ndarray
    brain: np.ndarray


def bent_pair(path: Path, number: int, names: tuple[str, str] = ("CT", "MR")) -> BentPair:
    """The patient of the moving scan has a linear shape only; that of the fixed scan bends by ``field`` besides."""
    rng = np.random.default_rng((2025, number))
    anatomy = load_anatomy(path)
    center = np.asarray(anatomy.center)
    patient = whole(sample_patient(rng, anatomy, names, strip_chance=0.0))
    bend = sample_deformation(rng).field
    straight = replace(patient.deformation, field=np.zeros_like(bend))
    bent = replace(patient, deformation=replace(straight, field=bend))
    patient = replace(patient, deformation=straight)
    x, y, z = (float(value) for value in center - (np.asarray(SIZE) - 1) / 2 * SPACING)
    grid = Grid(SIZE, (SPACING,) * 3, (x, y, z))
    codes, lesions = locate(anatomy, bent, grid)
    fixed = render(codes, lesions, bent, grid, names[0])
    moving = render(*locate(anatomy, patient, grid), patient, grid, names[1])
    if number % 3 == 0:
        moving = Volume.from_sitk(sitk.BinShrink(moving.to_sitk(), [1, 1, 2]))
    index = np.argwhere(codes > 0)
    index = index[rng.choice(len(index), 4000, replace=False)]
    points = index[:, ::-1] @ grid.affine[:3, :3].T + grid.affine[:3, 3]
    brain = np.isin(codes, [LABELS.index(value) for value in BRAIN])[tuple(index.T)]
    where = ((points - center) / (EXTENT_MM / 2) + 1) / 2 * (LATTICE - 1)
    shift = np.stack([ndimage.map_coordinates(part, where.T[::-1], order=1, mode="nearest") for part in bend], axis=1)
    true = points + shift @ np.linalg.inv(straight.linear).T
    return BentPair(fixed, moving, points, true, brain)


def bent_body(folder: Path, number: int) -> BentPair:
    """The real CT and PET of one scanner, whose headers are the truth but for breathing; the CT is bent."""
    ct, pet = (read_volume(folder / f"CCTH-A01_{name}.nii.gz") for name in ("CT_3mm", "PET_native"))
    return bent_volume(ct, pet, "CT", number, box=pet, knots=(5, 5, 12), size=7.0)


def bent_volume(
    fixed: Volume,
    moving: Volume,
    modality: str,
    number: int,
    *,
    box: Volume | None = None,
    knots: tuple[int, int, int] = (6, 7, 6),
    size: float = 6.0,
) -> BentPair:
    """Two real volumes in one space, the fixed one bent by a random B-spline.

    Args:
        modality: of the fixed volume.
        number: another one bends otherwise.
        box: volume over whose box the B-spline is defined; the fixed one if None.
        knots: intervals between knots along the axes of that box.
        size: standard deviation of its coefficients, mm.
    """
    rng = np.random.default_rng((2026, number))
    bend = sitk.BSplineTransformInitializer((box or fixed).to_sitk(), list(knots))
    bend.SetParameters(rng.normal(0.0, size, len(bend.GetParameters())).tolist())
    outside = -1000.0 if modality == "CT" else float(fixed.array.min())
    bent = resample(fixed, fixed.grid, bend, outside=outside)
    points = spread(build_pyramid(bent, modality).head, number)
    return BentPair(bent, moving, points, map_points(bend, points), np.ones(len(points), bool))
