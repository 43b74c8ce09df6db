"""A network that knows a phantom by heart, asked again and again."""

import weakref

import numpy as np
import pytest
import torch

from MultimodalSegLib.errors import InputError, ModelError
from MultimodalSegLib.inference.uncertainty.doubt import doubt
from MultimodalSegLib.inference.uncertainty.sampling import Runner
from MultimodalSegLib.inference.view import network_view
from MultimodalSegLib.models.bundle import Bundle
from Testing.inference.conftest import CANONICAL, LEFT, RIGHT

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def a_view(phantom, a_trained_model):
    return network_view(a_trained_model, phantom.case(CANONICAL, "CT", "MR").volumes)


@pytest.fixture(scope="module")
def asked(a_view, a_trained_model):
    return doubt(Runner(a_trained_model, CPU), a_view, samples=4, views=True, alone="CT")


def test_every_answer_costs_one_run(asked) -> None:
    assert len(asked.samples.voxels) == 4 and asked.runs == 4 + 3 + 2
    assert int(asked.samples.count.max()) == 4


class Watched(Runner):
    """Refuses to run while an earlier answer is still in memory."""

    def __call__(self, *given):
        assert all(answer() is None for answer in getattr(self, "given_out", [])), "an answer was kept"
        logits = super().__call__(*given)
        self.given_out = [*getattr(self, "given_out", []), weakref.ref(logits)]
        return logits


@pytest.mark.parametrize("method", ["tta", "dropout"])
def test_no_answer_is_kept_when_the_next_is_asked_for(method: str, a_view, a_trained_model) -> None:
    runner = Watched(a_trained_model, CPU)
    doubt(runner, a_view, method=method, samples=3)
    assert len(runner.given_out) == 3


def test_sides_are_told_apart_in_mirrored_answers_too(asked) -> None:
    for voxels in asked.samples.voxels:
        assert 0.5 < voxels[LEFT] / voxels[RIGHT] < 2.0


def test_doubt_lies_at_borders(asked, phantom, a_view) -> None:
    labels = phantom.labels(a_view.grid).array
    entropy = asked.samples.entropy().numpy()
    edge = np.zeros(labels.shape, bool)
    for axis in range(3):
        edge |= labels != np.roll(labels, 1, axis)
        edge |= labels != np.roll(labels, -1, axis)
    assert entropy[edge].mean() > 2 * entropy[~edge].mean()
    assert bool((asked.samples.disagreement() <= asked.samples.entropy()).all())


def test_views_and_single_modalities_agree_where_the_case_is_clear(asked) -> None:
    assert asked.views[LEFT] > 0.6
    assert asked.alone["MR"].distance_mm < 4 and asked.alone["MR"].dice > 0.7


def test_a_misplaced_modality_is_noticed(phantom, a_trained_model) -> None:
    volumes = dict(phantom.case(CANONICAL, "CT", "MR").volumes)
    volumes["MR"] = volumes["MR"].with_array(np.roll(volumes["MR"].array, 5, axis=2))  # 15 mm
    found = doubt(Runner(a_trained_model, CPU), network_view(a_trained_model, volumes), samples=2, alone="CT")
    assert found.alone["MR"].distance_mm > 6


@pytest.mark.parametrize("method", ["dropout", "ensemble"])
def test_other_sources_of_answers(method: str, a_view, a_trained_model, a_random_model) -> None:
    others = [a_random_model] if method == "ensemble" else []
    found = doubt(Runner(a_trained_model, CPU), a_view, method=method, samples=2, others=others)
    assert len(found.samples.voxels) == found.runs == 2 or method == "ensemble"
    assert float(found.samples.disagreement().max()) > 0.05


def test_what_cannot_be_asked_is_refused_before_any_run(a_view, a_trained_model) -> None:
    runner = Runner(a_trained_model, CPU)
    other = Bundle(a_trained_model.path, {**a_trained_model.metadata, "working_spacing": 2.0})
    with pytest.raises(InputError, match="1 sample"):
        doubt(runner, a_view, samples=1)
    with pytest.raises(InputError, match="Unknown method"):
        doubt(runner, a_view, method="prayer")
    with pytest.raises(InputError, match="two models"):
        doubt(runner, a_view, method="ensemble")
    with pytest.raises(ModelError, match="working_spacing"):
        doubt(runner, a_view, method="ensemble", others=[other])
    assert runner.runs == 0
