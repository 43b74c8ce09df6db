"""Real CT: bone against a threshold of Hounsfield units, all in the skull against the space that bone encloses."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from brains import TISSUES, tissue_labels
from scipy import ndimage
from trial import Trial

from MultimodalSegLib.evaluation.dice import GROUPS, WHOLE_BRAIN
from MultimodalSegLib.images.io import read_volume
from MultimodalSegLib.images.volume import Volume

BONE_HU, SKIN_HU = 300.0, -300.0
WIDEST_HOLE = 40.0  # mm, across the foramen magnum
SKULL = {"bone": GROUPS["bone"], "intracranial": WHOLE_BRAIN | {24}}
CORMACK, HOUNSFIELD = (0.0, 900.0, 3100.0, 5000.0), (-1000.0, -100.0, 100.0, 2000.0)
"""Cormack units give -100..100 HU eleven times their range (Rorden et al., NeuroImage 61:957, 2012)."""


def head_ct(data: Path) -> Iterator[Trial]:
    ct = read_volume(data / "head_ct_ge_untilted_0.98x0.98x2mm.nii.gz")
    yield Trial(
        "CT",
        {"CT": ct},
        ct.with_array(skull_labels(ct)),
        SKULL,
        tuple(SKULL),
        healthy=True,
        note="truth: HU > 300 in the head, and the space that it encloses; large ventricles, judge them by eye",
    )


def clin_scct(data: Path) -> Iterator[Trial]:
    """CT template of older adults with its tissue maps."""
    raw = read_volume(data / "clin_scct.nii.gz")
    ct = raw.with_array(np.interp(raw.array, CORMACK, HOUNSFIELD).astype(np.float32))
    tissue = tissue_labels(data / "clin_scwhite.nii.gz", data / "clin_scgrey.nii.gz", ct.grid)
    fluid = read_volume(data / "clin_sccsf.nii.gz").array > 0.5
    bone = skull_labels(ct) == 515
    answer = np.where(tissue > 0, tissue, np.where(bone, 515, np.where(fluid, 24, 0))).astype(np.uint16)
    yield Trial(
        "CT",
        {"CT": ct},
        ct.with_array(answer),
        SKULL | TISSUES,
        (*SKULL, *TISSUES),
        healthy=True,
        note="truth: HU > 300, tissue maps above one half (all three: intracranial); an average of many heads, 2 mm, "
        "without thin bone",
    )


def skull_labels(ct: Volume) -> np.ndarray:
    """515 for bone and 24 for all that it encloses, uint16 (k, j, i).

    A watershed of the distance to bone parts the inside of the skull from the rest of the world where the holes
    between them are narrowest.
    """
    head = ndimage.binary_fill_holes(largest(ndimage.binary_opening(ct.array > SKIN_HU, iterations=3)))
    bone = (ct.array > BONE_HU) & ndimage.binary_dilation(head, iterations=2)
    distance = ndimage.distance_transform_edt(~bone, sampling=ct.grid.spacing[::-1]).astype(np.float32)
    deep = distance > WIDEST_HOLE / 2
    markers = np.where(deep & ~head, 2, 0).astype(np.uint8)
    markers[largest(deep & head)] = 1
    basins = sitk.MorphologicalWatershedFromMarkers(
        sitk.GetImageFromArray(-distance), sitk.GetImageFromArray(markers), markWatershedLine=False
    )
    inside = (sitk.GetArrayFromImage(basins) == 1) & head & ~bone
    return np.where(bone, 515, np.where(inside, 24, 0)).astype(np.uint16)


def largest(mask: np.ndarray) -> np.ndarray:
    """The largest connected piece of a mask."""
    parts, _ = ndimage.label(mask)
    found: np.ndarray = parts == np.bincount(parts.ravel())[1:].argmax() + 1
    return found
