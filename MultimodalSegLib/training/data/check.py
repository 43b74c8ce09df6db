"""A whole data set read once before training, with everything that is wrong in one list."""

from __future__ import annotations

import hashlib
import warnings
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from ...errors import InputError
from ...images.grid import same_grid
from ...images.resample import coverage
from ...images.volume import Volume
from ...progress import Event, Progress, silent
from .case import TrainingCase
from .check_image import check_finite, check_orientation, check_synthetic, check_units
from .check_label import check_label
from .classes import LabelClass
from .data_set import DataSet
from .labels import LabelFile
from .problems import Problem, error, warning
from .splits import Split

FAR_SPACING = 3.0
"""Times by which a spacing may differ from the median of its modality along that axis."""
LEAST_COVERED = 0.05


@dataclass
class Findings:
    """What was seen on the way through a data set.

    Args:
        problems: in the order in which they were found.
        contents: places (case, modality, patient) of every image by the checksum of its voxels.
        spacings: (case, spacing in mm) of every image by modality.
        held: cases by label value.
    """

    problems: list[Problem] = field(default_factory=list)
    contents: dict[str, list[tuple[str, str, str]]] = field(default_factory=lambda: defaultdict(list))
    spacings: dict[str, list[tuple[str, tuple[float, ...]]]] = field(default_factory=lambda: defaultdict(list))
    held: dict[int, set[str]] = field(default_factory=lambda: defaultdict(set))


def check_data(data_set: DataSet, splits: Sequence[Split] = (), progress: Progress = silent) -> list[Problem]:
    """Read every file of a data set and list what is wrong; a bad file does not end the check.

    Args:
        data_set: if it names no classes, every label value is allowed.
        splits: looked at for patients that are on two sides.
        progress: hears of every case, stage ``"check"``.

    Returns:
        Errors first, then warnings, each in the order of the cases; empty if nothing is wrong.
    """
    findings = Findings()
    for number, case in enumerate(data_set.cases):
        progress(Event("check", number, len(data_set.cases), case.name))
        findings.problems += _check_case(case, data_set, findings)
    progress(Event("check", len(data_set.cases), len(data_set.cases), ""))
    findings.problems += [*_check_set(data_set, findings), *_check_splits(data_set, splits)]
    return sorted(findings.problems, key=lambda problem: problem.severity != "error")


def _check_case(case: TrainingCase, data_set: DataSet, findings: Findings) -> Iterator[Problem]:
    volumes: dict[str, Volume] = {}
    for modality, image in case.images.items():
        try:
            with warnings.catch_warnings(record=True) as said:
                warnings.simplefilter("always")
                volumes[modality] = image.read()
        except InputError as problem:
            yield error(case.name, problem.message, problem.hint)
            continue
        yield from (warning(case.name, str(entry.message), "Check that the right series is used.") for entry in said)
        yield from check_orientation(case.name, modality, image.path)
        yield from check_finite(case.name, modality, image.path)
        yield from check_synthetic(case.name, modality, volumes[modality])
        yield from check_units(case.name, modality, volumes[modality])
        digest = hashlib.sha256(volumes[modality].array.tobytes()).hexdigest()
        findings.contents[digest].append((case.name, modality, case.patient))
        findings.spacings[modality].append((case.name, volumes[modality].grid.spacing))
    yield from _check_places(case, volumes)
    if case.label is None:
        yield warning(case.name, "The case has no label.", "Draw one, or use the case for pre-training only.")
    elif case.reference in volumes:
        yield from _check_label(case, volumes[case.reference], data_set, findings)


def _check_label(case: TrainingCase, reference: Volume, data_set: DataSet, findings: Findings) -> Iterator[Problem]:
    label = case.label
    if label is None:
        return
    missing = [path for path in label.files if not path.exists()]
    if missing:
        yield error(case.name, f"The label {missing[0]} is missing.", "Copy or draw it, or leave the case out.")
        return
    try:
        volume = label.read(reference.grid)
    except InputError as problem:
        yield error(case.name, problem.message, problem.hint)
        return
    if isinstance(label, LabelFile):
        yield from check_orientation(case.name, "label", label.path)
    values = {int(value) for value in np.unique(volume.array)} - {0}
    for value in values:
        findings.held[value].add(case.name)
    classes = data_set.classes or [LabelClass(f"label {value}", value) for value in values if value > 0]
    yield from check_label(case.name, volume, reference, classes, data_set.ignored)


def _check_places(case: TrainingCase, volumes: dict[str, Volume]) -> Iterator[Problem]:
    """Images that are said to agree in space but show different places."""
    reference = volumes.get(case.reference)
    if reference is None or not case.already_aligned:
        return
    for modality, volume in volumes.items():
        if modality in case.transforms or same_grid(volume.grid, reference.grid):
            continue
        if max(coverage(volume, reference.grid), coverage(reference, volume.grid)) < LEAST_COVERED:
            text = f"The images {modality} and {case.reference} should be aligned but show different places."
            yield error(case.name, text, "Set already_aligned to no, so that they are registered.")


def _check_set(data_set: DataSet, findings: Findings) -> Iterator[Problem]:
    for places in findings.contents.values():
        if len(places) > 1:
            listed = ", ".join(f"{modality} of {case}" for case, modality, _ in places)
            text = f"The same image occurs {len(places)} times: {listed}."
            yield error(places[1][0], text, "Remove the copies, or give the right files.")
    for modality, given in findings.spacings.items():
        usual = np.median([spacing for _, spacing in given], axis=0)
        for case, spacing in given:
            ratio = np.maximum(spacing / usual, usual / spacing)
            if ratio.max() > FAR_SPACING:
                mm = " x ".join(f"{step:.3g}" for step in spacing)
                text = (
                    f"The {modality} has a spacing of {mm} mm, the median is {' x '.join(f'{u:.3g}' for u in usual)}."
                )
                yield warning(case, text, "Check the header; if it is right, the case may be of little use.")
    for modality in data_set.modalities:
        if not any(modality in case.images for case in data_set.cases):
            text = f"No case has the modality {modality}."
            yield error("", text, "Remove it from the description, or give its images.")
    yield from _check_classes(data_set, findings)


def _check_classes(data_set: DataSet, findings: Findings) -> Iterator[Problem]:
    if not data_set.labelled:
        yield error("", "No case has a label.", "Give labels; without them only pre-training is possible.")
        return
    if not findings.held:
        yield error("", "Every label is empty or unreadable.", "Check where the labels are.")
        return
    for entry in data_set.classes:
        for value in entry.values:
            cases = findings.held.get(value, set())
            patients = {case.patient for case in data_set.cases if case.name in cases}
            if not patients:
                text = f"The class {entry.name!r} (label value {value}) occurs in no case."
                yield error("", text, "Remove it from the classes, or give a case that has it.")
            elif len(patients) == 1 and len({case.patient for case in data_set.labelled}) > 1:
                text = f"The class {entry.name!r} (label value {value}) occurs in one patient only ({min(cases)})."
                yield warning("", text, "It cannot be both trained and tested.")


def _check_splits(data_set: DataSet, splits: Sequence[Split]) -> Iterator[Problem]:
    patients = {case.name: case.patient for case in data_set.cases}
    for number, split in enumerate(splits):
        sides: dict[str, set[str]] = defaultdict(set)
        for side, names in split.items():
            for name in names:
                if name in patients:
                    sides[patients[name]].add(side)
                else:
                    text = f"Split {number} names the case {name!r}, which the data set does not have."
                    yield error("", text, "Make the splits again.")
        for patient, found in sides.items():
            if len(found) > 1:
                text = f"The patient {patient!r} is on several sides of split {number}: {', '.join(sorted(found))}."
                yield error("", text, "Make the splits again, or correct the patient of the cases.")
