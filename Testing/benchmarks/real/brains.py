"""Real brains with automatic labels, and templates with tissue maps or atlases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from scipy import ndimage
from trial import BRAIN, MEAN, Trial

from MultimodalSegLib.evaluation.dice import GROUPS, WHOLE_BRAIN
from MultimodalSegLib.evaluation.parcellations import AAL, GIF, relabel
from MultimodalSegLib.evaluation.structures import structures
from MultimodalSegLib.images.grid import Grid
from MultimodalSegLib.images.io import read_labels, read_volume
from MultimodalSegLib.images.resample import resample
from MultimodalSegLib.images.volume import Volume

TISSUES = {
    "white matter": GROUPS["white matter"] | {7, 46, 16},
    "gray matter": GROUPS["gray matter"] | (GROUPS["deep gray"] - {28, 60}) | {8, 47},
    "brain tissue": WHOLE_BRAIN - GROUPS["ventricles"],
}
"""Tissue maps know no structures; brain stem counts as white matter, the ventral diencephalon only as brain."""


def seeg_brain(data: Path) -> Iterator[Trial]:
    """Skull-stripped T1 against FreeSurfer's automatic labels."""
    yield Trial(
        "T1",
        {"T1": read_volume(data / "seeg_brain.nii.gz")},
        read_labels(data / "seeg_aseg.nii.gz"),
        BRAIN,
        (MEAN, "whole brain", "cerebral white matter", "cerebral cortex"),
        healthy=True,
        note="truth: FreeSurfer aseg, automatic; the image is skull-stripped",
    )


def fpg_t2(data: Path) -> Iterator[Trial]:
    """Clinical MRI of 5.5 mm slices against a parcellation of the same person's T1."""
    volume = read_volume(data / "fpg_t2.nii.gz")
    answer = relabel(read_labels(data / "fpg_t1_seg_gif.nii.gz"), GIF)
    yield Trial(
        "MR",
        {"MR": volume},
        resample(answer, volume.grid, labels=True),
        BRAIN,
        (MEAN, "whole brain", "cerebral white matter", "cerebral cortex"),
        healthy=True,
        note="truth: GIF parcellation (automatic) of the T1, sampled at the middle of 5.5 mm slices; basal forebrain "
        "and vessels of GIF have no counterpart",
    )


def templates(data: Path) -> Iterator[Trial]:
    """Templates against tissue maps above one half, the AAL atlas, and the outline of a stripped CT."""
    icbm = read_volume(data / "mni_icbm152_t1_tal_nlin_sym_09a_converted.nii.gz")
    maps = [data / f"mni_icbm152_{name}_tal_nlin_sym_09a_converted.nii.gz" for name in ("wm", "gm")]
    yield Trial(
        "ICBM152 T1",
        {"T1": icbm},
        icbm.with_array(tissue_labels(*maps, icbm.grid)),
        TISSUES,
        tuple(TISSUES),
        healthy=True,
        note="truth: tissue maps above one half; skull-stripped average of many brains",
    )
    atlas = relabel(read_labels(data / "aal.nii.gz"), AAL)
    nuclei = {name: values for name, values in structures().items() if values & set(AAL.values())}
    yield Trial(
        "Colin27 T1",
        {"T1": read_volume(data / "ch2.nii.gz")},
        atlas,
        nuclei,
        tuple(nuclei),
        healthy=True,
        note="truth: AAL, drawn generously; only its deep nuclei, hippocampus and amygdala",
    )
    ct = read_volume(data / "ts_ct_brain_atlas_1mm.nii.gz")
    brain = ndimage.binary_fill_holes(ct.array != 0)
    yield Trial(
        "CT atlas, skull-stripped",
        {"CT": ct},
        ct.with_array(np.where(brain, 2, 0).astype(np.uint16)),
        {"brain with fluid": WHOLE_BRAIN | {24}},
        ("brain with fluid",),
        healthy=True,
        note="truth: what is not exactly 0 HU; outside the brain the image is 0 HU, not air, as it comes",
    )


def tissue_labels(white: Path, gray: Path, grid: Grid) -> np.ndarray:
    """2 where a tissue map of white matter is above half of its maximum, 3 where gray matter is, uint16 (k, j, i)."""
    w, g = (_share(read_volume(path), grid) for path in (white, gray))
    return np.where(np.maximum(w, g) > 0.5, np.where(w >= g, 2, 3), 0).astype(np.uint16)


def _share(map_: Volume, grid: Grid) -> np.ndarray:
    return resample(map_, grid).array / float(map_.array.max())
