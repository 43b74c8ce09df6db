"""Volumes without labels from whatever folder they lie in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from ...errors import InputError
from ...images.case import MODALITIES
from ...images.dicom import list_series
from .adapters import LAYOUTS, read_data_set
from .case import ImageFile, TrainingCase
from .data_set import DataSet
from .layouts.names import LABEL_NAMES, image_files, modality

SCANNERS = ("CT", "MR", "PT")
"""DICOM's names of the modalities that a network can see."""

LABEL_FOLDERS = ("labels", "labelstr", "labelsts", "masks")


def unlabelled(path: Path, kind: str = "") -> DataSet:
    """The volumes of a data set; labels that it may have are left out and never read.

    Args:
        path: a data set (see :func:`~MultimodalSegLib.training.data.adapters.read_data_set`), or a folder with volumes
            in any arrangement, in which each file and each DICOM series is a patient of its own.
        kind: modality of all files of such a folder; if empty, the files' names end in it (``anna_CT.nii.gz``,
            ``bob-T1.nrrd``). DICOM series say their own. Files and folders named as labels are left out.

    Raises:
        InputError: no volume, or volumes of which nothing says the modality.

    Example:
        >>> data_set = unlabelled(Path("archive"), "MR")        # doctest: +SKIP
        >>> len(data_set.cases), data_set.families              # doctest: +SKIP
        (412, ('MR',))
    """
    if not path.exists():
        raise InputError(f"There is no folder {path}.", "Check the name.")
    if path.is_file() or (not kind and any(layout.fits(path) for layout in LAYOUTS.values())):
        known = read_data_set(path)
        cases = tuple(replace(case, label=None) for case in known.cases)
    else:
        cases = (*_files(path, kind), *_series(path))
    if not cases:
        raise InputError(
            f"{path} holds no volume to learn from.", "Give a folder with NIfTI, NRRD, MetaImage or DICOM volumes."
        )
    return DataSet(path.resolve().name, cases)


def _files(folder: Path, kind: str) -> Iterator[TrainingCase]:
    """A case for each file of a folder and the folders below it."""
    below = [folder, *sorted(entry for entry in folder.rglob("*") if entry.is_dir())]
    for place in (entry for entry in below if entry.name.lower() not in LABEL_FOLDERS):
        for name, file in image_files(place).items():
            if name.lower() in LABEL_NAMES:
                continue
            case = "-".join((*place.relative_to(folder).parts, name))
            yield TrainingCase(case, case, {modality(kind) if kind else _told_by(file, name): ImageFile(file)})


def _told_by(file: Path, name: str) -> str:
    """The modality with which a file's name ends."""
    found = modality(name.replace("-", "_").replace(" ", "_").split("_")[-1])
    if found not in MODALITIES:
        raise InputError(
            f"Nothing says what kind of image {file} is.",
            f"Let its name end in one of _{', _'.join(MODALITIES)}, or say it for all, such as pretrain --modality MR.",
        )
    return found


def _series(folder: Path) -> Iterator[TrainingCase]:
    """A case for each DICOM series of a folder and the folders below it."""
    for series in list_series(folder):
        if series.modality in SCANNERS:
            place = series.slices[0].path.parent
            yield TrainingCase(series.uid, series.uid, {modality(series.modality): ImageFile(place, series.uid)})
