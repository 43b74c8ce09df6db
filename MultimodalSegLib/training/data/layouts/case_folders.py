"""The plain layout: one folder a case, files named by their modality, and ``label`` or a folder ``masks``."""

from __future__ import annotations

from pathlib import Path

from ..case import ImageFile, TrainingCase
from ..classes import LabelClass, pair_sides
from ..labels import LabelFile, LabelSource, MaskFiles
from .names import LABEL_NAMES, folders_of, image_files, modality, stem

LOOKED_FOR = "one folder a case with files named CT, MR, T1, T1C, T2, FLAIR, PET and label, or a folder masks"
KNOWN = ("CT", "MR", "T1", "T1C", "T2", "FLAIR", "PET")


def fits(path: Path) -> bool:
    """Whether a folder has this layout."""
    return any(_images(folder) for folder in folders_of(path))


def find(path: Path) -> list[TrainingCase]:
    """The cases, each counted as a patient of its own, to be aligned where their grids differ.

    A folder without an image whose name tells its modality is passed over.
    """
    values = _mask_values(path)
    cases = []
    for folder in folders_of(path):
        images = _images(folder)
        if images:
            cases.append(TrainingCase(folder.name, folder.name, images, _label(folder, values)))
    return cases


def classes(path: Path) -> tuple[LabelClass, ...]:
    """Named by the files of masks; not known for label maps."""
    return pair_sides(_mask_values(path))


def _images(folder: Path) -> dict[str, ImageFile]:
    files = {modality(name): file for name, file in image_files(folder).items() if name.lower() not in LABEL_NAMES}
    return {name: ImageFile(files[name]) for name in KNOWN if name in files}


def _label(folder: Path, values: dict[str, int]) -> LabelSource | None:
    files = {name.lower(): file for name, file in image_files(folder).items()}
    named = next((files[name] for name in LABEL_NAMES if name in files), None)
    if named:
        return LabelFile(named)
    if not (folder / "masks").is_dir():
        return None
    return MaskFiles({values[name]: file for name, file in image_files(folder / "masks").items()})


def _mask_values(path: Path) -> dict[str, int]:
    """Label value by name of the structure: numbered in the order of the names, over all cases."""
    names = sorted({stem(file) for file in path.glob("*/masks/*") if stem(file)})
    return {name: number for number, name in enumerate(names, start=1)}
