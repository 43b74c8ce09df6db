"""The layout of BraTS 2023: one folder a scan, ``BraTS-GLI-00000-000/BraTS-GLI-00000-000-t1c.nii.gz``.

Source: Baid et al., arXiv 2107.02314 (the labels), and the challenge's description of 2023 (the names).
"""

from __future__ import annotations

import re
from pathlib import Path

from ..case import ImageFile, TrainingCase
from ..classes import LabelClass
from ..labels import LabelFile
from .names import image_files, modality

LOOKED_FOR = "folders named like BraTS-GLI-00000-000 with files -t1n, -t1c, -t2w, -t2f and -seg (BraTS 2023)"
FOLDER = re.compile(r"(BraTS-[A-Za-z]+-\d+)-\d{3}")
CLASSES = (LabelClass("necrotic tumor core", 1), LabelClass("edema", 2), LabelClass("enhancing tumor", 3))


def fits(path: Path) -> bool:
    """Whether a folder has this layout."""
    return any(_folders(path))


def find(path: Path) -> list[TrainingCase]:
    """The scans; those of one patient at different times share the patient. A scan without ``-seg`` is unlabelled."""
    cases = []
    for folder in _folders(path):
        files = {name.removeprefix(f"{folder.name}-"): file for name, file in image_files(folder).items()}
        label = files.pop("seg", None)
        images = {modality(name): ImageFile(file) for name, file in files.items()}
        if images:
            patient = folder.name.rpartition("-")[0]
            label_file = LabelFile(label) if label else None
            cases.append(TrainingCase(folder.name, patient, images, label_file, already_aligned=True))
    return cases


def classes(path: Path) -> tuple[LabelClass, ...]:
    """The three parts of a glioma."""
    return CLASSES


def _folders(path: Path) -> list[Path]:
    return sorted(folder for folder in path.iterdir() if folder.is_dir() and FOLDER.fullmatch(folder.name))
