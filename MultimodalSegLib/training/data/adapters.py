"""Which layout a folder of images has, and the data set in it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import ModuleType

from ...errors import InputError
from .data_set import DataSet
from .description import is_description, read_description
from .layouts import brats, case_folders, ct_pet, decathlon, luna16, nnunet, paired_folders, training_cases
from .table import read_table

LAYOUTS: dict[str, ModuleType] = {
    "decathlon": decathlon,
    "nnunet": nnunet,
    "brats": brats,
    "luna16": luna16,
    "training-cases": training_cases,
    "paired-folders": paired_folders,
    "case-folders": case_folders,
    "ct-pet": ct_pet,
}
"""In the order in which they are tried: what is surer, and quicker to see, first."""


def detect(path: Path) -> str:
    """The name of the layout in :data:`LAYOUTS` that a folder has.

    Raises:
        InputError: the folder is missing or empty, or has none of the layouts; says what was looked for.
    """
    if not path.is_dir():
        raise InputError(f"There is no folder {path}.", "Check the name.")
    if not any(path.iterdir()):
        raise InputError(f"The folder {path} is empty.", "Give a folder with the images of a data set.")
    for name, layout in LAYOUTS.items():
        if layout.fits(path):
            return name
    looked_for = "; ".join(layout.LOOKED_FOR for layout in LAYOUTS.values())
    raise InputError(
        f"The images in {path} are arranged in no way that is known. Looked for: {looked_for}.",
        "Arrange them like one of these, or list them in a table (CSV) with the columns case, patient, one for each "
        "modality, and label.",
    )


def read_data_set(path: Path, layout: str = "") -> DataSet:
    """The data set in a folder, a table or a description.

    Args:
        path: a folder in one of :data:`LAYOUTS`, a ``.csv`` table, or a ``.json`` description.
        layout: which one; found out if empty.

    Raises:
        InputError: no such layout, nothing that fits, or no case in it.

    Example:
        >>> data_set = read_data_set(Path("Task04_Hippocampus"))        # doctest: +SKIP
        >>> [entry.name for entry in data_set.classes]                  # doctest: +SKIP
        ['Anterior', 'Posterior']
    """
    if layout and layout not in LAYOUTS:
        raise InputError(f"There is no layout {layout!r}.", f"Use one of {', '.join(LAYOUTS)}.")
    if path.suffix.lower() == ".csv":
        return read_table(path)
    if path.is_file() and path.suffix.lower() == ".json":
        if path.name == "dataset.json" and not is_description(path):
            return read_data_set(path.parent, layout)
        return read_description(path)
    chosen = LAYOUTS[layout or detect(path)]
    cases = chosen.find(path)
    if not cases:
        raise InputError(f"{path} holds no case. Looked for: {chosen.LOOKED_FOR}.", "Check the folder.")
    data_set = DataSet(path.resolve().name, tuple(cases), chosen.classes(path))
    if chosen is nnunet:  # the only one that promises modalities and has values that are no class
        data_set = replace(data_set, declared=nnunet.declared(path), ignored=nnunet.ignored(path))
    return data_set
