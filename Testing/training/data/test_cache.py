"""Cases are prepared once, and again when anything they depend on has changed."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from MultimodalSegLib.errors import InputError, OutputError
from MultimodalSegLib.training.data.cache import Prepared, prepare_all
from MultimodalSegLib.training.data.classes import LabelClass
from Testing.training.data.conftest import CLASSES, PREPARATION, write_set
from Testing.training.data.trees import an_mr, write


def test_a_prepared_case_holds_what_the_network_needs(prepared: Prepared) -> None:
    first, second, third = prepared.cases
    assert [case.modalities for case in prepared.cases] == [("CT", "T1"), ("CT",), ("T1",)]
    assert [case.family for case in prepared.cases] == [(0, 1), (0,), (1,)]
    assert first.images.shape == (2, 10, 14, 12) and first.images.dtype == np.float16 and first.present.all()
    assert isinstance(first.images, np.memmap) and first.spacing == (1.0, 1.0, 2.0)
    channel, side, lesion = first.truth
    assert set(np.unique(channel)) == {0, 1} and (channel > 0).sum() == 3 * 3 * 2 + 4 * 4 * 3
    assert side[channel > 0].min() == -1 and (side == 1).sum() == 4 * 4 * 3 and lesion.sum() == 2
    assert {*first.places[:, 0]} == {1, -1} and {*third.places[:, 0]} == {1} and second.labelled
    for number, *voxel in first.places:
        assert lesion[tuple(voxel)] if number == -1 else channel[tuple(voxel)] == number


def test_nothing_is_read_twice_and_what_has_changed_is(tmp_path: Path) -> None:
    data_set = write_set(tmp_path / "data")
    before = prepare_all(data_set, PREPARATION, tmp_path / "cache")
    times = {path: path.stat().st_mtime_ns for path in (tmp_path / "cache").rglob("*")}
    assert prepare_all(data_set, PREPARATION, tmp_path / "cache") == before
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "cache").rglob("*")} == times

    write(an_mr(77), tmp_path / "data" / "cleo" / "T1.nrrd")
    after = prepare_all(data_set, PREPARATION, tmp_path / "cache")
    assert [a.folder == b.folder for a, b in zip(after.cases, before.cases, strict=True)] == [True, True, False]
    other = prepare_all(data_set, replace(PREPARATION, spacing=(1.0, 1.0, 1.0)), tmp_path / "cache")
    assert not {case.folder for case in other.cases} & {case.folder for case in after.cases}
    assert other.cases[0].shape == (20, 14, 12)


def test_the_same_files_elsewhere_use_the_same_cache(tmp_path: Path) -> None:
    before = prepare_all(write_set(tmp_path / "one"), PREPARATION, tmp_path / "cache")
    assert prepare_all(write_set(tmp_path / "two"), PREPARATION, tmp_path / "cache") == before


def test_a_folder_that_is_not_whole_is_made_again(tmp_path: Path) -> None:
    data_set = write_set(tmp_path / "data")
    (case, *_) = prepare_all(data_set, PREPARATION, tmp_path / "cache").cases
    (case.folder / "case.json").write_text("{", encoding="utf-8")
    (again, *_) = prepare_all(data_set, PREPARATION, tmp_path / "cache").cases
    assert again == case and not list((tmp_path / "cache").glob(".*"))


def test_a_bad_file_in_the_middle_stops_with_its_name_or_is_left_out_when_asked(tmp_path: Path) -> None:
    data_set = write_set(tmp_path / "data")
    (tmp_path / "data" / "bert" / "CT.nrrd").write_bytes(b"no image")
    with pytest.raises(InputError, match="Case 'bert'.*CT.nrrd"):
        prepare_all(data_set, PREPARATION, tmp_path / "cache")
    found = prepare_all(data_set, PREPARATION, tmp_path / "cache", skip_unreadable=True)
    assert [case.name for case in found.cases] == ["anna", "cleo"] and "'bert' was left out" in found.warnings[0]


def test_sets_from_which_nothing_can_be_learned_are_refused(tmp_path: Path) -> None:
    data_set = write_set(tmp_path / "data")
    for change, message in (
        ({"classes": ()}, "names no class"),
        ({"declared": ("PET",)}, "No case has the modality PET"),
        ({"classes": (*CLASSES, LabelClass("spleen", 8))}, "No case has the class 'spleen'"),
        ({"classes": CLASSES[1:]}, "holds the value 1"),
    ):
        with pytest.raises(InputError, match=message):
            prepare_all(replace(data_set, **change), PREPARATION, tmp_path / "cache")


def test_a_cache_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    data_set = write_set(tmp_path / "data")
    (tmp_path / "cache").write_text("a file", encoding="utf-8")
    with pytest.raises(OutputError, match="cannot be written"):
        prepare_all(data_set, PREPARATION, tmp_path / "cache")
    assert os.listdir(tmp_path) and (tmp_path / "cache").read_text(encoding="utf-8") == "a file"
