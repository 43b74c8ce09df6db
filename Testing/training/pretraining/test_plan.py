"""The choices of a pre-training run."""

import json

import pytest

from MultimodalSegLib.errors import InputError
from MultimodalSegLib.training.pretraining.plan import PretrainingPlan, crop_sizes, network_entry
from Testing.training.pretraining.small import NETWORK, a_plan


def test_a_plan_survives_json():
    plan = a_plan(masked=(0.1, 0.4), seed=3)
    again = PretrainingPlan.from_dict(json.loads(json.dumps(plan.to_dict())))
    assert again.to_dict() == plan.to_dict() and again.global_size == (16, 16, 16)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"global_size": (12, 16, 16)}, "multiples of the network's stride of 8"),
        ({"local_size": (24, 8, 8)}, "at most the global_size"),
        ({"batch": 1}, "batch is 1"),
        ({"points": 1}, "points is 1"),
        ({"queue": -1}, "queue is -1"),
        ({"view_weight": -0.5}, "view_weight is -0.5"),
        ({"masked": (0.5, 0.2)}, "ascending order"),
        ({"momentum": 1.5}, "momentum is 1.5"),
        ({"steps": 0}, "steps is 0"),
        ({"learning_rate": -1.0}, "learning_rate is -1.0"),
        ({"network": {**NETWORK, "colour": 1}}, "no option 'colour'"),
    ],
)
def test_impossible_values_are_named(changes, said):
    with pytest.raises(InputError, match=said):
        a_plan(**changes)


def test_tokens_are_those_of_stride_eight_or_of_the_coarsest_scale():
    assert a_plan().token_stride == 8 and a_plan().dense_scales == 3
    shallow = {**NETWORK, "widths": [8, 8], "stride": 4}
    assert a_plan(network=shallow).token_stride == 4


@pytest.mark.parametrize("name", ["student", "teacher"])
def test_the_proposed_crops_suit_both_networks(name):
    entry = network_entry(name, 2)
    large, small = crop_sizes(entry["stride"])
    plan = a_plan(network=entry, families=("CT", "MR"), global_size=large, local_size=small)
    assert plan.config.families == 2 and small < large
    with pytest.raises(InputError, match="no network 'mother'"):
        network_entry("mother", 2)
