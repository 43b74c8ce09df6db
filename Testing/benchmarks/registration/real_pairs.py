"""Real volumes and templates, moved in known ways or registered there and back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from motions import perturbations
from pairs import Made, Pair, moved, spread

from MultimodalSegLib.images.io import read_volume
from MultimodalSegLib.registration.pyramid import build_pyramid

ICBM = "mni_icbm152_{}_tal_nlin_sym_09a_converted.nii.gz"
CORMACK, HOUNSFIELD = (0.0, 900.0, 3100.0, 5000.0), (-1000.0, -100.0, 100.0, 2000.0)
"""Cormack units give -100..100 HU eleven times their range (Rorden et al., NeuroImage 61:957, 2012)."""
HEAD_MIDDLE, BODY_SHIFT, BODY_TURN = np.array([0.0, 20.0, 10.0]), (10.0, 40.0), (5.0, 15.0)
RIRE = np.array(
    [
        [0.997000, 0.077380, -0.001818, 5.0369],
        [-0.077398, 0.996450, -0.033132, -17.4969],
        [-0.000752, 0.033173, 0.999449, -27.1650],
        [0.0, 0.0, 0.0, 1.0],
    ]
)
"""From points of the CT to points of the T1 of RIRE's training_001, mm, as published."""


def templates(folder: Path, count: int) -> Iterator[Pair]:
    """CT template and ICBM's T1: two populations, so results are compared with each other, not with a truth."""

    def make(motion: np.ndarray) -> Made:
        raw, t1 = read_volume(folder / "clin_scct.nii.gz"), read_volume(folder / ICBM.format("t1"))
        ct = raw.with_array(np.interp(raw.array, CORMACK, HOUNSFIELD).astype(np.float32))
        gray, white = (read_volume(folder / ICBM.format(name)) for name in ("gm", "wm"))
        return ct, moved(t1, motion), motion, spread(gray.with_array(gray.array + white.array > 0.5))

    for number, motion in enumerate(perturbations(count, HEAD_MIDDLE)):
        yield Pair(f"templates-{number}", "templates CT-T1", ("CT", "T1"), "undone", lambda m=motion: make(m))


def remind(folder: Path) -> Iterator[Pair]:
    """T1 and T2 of one patient in different frames of reference, there and back."""
    t1, t2 = (folder / f"ReMIND-022_{name}.nii.gz" for name in ("T1post", "T2SPACE"))

    def make(first: Path, second: Path) -> Made:
        fixed = read_volume(first)
        points = fixed.grid.corners.mean(axis=0) + np.random.default_rng(0).uniform(-50.0, 50.0, (2000, 3))
        return fixed, read_volume(second), np.eye(4), points

    yield Pair("remind-there", "remind-022 T1-T2", ("T1C", "T2"), "round trip", lambda: make(t1, t2))
    yield Pair("remind-back", "remind-022 T1-T2", ("T2", "T1C"), "round trip", lambda: make(t2, t1))


def ct_pet(folder: Path, count: int) -> Iterator[Pair]:
    """CT and PET of one scanner: its headers are the truth, apart from breathing."""

    def make(motion: np.ndarray) -> Made:
        ct, pet = (read_volume(folder / f"CCTH-A01_{name}.nii.gz") for name in ("CT_3mm", "PET_native"))
        return ct, moved(pet, motion), motion, spread(build_pyramid(ct, "CT").head)

    for number, motion in enumerate(perturbations(count, np.zeros(3), BODY_TURN, BODY_SHIFT)):
        yield Pair(f"ct-pet-{number}", "ct-pet-body", ("CT", "PET"), "truth", lambda m=motion: make(m))


def rire(folder: Path) -> Iterator[Pair]:
    """Patient training_001 of the Retrospective Image Registration Evaluation, which users fetch themselves."""

    def make() -> Made:
        ct, t1 = (next(folder.rglob(f"training_001_{name}.mh[ad]")) for name in ("ct", "mr_T1"))
        fixed = read_volume(ct)
        return fixed, read_volume(t1), RIRE, spread(build_pyramid(fixed, "CT").head)

    yield Pair("rire-001", "RIRE CT-T1", ("CT", "T1"), "truth", make)
