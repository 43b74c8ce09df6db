"""Every layout is found, read and told apart, on files in the formats that it really has."""

import json
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from MultimodalSegLib.errors import InputError
from MultimodalSegLib.images.volume import Volume
from MultimodalSegLib.training.data.adapters import detect, read_data_set
from MultimodalSegLib.training.data.classes import LabelClass
from MultimodalSegLib.training.data.contours import Contours
from MultimodalSegLib.training.data.data_set import DataSet, read_label, with_classes
from Testing.phantoms import write_demo_case
from Testing.training.data.trees import (
    GRID,
    SLICES,
    a_ct,
    a_label,
    an_mr,
    circle,
    write,
    write_4d,
    write_slices,
    write_structures,
)


def labels_of(data_set: DataSet, number: int = 0) -> np.ndarray:
    """The label map of one case as read."""
    case = data_set.cases[number]
    return read_label(case, case.images[case.reference].read()).array


def test_decathlon_with_two_modalities_in_one_file(tmp_path: Path) -> None:
    first, second = an_mr(1), an_mr(2)
    write_4d([first, second], tmp_path / "imagesTr" / "prostate_00.nii.gz")
    write(a_label(), tmp_path / "labelsTr" / "prostate_00.nii.gz")
    content = {
        "modality": {"0": "T2", "1": "ADC"},
        "labels": {"0": "background", "1": "PZ", "2": "TZ"},
        "training": [{"image": "./imagesTr/prostate_00.nii.gz", "label": "./labelsTr/prostate_00.nii.gz"}],
    }
    (tmp_path / "dataset.json").write_text(json.dumps(content), encoding="utf-8")
    assert detect(tmp_path) == "decathlon"
    data_set = read_data_set(tmp_path / "dataset.json")
    (case,) = data_set.cases
    assert (case.name, data_set.modalities, case.already_aligned) == ("prostate_00", ("T2", "ADC"), True)
    np.testing.assert_allclose(case.images["ADC"].read().array, second.array, rtol=1e-6)
    np.testing.assert_allclose(case.images["T2"].read().array, first.array, rtol=1e-6)
    assert data_set.classes == (LabelClass("PZ", 1), LabelClass("TZ", 2))
    np.testing.assert_array_equal(labels_of(data_set), a_label().array)


def test_nnunet_with_a_missing_channel_a_pair_of_sides_and_an_ignored_value(tmp_path: Path) -> None:
    for case, channels in (("a_1", (0, 1)), ("b", (0,))):
        for channel in channels:
            write(an_mr(channel), tmp_path / "imagesTr" / f"{case}_{channel:04d}.nrrd")
        write(a_label(), tmp_path / "labelsTr" / f"{case}.nrrd")
    content = {
        "channel_names": {"0": "T1", "1": "T2w"},
        "labels": {"background": 0, "left kidney": 1, "kidney_right": 2, "ignore": 9},
        "file_ending": ".nrrd",
        "numTraining": 2,
    }
    (tmp_path / "dataset.json").write_text(json.dumps(content), encoding="utf-8")
    assert detect(tmp_path) == "nnunet"
    data_set = read_data_set(tmp_path)
    assert {case.name: tuple(case.images) for case in data_set.cases} == {"a_1": ("T1", "T2"), "b": ("T1",)}
    assert data_set.classes == (LabelClass("kidney", left=1, right=2),) and data_set.ignored == (9,)


def test_nnunet_regions_become_the_smallest_region_of_each_value(tmp_path: Path) -> None:
    write(an_mr(), tmp_path / "imagesTr" / "a_0000.nrrd")
    labels = {"background": 0, "whole": [1, 2, 3], "core": [2, 3], "enhancing": [3]}
    content = {"channel_names": {"0": "MRI"}, "labels": labels, "file_ending": ".nrrd"}
    (tmp_path / "dataset.json").write_text(json.dumps(content), encoding="utf-8")
    found = {entry.value: entry.name for entry in read_data_set(tmp_path).classes}
    assert found == {1: "whole", 2: "core", 3: "enhancing"}


def test_brats_scans_of_one_patient_share_the_patient(tmp_path: Path) -> None:
    for scan in ("BraTS-GLI-00005-000", "BraTS-GLI-00005-001"):
        for seed, name in enumerate(("t1c", "t1n", "t2f", "t2w")):
            write(an_mr(seed), tmp_path / scan / f"{scan}-{name}.nii.gz")
    write(a_label(), tmp_path / "BraTS-GLI-00005-000" / "BraTS-GLI-00005-000-seg.nii.gz")
    assert detect(tmp_path) == "brats"
    data_set = read_data_set(tmp_path)
    assert [case.patient for case in data_set.cases] == ["BraTS-GLI-00005"] * 2
    assert set(data_set.modalities) == {"T1C", "T1", "FLAIR", "T2"}
    assert [case.label is not None for case in data_set.cases] == [True, False]
    assert [entry.value for entry in data_set.classes] == [1, 2, 3]


def test_luna16_nodules_are_spheres_of_their_volume(tmp_path: Path) -> None:
    write(a_ct(grid=SLICES), tmp_path / "subset0" / "1.3.6.mhd")
    write(a_ct(1, SLICES), tmp_path / "subset1" / "1.3.7.mhd")
    (tmp_path / "annotations.csv").write_text(
        "seriesuid,coordX,coordY,coordZ,diameter_mm\n1.3.6,1.5,-2.0,44.0,16\n", encoding="utf-8"
    )
    assert detect(tmp_path) == "luna16"
    data_set = read_data_set(tmp_path)
    drawn = labels_of(data_set)
    assert drawn.sum() * SLICES.voxel_ml == pytest.approx(4 / 3 * np.pi * 0.8**3, rel=0.03)
    middle = np.argwhere(drawn).mean(0)[::-1] * SLICES.spacing + SLICES.origin
    np.testing.assert_allclose(middle, (1.5, -2.0, 44.0), atol=0.3)
    assert not labels_of(data_set, 1).any()


def test_saved_training_cases_keep_their_transforms_and_reference(tmp_path: Path) -> None:
    write_demo_case(tmp_path / "case_1")
    assert detect(tmp_path) == "training-cases"
    data_set = with_classes(read_data_set(tmp_path))
    (case,) = data_set.cases
    assert case.reference == "CT" and case.transforms["MR"].name == "MR_to_CT_truth.h5"
    assert [entry.value for entry in data_set.classes] == [2, 4, 515]


def test_paired_folders_tell_a_ct_by_its_values(tmp_path: Path) -> None:
    for number, volume in enumerate((a_ct(), a_ct(1))):
        write(volume, tmp_path / "images" / f"liver_{number}.nii.gz")
        write(a_label(), tmp_path / "labels" / f"liver_{number}.nii.gz")
    assert detect(tmp_path) == "paired-folders"
    assert read_data_set(tmp_path).modalities == ("CT",)


def test_case_folders_with_any_modalities_and_masks(tmp_path: Path) -> None:
    write(a_ct(), tmp_path / "anna" / "ct.nrrd")
    write(an_mr(), tmp_path / "anna" / "flair.nii.gz")
    write(a_label({1: np.s_[1:3, 1:3, 1:3]}), tmp_path / "anna" / "masks" / "liver.nii.gz")
    write(a_label({1: np.s_[2:5, 1:3, 1:3]}), tmp_path / "anna" / "masks" / "tumor.nii.gz")
    write(an_mr(), tmp_path / "bert" / "T1.nrrd")
    assert detect(tmp_path) == "case-folders"
    data_set = read_data_set(tmp_path)
    assert [tuple(case.images) for case in data_set.cases] == [("CT", "FLAIR"), ("T1",)]
    assert [(entry.name, entry.value) for entry in data_set.classes] == [("liver", 1), ("tumor", 2)]
    drawn = labels_of(data_set)
    assert (drawn == 1).sum() == 4 and (drawn == 2).sum() == 12  # the later mask wins where they overlap


def test_ct_and_pet_series_with_a_structure_set(tmp_path: Path) -> None:
    pet = a_pet()
    write_slices(a_ct(grid=SLICES), tmp_path / "p1" / "scan", "CT", uid="1.2.5.1")
    write_slices(pet, tmp_path / "p1" / "scan", "PT", uid="1.2.5.2")
    contours = [circle((0.0, 0.0), 9.0, z) for z in 30 + 2.5 * np.arange(2, 9)]
    body = [circle((0.0, 0.0), 17.0, z) for z in 30 + 2.5 * np.arange(12)]
    write_structures(tmp_path / "p1" / "rs.dcm", {"GTV": contours, "BODY": body}, outline="BODY")
    assert detect(tmp_path) == "ct-pet"
    data_set = read_data_set(tmp_path)
    (case,) = data_set.cases
    assert (tuple(case.images), case.patient, case.already_aligned) == (("CT", "PET"), "P7", True)
    np.testing.assert_array_equal(case.images["CT"].read().array, a_ct(grid=SLICES).array)
    np.testing.assert_array_equal(case.images["PET"].read().array, pet.array)
    assert isinstance(case.label, Contours) and data_set.classes == (LabelClass("GTV", 1),)
    assert labels_of(data_set).sum() * SLICES.voxel_ml == pytest.approx(np.pi * 0.9**2 * 1.75, rel=0.02)


def a_pet() -> Volume:
    return an_mr(4, SLICES).with_array(an_mr(4, SLICES).array.round())


def test_series_of_different_frames_are_to_be_registered(tmp_path: Path) -> None:
    write_slices(a_ct(grid=SLICES), tmp_path / "p1" / "ct", "CT", uid="1.2.5.1", frame="1.2.9.1")
    write_slices(a_pet(), tmp_path / "p1" / "pt", "PT", uid="1.2.5.2", frame="1.2.9.2")
    write(a_label(grid=SLICES), tmp_path / "p1" / "masks" / "tumor.nii.gz")
    (case,) = read_data_set(tmp_path, "ct-pet").cases
    assert not case.already_aligned and case.label is not None


def test_what_fits_no_layout_is_refused_with_what_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is empty"):
        detect(tmp_path)
    with pytest.raises(InputError, match="no folder"):
        detect(tmp_path / "nowhere")
    (tmp_path / "notes.txt").write_text("nothing", encoding="utf-8")
    with pytest.raises(InputError, match="Decathlon.*BraTS.*LUNA16.*RTSTRUCT"):
        read_data_set(tmp_path)
    with pytest.raises(InputError, match="no layout 'dicom'"):
        read_data_set(tmp_path, "dicom")


def test_a_number_of_a_volume_that_a_file_does_not_have_is_refused(tmp_path: Path) -> None:
    from MultimodalSegLib.images.io import read_volume

    path = write_4d([an_mr(1), an_mr(2)], tmp_path / "two.nii.gz")
    assert read_volume(path, channel=1).grid.size == GRID.size
    with pytest.raises(InputError, match="no volume number 2"):
        read_volume(path, channel=2)
    with pytest.raises(InputError, match="4D image"):
        read_volume(path)
    single = tmp_path / "one.nii.gz"
    sitk.WriteImage(an_mr().to_sitk(), str(single))
    assert read_volume(single, channel=0).grid.size == GRID.size
