"""Volumes without labels are found wherever they lie."""

import numpy as np
import pytest

from MultimodalSegLib.errors import InputError
from MultimodalSegLib.training.data.unlabelled import unlabelled
from Testing.training.data.trees import SLICES, a_ct, a_label, an_mr, write, write_slices


def test_files_in_any_arrangement_are_of_the_modality_that_is_said(tmp_path):
    write(an_mr(1), tmp_path / "one.nii.gz")
    write(an_mr(2), tmp_path / "deep" / "er" / "two.nrrd")
    write(a_label(), tmp_path / "deep" / "label.nrrd")
    write(a_label(), tmp_path / "labelsTr" / "one.nii.gz")
    found = unlabelled(tmp_path, "t1")
    assert {case.name for case in found.cases} == {"one", "deep-er-two"}
    assert found.modalities == ("T1",) and found.families == ("MR",)


def test_dicom_series_say_their_modality_themselves(tmp_path):
    write_slices(a_ct(0, SLICES), tmp_path / "one", "CT", uid="1.2.3")
    write_slices(an_mr(0, SLICES), tmp_path / "other", "MR", uid="1.2.4")
    for found in (unlabelled(tmp_path), unlabelled(tmp_path, "PET")):
        assert found.families == ("CT", "MR")
        images = [image for case in found.cases for image in case.images.values()]
        assert len(images) == 2 and all(image.read().array.shape == SLICES.shape for image in images)


def test_the_labels_of_a_known_layout_are_left_out(tmp_path):
    write(an_mr(), tmp_path / "images" / "a.nii.gz")
    write(a_label(), tmp_path / "labels" / "a.nii.gz")
    (case,) = unlabelled(tmp_path).cases
    assert case.label is None and list(case.images) == ["MR"]
    assert not [path for path in case.inputs if "labels" in path.parts]


def test_files_of_an_unknown_modality_are_named(tmp_path):
    write(an_mr(), tmp_path / "scan.nrrd")
    with pytest.raises(InputError, match="Nothing says what kind of image .*scan.nrrd"):
        unlabelled(tmp_path)


def test_a_folder_without_volumes_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("nothing", encoding="utf-8")
    np.save(tmp_path / "array.npy", np.zeros(3))
    with pytest.raises(InputError, match="holds no volume to learn from"):
        unlabelled(tmp_path, "MR")
    with pytest.raises(InputError, match="There is no folder"):
        unlabelled(tmp_path / "missing")
