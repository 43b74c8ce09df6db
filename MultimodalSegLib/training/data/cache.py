"""Prepared cases on disk, so that reading, registering and resampling happen once."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...checksum import checksum
from ...errors import InputError, MultimodalSegError, OutputError
from ...images.grid import Triple
from ...models.bundle import modality_family
from ...progress import Event, Progress, silent
from .case import TrainingCase
from .classes import LabelClass, class_voxels, structures
from .data_set import DataSet
from .prepare import Arrays, Preparation, prepare

FORMAT_VERSION = 1
RECORD = "case.json"


@dataclass(frozen=True)
class PreparedCase:
    """A case in the cache; its arrays are opened as memory maps when they are asked for.

    Args:
        folder: where the arrays are.
        name: of the case.
        patient: of the case.
        modalities: names of the M images.
        family: number of each image's family.
        spacing: x, y, z, mm.
        shape: (D, H, W).
        low: value of each image where there is nothing, for what lies outside of it.
        labelled: whether there is a truth.
    """

    folder: Path
    name: str
    patient: str
    modalities: tuple[str, ...]
    family: tuple[int, ...]
    spacing: Triple
    shape: tuple[int, int, int]
    low: tuple[float, ...]
    labelled: bool

    @property
    def images(self) -> np.ndarray:
        """(M, D, H, W) float16."""
        return self._array("images")

    @property
    def present(self) -> np.ndarray:
        """(M,) bool, all True: an absent modality has no image here."""
        return np.ones(len(self.modalities), bool)

    @property
    def truth(self) -> np.ndarray:
        """(3, D, H, W) int16: channel, side (+1 left, -1 right, 0 neither) and lesion (0 or 1); 0 without a label."""
        return self._array("truth") if self.labelled else np.broadcast_to(np.int16(0), (3, *self.shape))

    @property
    def places(self) -> np.ndarray:
        """(n, 4) int32: a class (lesions are -1) and a voxel (k, j, i) of it, up to 2000 for each class."""
        return self._array("places") if self.labelled else np.zeros((0, 4), np.int32)

    def _array(self, name: str) -> np.ndarray:
        array: np.ndarray = np.load(self.folder / f"{name}.npy", mmap_mode="r", allow_pickle=False)
        return array

    @classmethod
    def open(cls, folder: Path) -> PreparedCase:
        """A case that is in the cache.

        Raises:
            OSError, ValueError, KeyError, TypeError: it is not, or not whole.
        """
        entry = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        fields: dict[str, Any] = {key: tuple(v) if isinstance(v, list) else v for key, v in entry.items()}
        return cls(folder, **fields)


@dataclass(frozen=True)
class Prepared:
    """A whole set, prepared.

    Args:
        cases: in the order of the set.
        warnings: about images and cases that were left out.
    """

    cases: tuple[PreparedCase, ...]
    warnings: tuple[str, ...] = ()


def prepare_all(
    data_set: DataSet,
    preparation: Preparation,
    cache: Path,
    *,
    skip_unreadable: bool = False,
    progress: Progress = silent,
) -> Prepared:
    """Prepare every case of a set, or take it from the cache if its files and the settings are the same as then.

    Args:
        data_set: with classes (see :func:`~MultimodalSegLib.training.data.data_set.with_classes`) if it has labels.
        preparation: how.
        cache: folder, made if it is not there; gets a folder for each case and its settings.
        skip_unreadable: leave out a case that cannot be used, with a warning, instead of stopping.
        progress: hears of every case, stage ``"prepare"``.

    Raises:
        InputError: a case that cannot be used (named), no case left, no class, a declared modality that no case has,
            or a class that no case has.
        RegistrationError: images of a case that cannot be aligned.
        OutputError: the cache cannot be written.
    """
    if not data_set.classes and data_set.labelled:
        raise InputError(f"The data set {data_set.name!r} names no class.", "Name the classes of its label values.")
    absent = [name for name in data_set.modalities if not any(name in case.images for case in data_set.cases)]
    if absent:
        raise InputError(f"No case has the modality {absent[0]}.", "Remove it from the description.")
    cases, warnings = [], []
    for number, case in enumerate(data_set.cases):
        progress(Event("prepare", number, len(data_set.cases), case.name))
        try:
            prepared, said = _prepared(case, data_set, preparation, cache)
        except OutputError:
            raise
        except MultimodalSegError as error:
            if not skip_unreadable:
                raise
            warnings.append(f"The case {case.name!r} was left out: {error.message}")
            continue
        cases.append(prepared)
        warnings += said
    progress(Event("prepare", len(data_set.cases), len(data_set.cases), ""))
    if not cases:
        raise InputError(f"No case of the data set {data_set.name!r} can be used.", "Run check-data and correct it.")
    _check_classes(cases, data_set.classes)
    return Prepared(tuple(cases), tuple(warnings))


def _check_classes(cases: Sequence[PreparedCase], classes: Sequence[LabelClass]) -> None:
    labelled = [case for case in cases if case.labelled]
    held = {int(number) for case in labelled for number in np.unique(case.places[:, 0])}
    numbers = {number: entry.name for number, entry in enumerate(structures(classes), start=1)}
    lesions = [entry.name for entry in classes if entry.lesion]
    if lesions:
        numbers[-1] = " or ".join(lesions)
    missing = [name for number, name in numbers.items() if labelled and number not in held]
    if missing:
        mm = " x ".join(f"{step:g}" for step in cases[0].spacing)
        raise InputError(
            f"No case has the class {missing[0]!r} at a spacing of {mm} mm.",
            "Remove it from the classes, give a case with it, or choose a finer spacing.",
        )


def _prepared(
    case: TrainingCase, data_set: DataSet, preparation: Preparation, cache: Path
) -> tuple[PreparedCase, list[str]]:
    plain = "".join(letter if letter.isalnum() or letter in "-_." else "_" for letter in case.name)
    folder = cache / f"{plain}-{_key(case, data_set, preparation)[:16]}"
    try:
        return PreparedCase.open(folder), []
    except (OSError, ValueError, KeyError, TypeError):
        arrays = prepare(case, data_set.classes, data_set.ignored, preparation)
    try:
        _write(arrays, case, preparation, folder)
    except OSError as error:
        raise OutputError(
            f"The prepared case {folder} cannot be written: {error.strerror}.", "Free some space, or choose a folder."
        ) from error
    return PreparedCase.open(folder), list(arrays.warnings)


def _key(case: TrainingCase, data_set: DataSet, preparation: Preparation) -> str:
    """What a prepared case depends on: the content of its files and every setting."""
    for path in case.inputs:
        if not path.exists():
            raise InputError(f"Case {case.name!r}: there is no file or folder {path}.", "Check the name.")
    content = {
        "format": FORMAT_VERSION,
        "settings": asdict(preparation),
        "classes": [asdict(entry) for entry in data_set.classes],
        "ignored": data_set.ignored,
        "inputs": [checksum(path) for path in case.inputs],
        "case": [case.name, case.patient, case.reference, case.already_aligned],
        "images": {name: image.part for name, image in case.images.items()},
        "transforms": sorted(case.transforms),
        "label": _without_paths(case),
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()


def _without_paths(case: TrainingCase) -> str:
    """The label as text; where its files lie does not matter."""
    text = repr(case.label)
    for path in case.label.files if case.label else ():
        text = text.replace(repr(path), "file")
    return text


def _write(arrays: Arrays, case: TrainingCase, preparation: Preparation, folder: Path) -> None:
    part = folder.with_name(f".{folder.name}.{os.getpid()}")
    shutil.rmtree(part, ignore_errors=True)
    try:
        part.mkdir(parents=True)
        np.save(part / "images.npy", arrays.images.astype(np.float16))
        if arrays.truth is not None:
            truth = np.stack([arrays.truth.channel, arrays.truth.side, arrays.truth.lesion]).astype(np.int16)
            np.save(part / "truth.npy", truth)
            np.save(part / "places.npy", class_voxels(truth))
        entry = {
            "name": case.name,
            "patient": case.patient,
            "modalities": arrays.modalities,
            "family": [
                preparation.families.index(modality_family(name, preparation.families)) for name in arrays.modalities
            ],
            "spacing": preparation.spacing,
            "shape": arrays.grid.shape,
            "low": [float(image.min()) for image in arrays.images],
            "labelled": arrays.truth is not None,
        }
        (part / RECORD).write_text(json.dumps(entry, indent=2), encoding="utf-8")
        shutil.rmtree(folder, ignore_errors=True)  # one that is not whole
        os.replace(part, folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)
