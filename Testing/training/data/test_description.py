"""A data set is written and read again as JSON and as a table without loss."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from MultimodalSegLib.errors import InputError, OutputError
from MultimodalSegLib.training.data.adapters import read_data_set
from MultimodalSegLib.training.data.case import ImageFile, TrainingCase
from MultimodalSegLib.training.data.classes import LabelClass
from MultimodalSegLib.training.data.contours import Contours
from MultimodalSegLib.training.data.data_set import DataSet
from MultimodalSegLib.training.data.description import read_description, write_description
from MultimodalSegLib.training.data.labels import LabelFile, MaskFiles, Spheres
from MultimodalSegLib.training.data.table import read_table, write_table

CLASSES = (LabelClass("liver", 1), LabelClass("kidney", left=2, right=3), LabelClass("tumor", 9, lesion=True))


def a_set(folder: Path) -> DataSet:
    first = {"CT": ImageFile(folder / "a" / "ct.nrrd"), "PET": ImageFile(folder / "a" / "dicom", "1.2.3")}
    second = {"T1": ImageFile(folder / "b, c.nii.gz", "1")}
    cases = (
        TrainingCase("a", "p", first, LabelFile(folder / "a" / "label.nrrd"), already_aligned=True),
        TrainingCase("b", "p", second),
    )
    return DataSet("dataset", cases, CLASSES, ("CT", "PET", "T1"), ())


def test_json_keeps_everything_and_moves_with_its_files(tmp_path: Path) -> None:
    here = tmp_path / "here"
    write_description(a_set(here), here / "dataset.json")
    assert read_description(here / "dataset.json") == a_set(here)
    here.rename(tmp_path / "there")
    assert read_data_set(tmp_path / "there" / "dataset.json") == a_set(tmp_path / "there")


def test_json_keeps_every_kind_of_label(tmp_path: Path) -> None:
    labels = (
        Contours(tmp_path / "rs.dcm", {"GTV": 1}),
        MaskFiles({2: tmp_path / "m.nii.gz"}),
        Spheres(((1.0, 2.0, 3.0, 4.5),), 7),
    )
    for label in labels:
        cases = (replace(a_set(tmp_path).cases[0], label=label, transforms={"PET": tmp_path / "t.h5"}),)
        write_description(DataSet("x", cases), tmp_path / "x.json")
        assert read_description(tmp_path / "x.json").cases == cases


def test_a_table_keeps_everything_that_it_can_hold(tmp_path: Path) -> None:
    write_table(a_set(tmp_path), tmp_path / "dataset.csv")
    assert (tmp_path / "dataset.csv").read_text(encoding="utf-8").splitlines()[:2] == [
        "case,patient,CT,PET,T1,label,already_aligned",
        "a,p,a/ct.nrrd,a/dicom#1.2.3,,a/label.nrrd,yes",
    ]
    assert read_data_set(tmp_path / "dataset.csv") == a_set(tmp_path)


def test_a_table_does_not_drop_what_it_cannot_hold(tmp_path: Path) -> None:
    spheres = replace(a_set(tmp_path), cases=(replace(a_set(tmp_path).cases[0], label=Spheres(())),))
    with pytest.raises(OutputError, match="table cannot hold"):
        write_table(spheres, tmp_path / "x.csv")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("case,label\na,l.nrrd\n", "columns case, label"),
        ("case,CT\n", "no row"),
        ("case,CT\na,\n", "no image"),
        ("case,CT\na,x.nrrd\na,y.nrrd\n", "occurs twice"),
    ],
)
def test_a_table_that_makes_no_sense_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "t.csv").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        read_table(tmp_path / "t.csv")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format_version": 2}, "format version 2"),
        ({"cases": []}, "no case"),
        ({"cases": [{"case": "a"}]}, "lacks 'images'"),
        ({"classes": [{"name": "x", "value": 1, "left": 2}]}, "either one label value or"),
        ({"classes": [{"name": "x", "value": 1}, {"name": "y", "value": 1}]}, "label value 1 is used by two"),
        ({"classes": [{"name": "x", "worth": 1}]}, "not the description"),
    ],
)
def test_a_description_that_makes_no_sense_is_refused(tmp_path: Path, change: dict, message: str) -> None:
    write_description(a_set(tmp_path), tmp_path / "d.json")
    content = json.loads((tmp_path / "d.json").read_text(encoding="utf-8")) | change
    (tmp_path / "d.json").write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(InputError, match=message):
        read_description(tmp_path / "d.json")
