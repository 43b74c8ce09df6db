"""Images without labels as the source of a run: whatever is learnt of them, a teacher says."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

from ..errors import InputError
from ..models.bundle import modality_family
from ..progress import Progress, silent
from .data.adapters import detect, read_data_set
from .data.cache import prepare_all
from .data.case import ImageFile, TrainingCase
from .data.data_set import DataSet
from .data.layouts.names import LABEL_NAMES, image_files, modality
from .data.prepare import Preparation
from .data_source import CaseSamples, prepared_as
from .initial.known import KnownModel
from .plan import Plan
from .source import Source


def read_images(folder: Path) -> DataSet:
    """The images of a folder without their labels, if there are any.

    Args:
        folder: in a layout of data sets, a table, a description, or a folder of files whose names end in their modality
            (``anna_CT.nii.gz``, ``bob-T1.nrrd``); each such file is a case.

    Raises:
        InputError: no image, or one whose name does not tell its modality.
    """
    if folder.is_dir() and not _has_layout(folder):
        files = {name: path for name, path in image_files(folder).items() if name.lower() not in LABEL_NAMES}
        cases = [TrainingCase(name, name, {_modality(name): ImageFile(path)}) for name, path in files.items()]
        if not cases:
            raise InputError(f"{folder} holds no image.", "Give a folder with NIfTI, NRRD or MetaImage files.")
        return DataSet(folder.resolve().name, tuple(cases))
    found = read_data_set(folder)
    return replace(found, cases=tuple(replace(case, label=None) for case in found.cases), classes=(), ignored=())


def unlabelled_source(plan: Plan, teacher: KnownModel, cache: Path, progress: Progress = silent) -> Source:
    """Prepare the images of a folder as the teacher needs them; the classes are the teacher's.

    Args:
        plan: with ``images``.
        teacher: from whom the student learns.
        cache: folder for prepared cases.
        progress: told of each case.

    Raises:
        InputError: no image, or one of a modality that the teacher does not know.
    """
    data_set = read_images(Path(plan.images))
    strange = [name for name in data_set.modalities if modality_family(name, teacher.families) not in teacher.families]
    if strange:
        raise InputError(
            f"The teacher {teacher.title} cannot use {strange[0]} images; it knows {', '.join(teacher.families)}.",
            f"Take the {strange[0]} images out of {plan.images}, or choose another teacher.",
        )
    ways = teacher.normalization
    preparations = {
        stage.spacing: Preparation((stage.spacing,) * 3, teacher.families, plan.registration, ways)
        for stage in plan.stages
    }
    prepared = {
        spacing: prepare_all(data_set, preparation, cache, progress=progress).cases
        for spacing, preparation in preparations.items()
    }
    shaded = tuple(n for n, family in enumerate(teacher.families) if family == "MR")
    last = plan.stages[-1]
    about = {
        "description": teacher.metadata["description"],
        "license": teacher.metadata["license"],
        "training_data": f"{len(data_set.cases)} cases of {data_set.name} without labels, seen by {teacher.title}.",
        "limits": teacher.metadata["limits"],
    }
    return Source(
        partial(CaseSamples, prepared, shaded, labelled=False),
        (),
        teacher.families,
        teacher.classes,
        teacher.lesion,
        about | prepared_as(preparations[last.spacing], last),
    )


def _has_layout(folder: Path) -> bool:
    try:
        return bool(detect(folder))
    except InputError:
        return False


def _modality(name: str) -> str:
    """The modality that ends a file's name."""
    last = name.replace("-", "_").replace(" ", "_").split("_")[-1]
    found = modality(last)
    if found not in ("CT", "PET", "MR", "T1", "T1C", "T2", "FLAIR"):
        raise InputError(
            f"The name of the image {name!r} does not tell its modality.",
            "Let it end in _CT, _MR, _T1, _T1C, _T2, _FLAIR or _PET, or list the images in a table (CSV).",
        )
    return found
