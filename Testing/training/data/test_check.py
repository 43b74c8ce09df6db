"""Every problem that is planted in a sound data set is found, in its case, and nothing else."""

import re
import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from MultimodalSegLib.images.grid import Grid
from MultimodalSegLib.images.io import write_volume
from MultimodalSegLib.training.data.adapters import read_data_set
from MultimodalSegLib.training.data.case import ImageFile
from MultimodalSegLib.training.data.check import check_data
from MultimodalSegLib.training.data.classes import LabelClass
from MultimodalSegLib.training.data.data_set import DataSet
from MultimodalSegLib.training.data.problems import Problem
from Testing.training.data.trees import GRID, SLICES, a_ct, a_label, an_mr, write, write_slices

CLASSES = (LabelClass("kidney", left=2, right=1),)
"""In the label map of the trees, 2 lies at larger x than 1: on the patient's left."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number, name in enumerate(("anna", "bert", "cleo")):
        write(a_ct(number), tmp_path / name / "CT.nii")
        write(an_mr(number), tmp_path / name / "T1.nii.gz")
        write(a_label(), tmp_path / name / "label.nii.gz")
    return tmp_path


def a_set(folder: Path, **changes: object) -> DataSet:
    return replace(read_data_set(folder, "case-folders"), **({"classes": CLASSES} | changes))


def set_header(path: Path, codes: tuple[int, int], srow_x: tuple[float, ...] = ()) -> None:
    """Change the qform and sform codes of a .nii file, and the first row of its sform."""
    data = bytearray(path.read_bytes())
    data[252:256] = struct.pack("<2h", *codes)
    if srow_x:
        data[280:296] = struct.pack("<4f", *srow_x)
    path.write_bytes(data)


def with_nan(path: Path) -> None:
    array = a_ct(7).array
    array[0, 0, :3] = np.nan
    write_volume(a_ct(7).with_array(array), path)


def moved_label(path: Path) -> None:
    grid = Grid(GRID.size, GRID.spacing, (4.0, -6.5, -9.0))
    write_volume(a_label(grid=grid), path)


def small_label(path: Path) -> None:
    cut = Grid((12, 14, 9), GRID.spacing, GRID.origin)
    write_volume(a_label(grid=cut), path)


CONSTANT = np.full(GRID.shape, 3, np.float32)
PLANTED: dict[str, tuple[str, Callable[[Path], object], str, str]] = {
    "no label": ("label.nii.gz", Path.unlink, "warning", "no label"),
    "truncated": ("CT.nii", lambda p: p.write_bytes(p.read_bytes()[:-500]), "error", "truncated"),
    "nan": ("CT.nii", with_nan, "error", "3 values that are not finite"),
    "nan in nrrd": ("T2.nrrd", with_nan, "error", r"3 voxels .* with NaN"),
    "constant": ("CT.nii", lambda p: write_volume(a_ct().with_array(CONSTANT), p), "error", "the value 3"),
    "label elsewhere": ("label.nii.gz", moved_label, "error", "another origin"),
    "label smaller": ("label.nii.gz", small_label, "warning", "another grid"),
    "strange value": (
        "label.nii.gz",
        lambda p: write_volume(a_label({1: np.s_[1, 1, 1], 2: np.s_[1, 1, 8], 7: np.s_[2:4, 2, 2]}), p),
        "error",
        r"no class: 7 \(2 voxels\)",
    ),
    "empty": ("label.nii.gz", lambda p: write_volume(a_label({1: np.s_[0:0, 0, 0]}), p), "warning", "empty"),
    "mirrored": (
        "label.nii.gz",
        lambda p: write_volume(a_label({2: np.s_[2:4, 3:6, 2:5], 1: np.s_[5:8, 7:11, 6:10]}), p),
        "error",
        "left kidney .* right of the right",
    ),
    "no orientation": ("CT.nii", lambda p: set_header(p, (0, 0)), "warning", "codes are 0"),
    "two handed": ("CT.nii", lambda p: set_header(p, (1, 1), (1.0, 0.0, 0.0, 5.5)), "error", "mirror images"),
    "windowed CT": (
        "CT.nii",
        lambda p: write_volume(a_ct().with_array(np.clip(an_mr().array / 200, 0, 1)), p),
        "error",
        "these are not HU",
    ),
    "stored numbers": (
        "CT.nii",
        lambda p: write_volume(a_ct(8).with_array(a_ct(8).array * 1.5 + 1400), p),
        "error",
        "1024 too high",
    ),
    "made up": (
        "T1.nii.gz",
        lambda p: write_volume(replace(an_mr(9), synthetic_detail="by a model"), p),
        "warning",
        "detail of the T1 is synthetic",
    ),
    "thick": (
        "T1.nii.gz",
        lambda p: write_volume(an_mr(9, Grid((12, 14, 3), (1, 1, 7), (-5.5, -6.5, -9))), p),
        "warning",
        "spacing of 1 x 1 x 7 mm",
    ),
}


def test_a_sound_set_has_no_problem(folder: Path) -> None:
    told = []
    assert check_data(a_set(folder), progress=told.append) == []
    assert [event.done for event in told] == [0, 1, 2, 3] and told[1].message == "bert"


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_problem_is_found_in_its_case(folder: Path, name: str) -> None:
    file, plant, severity, text = PLANTED[name]
    plant(folder / "bert" / file)
    found = check_data(a_set(folder))
    matching = [problem for problem in found if re.search(text, problem.text)]
    assert [(problem.case, problem.severity) for problem in matching] == [("bert", severity)], found
    assert matching[0].advice
    assert {problem.case for problem in found} <= {"bert"}


def texts(problems: list[Problem], severity: str = "error") -> str:
    return "\n".join(problem.text for problem in problems if problem.severity == severity)


def test_the_same_image_twice_is_found(folder: Path) -> None:
    (folder / "cleo" / "T1.nii.gz").write_bytes((folder / "anna" / "T1.nii.gz").read_bytes())
    assert "occurs 2 times: T1 of anna, T1 of cleo" in texts(check_data(a_set(folder)))


def test_what_is_promised_and_absent_is_found(folder: Path) -> None:
    classes = (*CLASSES, LabelClass("spleen", 5))
    found = texts(check_data(a_set(folder, classes=classes, declared=("CT", "T1", "PET"))))
    assert "No case has the modality PET" in found and "'spleen' (label value 5) occurs in no case" in found


def test_a_patient_on_two_sides_and_an_unknown_case_are_found(folder: Path) -> None:
    data_set = a_set(folder)
    cases = [replace(case, patient="same" if case.name != "cleo" else "cleo") for case in data_set.cases]
    splits = [{"train": ("anna", "cleo"), "validation": ("bert", "dora")}]
    found = texts(check_data(replace(data_set, cases=tuple(cases)), splits))
    assert "'same' is on several sides of split 0: train, validation" in found and "'dora'" in found


def test_aligned_images_of_different_places_are_found(folder: Path) -> None:
    write_volume(an_mr(5, Grid(GRID.size, GRID.spacing, (300.0, 0, 0))), folder / "anna" / "T1.nii.gz")
    data_set = a_set(folder)
    aligned = replace(data_set, cases=tuple(replace(case, already_aligned=True) for case in data_set.cases))
    assert "T1 and CT should be aligned" in texts(check_data(aligned))


def test_a_pet_without_its_scale_is_found(folder: Path) -> None:
    counts = an_mr(3, SLICES).with_array(np.rint(an_mr(3, SLICES).array * 100))
    write_slices(counts, folder / "anna" / "pt", "PT", uid="1.2.5.2", Units="BQML", PatientWeight=70)
    write_volume(counts, folder / "bert" / "PET.nii.gz")
    cases = []
    for case in a_set(folder).cases:
        pet = {"anna": folder / "anna" / "pt", "bert": folder / "bert" / "PET.nii.gz"}.get(case.name)
        cases.append(replace(case, images={**case.images, "PET": ImageFile(pet)}) if pet else case)
    found = {p.case: p.text for p in check_data(a_set(folder, cases=tuple(cases))) if "PET" in p.text and p.case}
    assert "RadionuclideTotalDose" in found["anna"] and "PatientWeight" not in found["anna"]
    assert "more than any SUV" in found["bert"]
