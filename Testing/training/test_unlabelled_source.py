"""Images without labels: what a student can be shown when only its teacher knows what it sees."""

from pathlib import Path

import numpy as np
import pytest
import torch

from MultimodalSegLib.errors import InputError
from MultimodalSegLib.training.data.unlabelled import unlabelled
from MultimodalSegLib.training.distillation.settings import Distillation
from MultimodalSegLib.training.initial.known import KnownModel, read_known
from MultimodalSegLib.training.plan import Plan, Stage
from MultimodalSegLib.training.propose import Computer, image_plan
from MultimodalSegLib.training.unlabelled_source import unlabelled_source
from Testing.handmade import threshold_model
from Testing.training.data.trees import a_ct, a_label, an_mr, write
from Testing.training.small import a_plan


@pytest.fixture
def teacher(tmp_path: Path) -> KnownModel:
    return read_known(threshold_model(tmp_path / "teacher", ["MR", "CT"]).path)


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Two files whose names tell their modality."""
    write(an_mr(), tmp_path / "images" / "anna_T1.nii.gz")
    write(a_ct(), tmp_path / "images" / "bob-CT.nrrd")
    return tmp_path / "images"


def test_files_are_cases_of_the_modality_in_their_names(images: Path) -> None:
    assert {case.name: list(case.images) for case in unlabelled(images).cases} == {"anna_T1": ["T1"], "bob-CT": ["CT"]}
    write(an_mr(), images / "carl.nii.gz")
    with pytest.raises(InputError, match="Nothing says what kind of image .*carl"):
        unlabelled(images)


def test_the_labels_of_a_data_set_are_not_looked_at(tmp_path: Path) -> None:
    write(an_mr(), tmp_path / "anna" / "MR.nii.gz")
    write(a_label(), tmp_path / "anna" / "label.nii.gz")
    found = unlabelled(tmp_path)
    assert [case.name for case in found.cases] == ["anna"] and not found.labelled and not found.classes


def test_samples_are_background_in_the_numbers_and_classes_of_the_teacher(
    images: Path, teacher: KnownModel, tmp_path: Path
) -> None:
    plan = a_plan(images=str(images), distillation=Distillation("teacher", hard=0.0), held_out=())
    source = unlabelled_source(plan, teacher, tmp_path / "cache")
    samples = source.samples(plan)
    families = {int(samples[n].family[0, 0]) for n in range(4)}
    assert families == {0, 1} and source.families == ("MR", "CT") and source.names == ["background", "organ 1"]
    assert samples[0].images.shape == (1, 1, 8, 8, 8) and not samples[0].channel.any()
    assert torch.equal(samples[3].images, source.samples(plan)[3].images)
    assert np.isfinite(samples[1].images.numpy()).all() and not len(source.held_out)


def test_an_image_that_the_teacher_cannot_use_is_named(images: Path, tmp_path: Path) -> None:
    known = read_known(threshold_model(tmp_path / "mr", ["MR"]).path)
    plan = a_plan(images=str(images), distillation=Distillation("mr", hard=0.0), held_out=())
    with pytest.raises(InputError, match="cannot use CT images; it knows MR"):
        unlabelled_source(plan, known, tmp_path / "cache")


def test_a_plan_of_images_asks_for_no_labels_and_has_the_teacher_s_spacing(images: Path, teacher: KnownModel) -> None:
    plan = image_plan(images, str(images.parent / "teacher"), Computer("cpu", 1e9, True, 2))
    assert plan.stages[0].spacing == 2.0 and plan.distillation.checksum == teacher.checksum and not plan.held_out
    with pytest.raises(InputError, match="images without labels"):
        Plan(images=str(images), stages=(Stage(1.0, 2.0, ((8, 8, 8),), (1.0,)),))
