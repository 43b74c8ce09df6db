"""Real images as the source of a run, from files on disk to a model."""

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import torch

from MultimodalSegLib.errors import InputError
from MultimodalSegLib.training.data.classes import LabelClass
from MultimodalSegLib.training.data_source import class_entries, data_set_source, lesion_entry
from MultimodalSegLib.training.export import export
from MultimodalSegLib.training.plan import Plan, Stage
from MultimodalSegLib.training.plan_file import read_plan, write_plan
from MultimodalSegLib.training.propose import Computer, data_plan
from MultimodalSegLib.training.start import prepare
from Testing.training.small import a_plan

SHAPE = (14, 16, 12)


def write_image(array: np.ndarray, path: Path) -> str:
    image = sitk.GetImageFromArray(array)
    image.SetSpacing((2.0, 2.0, 2.0))
    sitk.WriteImage(image, str(path))
    return path.name


@pytest.fixture(scope="module")
def data_set(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five patients with a ball in CT and MRI; one has the CT alone, and one has two cases."""
    folder = tmp_path_factory.mktemp("set")
    rows = []
    for n, patient in enumerate(("a", "b", "c", "d", "e", "e")):
        rng = np.random.default_rng(n)
        place = np.stack(np.indices(SHAPE), -1) - rng.uniform(5, 8, 3)
        label = ((place**2).sum(-1) < 12).astype(np.uint8)
        ct = (-800 + 900 * (np.abs(place) < 6).all(-1) + 300.0 * label + rng.normal(0, 8, SHAPE)).astype(np.float32)
        mr = (100 + 300.0 * label + rng.normal(0, 8, SHAPE)).astype(np.float32)
        rows.append(
            {
                "case": f"case{n}",
                "patient": patient,
                "CT": write_image(ct, folder / f"ct{n}.nrrd"),
                "MR": write_image(mr, folder / f"mr{n}.nrrd") if n else "",
                "label": write_image(label, folder / f"label{n}.nrrd"),
            }
        )
    with (folder / "set.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return folder / "set.csv"


def a_data_plan(data: Path, **changes) -> Plan:
    small = {
        "data": str(data),
        "held_out": ("case1",),
        "registration": "none",
        "network": {"widths": [8, 8], "encoder": "cnn"},
        "stages": (
            Stage(0.5, 4.0, ((8, 8, 8),), (1.0,)),
            Stage(1.0, (2.0, 2.0, 3.0), ((12, 12, 12), (8, 8, 8)), (0.7, 0.3)),
        ),
        "steps": 6,
        "batch": 2,
    }
    return a_plan(**small | changes)


def test_samples_of_a_step_have_its_crop_and_can_be_made_again(data_set, tmp_path):
    plan = a_data_plan(data_set, steps=20)
    first, again = (data_set_source(plan, tmp_path).samples(plan) for _ in range(2))
    for n in (3, 39, 0):
        sample, same = first[n], again[n]
        assert tuple(sample.images.shape[2:]) == plan.crop(n // 2)[1]
        assert all(torch.equal(a, b) for a, b in zip(vars(sample).values(), vars(same).values(), strict=True))
    counts = {first[n].images.shape[1] for n in range(20)}
    assert counts == {1, 2}


def test_a_case_smaller_than_the_crop_is_scored_as_training_and_inference_see_it(data_set, tmp_path):
    """In the middle of a crop, its own lowest value around it, and no class there."""
    stage = Stage(1.0, 2.0, ((32, 8, 24),), (1.0,))
    source = data_set_source(a_data_plan(data_set, stages=(stage,)), tmp_path)
    sample = source.held_out[0]
    assert tuple(sample.images.shape[2:]) == (32, 16, 24)  # the case has 14 x 16 x 12 voxels
    middle = sample.images[0, :, 9:23, :, 6:18]
    assert torch.equal(sample.images[0].amin((1, 2, 3)), middle.amin((1, 2, 3)))
    outside = torch.ones(32, 16, 24, dtype=torch.bool)
    outside[9:23, :, 6:18] = False
    assert (sample.images[0][:, outside] == middle.amin((1, 2, 3))[:, None]).all()
    assert not sample.channel[0][outside].any() and sample.channel.any()


def test_preprocessing_of_the_plan_is_done_in_training_and_said_in_the_model(data_set, tmp_path):
    window = {"CT": {"kind": "window", "low": -400.0, "high": 400.0}}
    plan = a_data_plan(data_set, preprocessing=window)
    write_plan(plan, tmp_path / "plan.yaml")
    assert read_plan(tmp_path / "plan.yaml") == plan
    source = data_set_source(plan, tmp_path)
    ct = source.held_out[0].images[0, 0]
    assert float(ct.min()) == -1.0 and float(ct.max()) == 1.0  # -800 HU and 400 HU and more are cut
    assert source.about["preprocessing"]["CT"] == window["CT"]


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"CT": {"kind": "window", "low": 5.0}}, "preprocessing of CT: a window needs low below high"),
        ({"PET": {"kind": "robust"}}, "preprocessing names PET, but the data hold CT, MR"),
    ],
)
def test_impossible_preprocessing_is_told(data_set, tmp_path, entry, message):
    with pytest.raises(InputError, match=message):
        data_set_source(a_data_plan(data_set, preprocessing=entry), tmp_path)


def test_a_run_on_real_images_becomes_a_bundle_with_their_classes(data_set, tmp_path):
    plan = a_data_plan(data_set, name="ball")
    trainer = prepare(plan, tmp_path)
    assert len(trainer.validation) == 1 and tuple(trainer.validation.samples[0].channel.shape[1:]) == (12, 16, 12)
    trainer.run()
    scores = list(csv.DictReader((tmp_path / "validation.csv").open(encoding="utf-8")))
    assert scores and "lesion" not in scores[0]
    settings = trainer.model["network"]
    assert settings["classes"] == 2 and settings["families"] == 2 and not settings["side"] and not settings["lesion"]
    bundle = export(tmp_path, tmp_path / "ball")
    assert [entry.value for entry in bundle.classes()] == [1]
    assert bundle.region == "volume" and bundle.patch == (12, 12, 12)
    assert bundle.metadata["training_data"].startswith("5 cases") and bundle.spacing == (2.0, 2.0, 3.0)


@pytest.mark.parametrize(
    ("held_out", "message"),
    [
        (("case9",), "holds out 'case9'"),
        (("case4",), "patient 'e' has cases in the training and cases held out"),
        (tuple(f"case{n}" for n in range(6)), "holds out every case"),
        (tuple(f"case{n}" for n in range(1, 6)), "No case of the training has the modality MR"),
    ],
)
def test_cases_held_out_wrongly_are_told(data_set, tmp_path, held_out, message):
    with pytest.raises(InputError, match=message):
        data_set_source(a_data_plan(data_set, held_out=held_out), tmp_path)


def test_classes_become_entries_of_a_bundle():
    classes = [LabelClass("kidney", left=2, right=3), LabelClass("tumor", 7, lesion=True), LabelClass("liver", 5)]
    background, kidney, liver = class_entries(classes)
    assert background["value"] == 0 and liver["value"] == 5
    assert (kidney["left"]["value"], kidney["right"]["value"]) == (2, 3)
    assert kidney["left"]["color"] != liver["color"]
    assert lesion_entry(classes)["value"] == 7 and lesion_entry(classes[2:]) == {}


def test_a_plan_is_proposed_from_data_and_computer(data_set, tmp_path):
    small = data_plan(data_set, Computer("cpu", 4e9, True, 2))
    assert small.stages[0].spacing == 1.4 and small.stages[0].sizes == ((32, 32, 32),)  # 2 mm, but small volumes
    assert small.network == "student" and small.workers == 1 and small.batch == 4
    assert len(small.held_out) >= 1
    assert ("case4" in small.held_out) == ("case5" in small.held_out)
    large = data_plan(data_set, Computer("cuda", 40e9, False, 16))
    assert large.network == "teacher" and large.steps > small.steps and large.workers == 8
    poor = data_plan(data_set, Computer("cpu", 1e8, True, 2))
    assert poor.batch == 1 and poor.stages[0].spacing == 2.0  # no memory for more voxels
    write_plan(small, tmp_path / "plan.yaml")
    assert read_plan(tmp_path / "plan.yaml") == replace(small)
