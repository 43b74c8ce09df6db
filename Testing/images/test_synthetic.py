"""Files that say that their detail was made up."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from MultimodalSegLib.errors import InputError
from MultimodalSegLib.images.grid import Grid
from MultimodalSegLib.images.io import read_volume, write_volume
from MultimodalSegLib.images.resample import resample
from MultimodalSegLib.images.synthetic import (
    MARK,
    TAG,
    UNNAMED,
    check_choice,
    choice_for_run,
    has_synthetic_detail,
    synthetic_inputs,
)
from MultimodalSegLib.images.volume import Volume

VOLUME = Volume(np.arange(24, dtype=np.float32).reshape(2, 3, 4), Grid((4, 3, 2)))
MADE_UP = replace(VOLUME, synthetic_detail="by a model")


def test_the_tag_is_in_the_header_whatever_the_file_is_called(tmp_path: Path) -> None:
    write_volume(VOLUME, tmp_path / "plain.nrrd")
    write_volume(MADE_UP, tmp_path / "renamed.nrrd")
    assert has_synthetic_detail(tmp_path / "renamed.nrrd") and not has_synthetic_detail(tmp_path / "plain.nrrd")
    assert sitk.ReadImage(str(tmp_path / "renamed.nrrd")).GetMetaData(TAG) == "by a model"
    assert np.array_equal(read_volume(tmp_path / "renamed.nrrd").array, VOLUME.array)


@pytest.mark.parametrize("ending", [".nrrd", ".mha", ".nii", ".nii.gz"])
def test_every_format_keeps_the_mark_whatever_is_done_to_the_volume(tmp_path: Path, ending: str) -> None:
    write_volume(MADE_UP, tmp_path / f"first{ending}")
    again = resample(read_volume(tmp_path / f"first{ending}"), Grid((3, 3, 3), (0.9, 0.9, 0.7)))
    write_volume(again.with_array(again.array + 1), tmp_path / f"second{ending}")
    assert has_synthetic_detail(tmp_path / f"second{ending}")
    assert read_volume(tmp_path / f"second{ending}").synthetic_detail == "by a model"
    write_volume(VOLUME, tmp_path / f"plain{ending}")
    assert not has_synthetic_detail(tmp_path / f"plain{ending}")
    assert not read_volume(tmp_path / f"plain{ending}").synthetic_detail


def test_a_name_is_enough(tmp_path: Path) -> None:
    write_volume(VOLUME, tmp_path / f"t1 {MARK}.nii.gz")
    assert has_synthetic_detail(tmp_path / f"t1 {MARK}.nii.gz")
    assert read_volume(tmp_path / f"t1 {MARK}.nii.gz").synthetic_detail == UNNAMED


def test_what_cannot_be_read_is_left_to_the_reader(tmp_path: Path) -> None:
    (tmp_path / "broken.nrrd").write_text("nothing", encoding="utf-8")
    assert not has_synthetic_detail(tmp_path / "broken.nrrd")
    assert not has_synthetic_detail(tmp_path)


def test_measuring_it_has_to_be_chosen() -> None:
    record = {"inputs": {"CT": {"path": "ct.nrrd"}, "T2": {"path": "t2.nrrd", "synthetic_detail": True}}}
    assert synthetic_inputs(record) == ["T2"] and synthetic_inputs({}) == []
    check_choice(["T2"], chosen=True)
    check_choice([], chosen=False)
    with pytest.raises(InputError, match="detail of T2 is synthetic") as error:
        check_choice(["T2"], chosen=False)
    assert all(word in error.value.hint for word in ("--synthetic-detail", "synthetic_detail=True", "check box"))


def test_a_choice_made_for_a_run_holds_for_questions_about_it(tmp_path: Path) -> None:
    assert choice_for_run(tmp_path) == []
    (tmp_path / "run.json").write_text(json.dumps({"inputs": {"CT": {"synthetic_detail": True}}}), encoding="utf-8")
    assert choice_for_run(tmp_path) == ["--synthetic-detail"]
