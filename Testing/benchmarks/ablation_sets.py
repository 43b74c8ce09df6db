"""The two data sets of the ablation: made-up pairs of CT and MRI with lesions, and the real hippocampus (MRI alone).

The pairs are made of whole-head label maps; test patients come from the maps that no model of this library is trained
on. The hippocampus is Task04 of the Medical Segmentation Decathlon with the split of ``hippocampus.py``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from hippocampus import held_out

from MultimodalSegLib.evaluation.dice import GROUPS, LESION
from MultimodalSegLib.images.grid import Grid, Triple
from MultimodalSegLib.images.io import write_volume
from MultimodalSegLib.images.volume import Volume
from MultimodalSegLib.progress import Event, Progress
from MultimodalSegLib.synthesis.anatomy import Anatomy, load_anatomy
from MultimodalSegLib.synthesis.pair import Patient, label_values, locate, render, sample_patient, truth
from MultimodalSegLib.training.data.adapters import read_data_set
from MultimodalSegLib.training.data.case import ImageFile, TrainingCase
from MultimodalSegLib.training.data.classes import LabelClass
from MultimodalSegLib.training.data.data_set import DataSet
from MultimodalSegLib.training.data.description import write_description
from MultimodalSegLib.training.data.labels import LabelFile
from MultimodalSegLib.training.plan import Plan, Size
from MultimodalSegLib.training.samples import brain_center

PAIR = ("CT", "MR")
SPACING, SIDE = 3.0, 64  # mm and voxels: 192 mm, the brain with the skull around it
TRAINING_PATIENTS, TEST_PATIENTS = 48, 12
LEAST_LESION_ML, ATTEMPTS = 3.0, 50
STRUCTURES = tuple(LabelClass(name, number) for number, name in enumerate(GROUPS, 1))
CLASSES = (*STRUCTURES, LabelClass("lesion", LESION, lesion=True))


@dataclass(frozen=True)
class AblationSet:
    """Where a set is, and how large a step on it is.

    Args:
        training: description of the cases that are trained on.
        test: description of those that are scored.
        spacing: millimetres, isotropic.
        crop: (k, j, i) voxels of a sample.
        batch: samples of a step.
        topology: structures whose topology counts.
        mirror_chance: of mirrored samples.
        pairs: it has two modalities.
    """

    training: Path
    test: Path
    spacing: float
    crop: Size
    batch: int
    topology: tuple[str, ...]
    mirror_chance: float
    pairs: bool


def hippocampus_set(data: Path, work: Path) -> AblationSet:
    """Task04, 1 mm; trained on 150 cases and scored on the others.

    Args:
        data: the set, in a layout that the library reads.
        work: folder for the two descriptions.
    """
    found = read_data_set(data)
    parts = (LabelClass("anterior", 1), LabelClass("posterior", 2))
    named = DataSet("hippocampus", found.labelled, parts)
    test = held_out([case.name for case in named.cases])
    training = [case.name for case in named.cases if case.name not in test]
    paths = work / "training.json", work / "test.json"
    for path, names in zip(paths, (training, test), strict=True):
        write_description(named.only(names), path)
    return AblationSet(*paths, 1.0, (64, 64, 64), 2, ("anterior", "posterior"), 0.0, pairs=False)


def synthetic_set(
    labels: Path, work: Path, progress: Progress, patients: tuple[int, int] = (TRAINING_PATIENTS, TEST_PATIENTS)
) -> AblationSet:
    """Pairs of 192 mm at 3 mm with seven groups of structures and a lesion each; made where they are not there yet.

    Args:
        labels: folder of whole-head label maps.
        work: folder for the images and the two descriptions.
        progress: told of each patient.
        patients: how many to train on and to score.
    """
    maps = sorted(labels.glob("*.nii*"))
    apart = [path for path in maps if path.name.split(".")[0] in Plan().held_out]
    sides = ([path for path in maps if path not in apart], apart)
    paths = work / "training.json", work / "test.json"
    for number, (path, found, count) in enumerate(zip(paths, sides, patients, strict=True)):
        if not path.exists():
            cases = a_side(found, count, number, work / path.stem, progress)
            write_description(DataSet("synthetic", cases, CLASSES), path)
    return AblationSet(*paths, SPACING, (SIDE,) * 3, 1, ("ventricles",), 0.5, pairs=True)


def a_side(maps: Sequence[Path], count: int, side: int, folder: Path, progress: Progress) -> tuple[TrainingCase, ...]:
    """Cases of ``count`` patients, of each label map as many as of the others."""
    folder.mkdir(parents=True, exist_ok=True)
    cases = []
    for number, path in enumerate(maps):
        anatomy = load_anatomy(path)
        for n in range(number, count, len(maps)):
            progress(Event("make", len(cases), count, f"{folder.name} {n}"))
            cases.append(a_case(anatomy, (2000, side, n), f"{folder.name}-{n:03d}", folder))
    return tuple(cases)


def a_case(anatomy: Anatomy, key: tuple[int, ...], name: str, folder: Path) -> TrainingCase:
    """Draw a patient with a lesion that is large enough to be seen, and write both scans and the label map."""
    corner = brain_center(anatomy) - (SIDE - 1) / 2 * SPACING
    grid = Grid((SIDE,) * 3, (SPACING,) * 3, triple(corner))
    for attempt in range(ATTEMPTS):
        rng = np.random.default_rng((*key, attempt))
        patient = uncut(sample_patient(rng, anatomy, PAIR, lesion_chance=1.0, strip_chance=0.0))
        codes, lesions = locate(anatomy, patient, grid)
        answer = truth(codes, lesions, patient)
        if answer.lesion.sum() * grid.voxel_ml >= LEAST_LESION_ML:
            break
    images = {}
    for modality in PAIR:
        images[modality] = ImageFile(folder / f"{name}-{modality}.nii.gz")
        write_volume(render(codes, lesions, patient, grid, modality), images[modality].path)
    label = folder / f"{name}-label.nii.gz"
    write_volume(Volume(grouped(label_values(answer)), grid), label)
    return TrainingCase(name, name, images, LabelFile(label), already_aligned=True)


def uncut(patient: Patient) -> Patient:
    """The patient with whole scans: what only one modality covers would pass for what only it shows."""
    whole = partial(replace, view=np.zeros((3, 2)))
    scans = {name: replace(scan, acquisition=whole(scan.acquisition)) for name, scan in patient.scans.items()}
    return replace(patient, scans=scans)


def grouped(values: np.ndarray) -> np.ndarray:
    """Label values as the numbers of their groups, uint8; lesions keep theirs."""
    result = np.where(values == LESION, LESION, 0).astype(np.uint8)
    for entry in STRUCTURES:
        result[np.isin(values, list(GROUPS[entry.name]), kind="table")] = entry.value
    return result


def triple(values: np.ndarray) -> Triple:
    x, y, z = (float(value) for value in values)
    return x, y, z
