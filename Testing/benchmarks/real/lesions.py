"""Real lesions: multiple sclerosis, stroke and tumors."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from trial import LESIONS, Trial

from MultimodalSegLib.evaluation.dice import LESION
from MultimodalSegLib.images.io import read_labels, read_volume
from MultimodalSegLib.images.volume import Volume

SEQUENCES = ("FLAIR", "T1", "T2")


def open_ms(data: Path) -> Iterator[Trial]:
    """Two patients, every sequence alone and all together, against the consensus of several raters."""
    for patient in ("07", "19"):
        folder = data / f"patient{patient}"
        truth = mask(folder / "GOLD_STANDARD.nii.gz")
        volumes = {name: read_volume(folder / f"{name}.nii.gz") for name in SEQUENCES}
        for names in (SEQUENCES, *((name,) for name in SEQUENCES)):
            yield Trial(
                f"patient {patient} {' + '.join(names)}",
                {name: volumes[name] for name in names},
                truth,
                LESIONS,
                ("lesion",),
                note="truth: consensus of raters, white-matter lesions of multiple sclerosis; skull-stripped",
            )


def remind(data: Path) -> Iterator[Trial]:
    """Glioma: T1 after contrast agent, and T2 of another frame of reference, registered."""
    files = {"T1C": "ReMIND-022_T1post", "T2": "ReMIND-022_T2SPACE"}
    yield Trial(
        "T1C + T2, registered",
        {name: read_volume(data / f"{file}.nii.gz") for name, file in files.items()},
        mask(data / "ReMIND-022_T1post_tumor_seg.nii.gz"),
        LESIONS,
        ("lesion",),
        register=True,
        note="truth: expert mask of 0.8 ml; a larger abnormality shows on T2, so a low Dice need not be wrong",
    )


def stroke_mr(data: Path) -> Iterator[Trial]:
    yield Trial(
        "T2",
        {"T2": read_volume(data / "clin_T2.nii.gz")},
        mask(data / "clin_lesionT2.nii.gz"),
        LESIONS,
        ("lesion",),
        note="truth: infarct drawn by hand",
    )


def clinical_mr(data: Path) -> Iterator[Trial]:
    yield Trial(
        "T1C",
        {"T1C": read_volume(data / "pyrad_brain1_image.nrrd")},
        mask(data / "pyrad_brain1_label.nrrd"),
        LESIONS,
        ("lesion",),
        note="truth: one tumor; slices of 6.5 mm",
    )


def mask(path: Path) -> Volume:
    """A lesion mask as a label map."""
    read = read_labels(path)
    return read.with_array(np.where(read.array > 0, LESION, 0).astype(np.uint16))
