"""The plan: what is impossible is refused, and every number of a run follows from it."""

import numpy as np
import pytest

from MultimodalSegLib.errors import InputError
from MultimodalSegLib.training.plan import Plan, Stage
from MultimodalSegLib.training.schedule import learning_rate
from MultimodalSegLib.training.smaller import smaller
from Testing.training.small import a_plan

SIZES = ((64, 64, 64), (96, 64, 64))


def test_crops_follow_the_stage_their_chances_and_the_step_alone():
    plan = Plan(stages=(Stage(0.5, 3.0, SIZES, (0.7, 0.3)), Stage(1.0, 1.5, ((32, 32, 32),), (1.0,))), steps=2000)
    first = [plan.crop(step)[1] for step in range(1000)]
    assert first == [plan.crop(step)[1] for step in range(1000)]
    assert np.mean([size == SIZES[1] for size in first]) == pytest.approx(0.3, abs=0.05)
    assert {plan.crop(step)[0].spacing for step in range(1000, 2000)} == {1.5}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("batch", 0),
        ("steps", -3),
        ("learning_rate", float("nan")),
        ("ema_decay", 1.0),
        ("precision", "64"),
        ("device", "tpu"),
        ("workers", -1),
        ("clip", 0.0),
    ],
)
def test_an_impossible_value_is_refused_by_name(name, value):
    with pytest.raises(InputError, match=f"{name} is {value!r}"):
        Plan(**{name: value})


@pytest.mark.parametrize(
    ("stages", "what"),
    [
        ((0.5, 1.5, SIZES, (0.5, 0.4)), "chances"),
        ((1.0, 0.0, SIZES, (0.5, 0.5)), "spacing"),
        ((1.5, 1.5, SIZES, (0.5, 0.5)), "until"),
        ((1.0, 1.5, ((64, 64),), (1.0,)), "sizes"),
    ],
)
def test_an_impossible_stage_is_refused(stages, what):
    with pytest.raises(InputError, match=f"stages.{what}"):
        Stage(*stages)


def test_stages_must_reach_the_end():
    with pytest.raises(InputError, match="ascend to 1"):
        Plan(stages=(Stage(0.5, 1.5, SIZES, (0.5, 0.5)),))


def test_the_batch_must_be_shared_evenly():
    assert a_plan(batch=8, devices=2, accumulate=2).part == 2
    with pytest.raises(InputError, match="multiple of devices x accumulate = 4"):
        a_plan(batch=6, devices=2, accumulate=2)


def test_label_maps_and_a_data_set_exclude_each_other():
    with pytest.raises(InputError, match="more than one of label maps, data set and images"):
        Plan(labels="maps", data="set")


def test_with_too_little_memory_fewer_samples_come_first_and_smaller_crops_second():
    plan = a_plan(batch=6, stages=(Stage(1.0, 2.0, ((96, 64, 40),), (1.0,)),))
    fewer, sentence = smaller(plan, 32)
    assert (fewer.part, fewer.accumulate, fewer.batch) == (3, 2, 6) and "3 instead of 6" in sentence
    single, _ = smaller(fewer, 32)
    assert single.part == 1 and single.batch == 6
    halved, sentence = smaller(single, 32)
    assert halved.stages[0].sizes == ((32, 32, 32),) and "32 x 32 x 32" in sentence
    assert smaller(halved, 32) is None


def test_the_learning_rate_rises_and_falls():
    plan = a_plan(steps=1000, warm_up_steps=100, learning_rate=2.0)
    rates = [learning_rate(plan, step) for step in range(1000)]
    assert rates[0] == pytest.approx(0.02) and rates[99] == 2.0 and rates[-1] == pytest.approx(0.02, rel=0.01)
    assert np.all(np.diff(rates[:100]) > 0) and np.all(np.diff(rates[100:]) < 0)
    assert learning_rate(a_plan(warm_up_steps=0), 0) == a_plan().learning_rate
