"""A small data set of real files, prepared once."""

from pathlib import Path

import numpy as np
import pytest

from MultimodalSegLib.training.data.adapters import read_data_set
from MultimodalSegLib.training.data.cache import Prepared, prepare_all
from MultimodalSegLib.training.data.classes import LabelClass
from MultimodalSegLib.training.data.data_set import DataSet
from MultimodalSegLib.training.data.prepare import Preparation
from Testing.training.data.trees import a_ct, a_label, an_mr, write

PREPARATION = Preparation((1.0, 1.0, 2.0))
CLASSES = (LabelClass("kidney", left=2, right=1), LabelClass("tumor", 5, lesion=True))


def write_set(folder: Path) -> DataSet:
    """Three cases of 12 x 14 x 10 voxels: CT and T1, CT alone, T1 alone; a few voxels of tumor in the first."""
    boxes = {1: np.s_[2:4, 3:6, 2:5], 2: np.s_[5:8, 7:11, 6:10]}
    for number, (name, kinds) in enumerate({"anna": ("CT", "T1"), "bert": ("CT",), "cleo": ("T1",)}.items()):
        for kind in kinds:
            write((a_ct if kind == "CT" else an_mr)(number), folder / name / f"{kind}.nrrd")
        tumor = {5: np.s_[8, 2, 2:4]} if name == "anna" else {}
        write(a_label(boxes | tumor), folder / name / "label.nrrd")
    found = read_data_set(folder, "case-folders")
    return DataSet("small", found.cases, CLASSES)


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    folder = tmp_path_factory.mktemp("small")
    return prepare_all(write_set(folder / "data"), PREPARATION, folder / "cache")
