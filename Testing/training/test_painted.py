"""Made-up patients whose lesions a model paints."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from MultimodalSegLib.errors import InputError, ModelError
from MultimodalSegLib.models.bundle import Bundle
from MultimodalSegLib.training.painted import PaintedLesions
from MultimodalSegLib.training.plan import Stage
from MultimodalSegLib.training.plan_file import read_plan, write_plan
from MultimodalSegLib.training.samples import LabelMapSamples, Sample, make_sample
from MultimodalSegLib.training.source import label_map_source
from Testing.painting.handmade import a_paint_model
from Testing.phantoms import a_model
from Testing.synthesis.heads import a_head
from Testing.training.small import a_plan

SHAPE, SPACING = (24, 24, 24), 4.0


@pytest.fixture(scope="module")
def painter(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return a_paint_model(tmp_path_factory.mktemp("models") / "paint")


def a_pair_of_samples(painter: Bundle, seed: int, share: float = 1.0) -> tuple[Sample, Sample]:
    """The same patient with the generator's lesions, and with painted ones."""
    painting = PaintedLesions(str(painter.path), share)
    own = make_sample(a_head(), np.random.default_rng(seed), SHAPE, SPACING, 1.0)
    return own, make_sample(a_head(), np.random.default_rng(seed), SHAPE, SPACING, 1.0, painting)


def test_the_truth_stays_and_what_is_seen_of_the_lesions_does_not(painter: Bundle) -> None:
    changed = 0
    for seed in range(6):
        own, painted = a_pair_of_samples(painter, seed)
        assert painted.images.shape[2:] == own.images.shape[2:] == SHAPE
        assert torch.isfinite(painted.images).all()
        if own.images.shape != painted.images.shape or not torch.equal(own.channel, painted.channel):
            continue  # the painted one drew two more numbers, after the patient
        assert torch.equal(own.lesion[0, 0] > 0, painted.lesion[0, 0] > 0)
        changed += bool((own.images != painted.images).any() and own.lesion.any())
    assert changed


def test_a_share_of_none_keeps_the_lesions_of_the_generator(painter: Bundle) -> None:
    _, painted = a_pair_of_samples(painter, 3, 0.0)
    _, other = a_pair_of_samples(painter, 3, 1.0)
    assert not torch.equal(painted.images, other.images) or not painted.lesion.any()


def test_a_patient_without_lesions_is_left_alone(painter: Bundle) -> None:
    painting = PaintedLesions(str(painter.path), 1.0)
    for seed in range(2):
        own = make_sample(a_head(), np.random.default_rng(seed), SHAPE, SPACING, 0.0)
        same = make_sample(a_head(), np.random.default_rng(seed), SHAPE, SPACING, 0.0, painting)
        assert torch.equal(own.images, same.images)


def test_a_sample_of_a_run_can_be_made_again(painter: Bundle, label_maps: Path) -> None:
    stages = (Stage(1.0, 4.0, (SHAPE,), (1.0,)),)
    plan = a_plan(labels=str(label_maps), stages=stages, painter=str(painter.path), painted=1.0)
    first, again = (LabelMapSamples([label_maps / "one.nii.gz"], plan)[4] for _ in range(2))
    assert torch.equal(first.images, again.images)


def test_the_model_says_what_its_painter_learned_from(painter: Bundle, label_maps: Path) -> None:
    plan = a_plan(labels=str(label_maps), held_out=("held_out",))
    assert "No real image" in label_map_source(plan).about["training_data"]
    about = label_map_source(replace(plan, painter=str(painter.path))).about
    assert "painted by paint 0.0.1, which learned from: random numbers" in about["training_data"]
    assert "No real image" not in about["training_data"] and about["license"] == "Apache-2.0"


def test_a_painter_that_is_none_is_told_before_training(label_maps: Path, tmp_path: Path) -> None:
    other = a_model(tmp_path / "segments")
    with pytest.raises(ModelError, match="does not paint lesions"):
        label_map_source(a_plan(labels=str(label_maps), painter=str(other.path)))
    with pytest.raises(ModelError, match="There is no model"):
        label_map_source(a_plan(labels=str(label_maps), painter="nowhere"))


def test_the_plan_is_checked_and_comes_back_from_its_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="made-up patients alone"):
        a_plan(data="DATA", painter="paint")
    with pytest.raises(InputError, match="painted"):
        a_plan(painted=1.5)
    plan = a_plan(labels="maps", painter="paint", painted=0.25)
    write_plan(plan, tmp_path / "plan.yaml")
    assert read_plan(tmp_path / "plan.yaml") == plan
