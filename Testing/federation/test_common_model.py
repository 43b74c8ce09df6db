"""The model that all sites begin with, from what a plan tells, without reading an image."""

import numpy as np
import pytest

from MultimodalSegLib.errors import InputError
from MultimodalSegLib.federation.common_model import common_model, shared_plan
from MultimodalSegLib.training.distillation.settings import Distillation
from MultimodalSegLib.training.plan_file import to_dict
from Testing.federation.small import a_data_set, a_plan
from Testing.phantoms import a_model


def test_a_data_set_tells_the_classes_and_options_more_modalities(tmp_path) -> None:
    data = a_data_set(tmp_path, ["CT"])
    for image in tmp_path.glob("*_CT.nii.gz"):
        image.unlink()  # no image is read
    model = common_model(a_plan(data), ["MR", "CT"])
    assert model.metadata["modality_families"] == ["CT", "MR"] and model.metadata["network"]["families"] == 2
    assert [entry["name"] for entry in model.metadata["network_classes"]] == ["background", "ball", "shell"]
    assert set(model.metadata["preprocessing"]) == {"CT", "MR"} and model.metadata["lesion"] == {}
    again = common_model(a_plan(data), ["CT", "MR"])
    assert all(np.array_equal(again.weights[name], value) for name, value in model.weights.items())


def test_a_model_to_start_from_is_what_all_begin_with(tmp_path) -> None:
    bundle = a_model(tmp_path / "tiny")
    settings = dict(bundle.metadata["network"])
    model = common_model(a_plan(init=str(tmp_path / "tiny"), network=settings))
    weights = bundle.network().state_dict()
    assert model.weights.keys() == weights.keys()
    assert all(np.allclose(model.weights[name], value.float().numpy()) for name, value in weights.items())
    assert model.metadata["started_from"]["checksum"] == bundle.checksum
    with pytest.raises(InputError, match="alone"):
        common_model(a_plan(init=str(tmp_path / "tiny")), ["PET"])


def test_a_plan_is_shared_without_anything_of_its_computer(tmp_path) -> None:
    plan = a_plan(tmp_path / "secret.json", cache="/secret", held_out=("secret",), init="/secret", warm_up_steps=200)
    shared = shared_plan(plan, 40)
    assert "secret" not in str(to_dict(shared)) and (shared.steps, shared.warm_up_steps) == (40, 4)
    assert (shared.network, shared.stages, shared.learning_rate) == (plan.network, plan.stages, plan.learning_rate)


def test_plans_that_tell_too_little_or_need_a_teacher_are_refused() -> None:
    with pytest.raises(InputError, match="nothing that tells the classes"):
        common_model(a_plan())
    with pytest.raises(InputError, match="not from a teacher"):
        common_model(a_plan("x", distillation=Distillation(teacher="default")))
