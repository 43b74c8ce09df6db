"""``plan.yaml``: what is written is read again, and mistakes are named."""

from dataclasses import fields

import pytest

from MultimodalSegLib.errors import InputError, OutputError
from MultimodalSegLib.losses.schedule import LossSchedule, LossWeights
from MultimodalSegLib.training.augment.settings import Augmentation
from MultimodalSegLib.training.plan import Plan, Stage
from MultimodalSegLib.training.plan_file import read_plan, write_plan


def test_a_plan_is_read_as_it_was_written(tmp_path):
    plan = Plan(
        data="set with spaces: and signs",
        network={"widths": [8, 8], "encoder": "cnn"},
        stages=(
            Stage(0.25, (1.5, 1.5, 5.0), ((64, 64, 64),), (1.0,)),
            Stage(1.0, 1.5, ((96, 96, 96), (64, 64, 64)), (0.7, 0.3)),
        ),
        losses=LossSchedule(((0.0, LossWeights(deep=())), (1.0, LossWeights(beta=2.0)))),
        augmentation=Augmentation(gamma=(0.5, 2.0)),
        held_out=("a", "1"),
        learning_rate=1e-5,
        reweighting=True,
        precision="16",
    )
    write_plan(plan, tmp_path / "run" / "plan.yaml")
    assert read_plan(tmp_path / "run" / "plan.yaml") == plan


def test_every_choice_is_explained(tmp_path):
    write_plan(Plan(), tmp_path / "plan.yaml")
    lines = (tmp_path / "plan.yaml").read_text(encoding="utf-8").splitlines()
    for entry in fields(Plan):
        place = next(n for n, line in enumerate(lines) if line.startswith(f"{entry.name}:"))
        assert lines[place - 1].startswith("# ") and len(lines[place - 1]) > 10


def test_what_is_left_out_is_as_usual_and_numbers_may_be_written_freely(tmp_path):
    (tmp_path / "plan.yaml").write_text(
        "learning_rate: 1e-3\nprecision: 32\nlosses:\n- {fraction: 0, alpha: 2}\n", encoding="utf-8"
    )
    plan = read_plan(tmp_path / "plan.yaml")
    assert plan.learning_rate == 1e-3 and plan.precision == "32" and plan.steps == Plan().steps
    assert plan.losses.at(0.5) == LossWeights(alpha=2.0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("learning_rat: 1", "unknown key 'learning_rat'; the nearest known is 'learning_rate'"),
        ("stages:\n- {until: 1, spacin: 2, sizes: [[8, 8, 8]]}", "stages holds the unknown key 'spacin'.*'spacing'"),
        ("losses:\n- {fraction: 0, gama: 2}", "losses holds the unknown key 'gama'.*'gamma'"),
        ("augmentation: {rotate: 2}", "augmentation holds the unknown key 'rotate'.*'rotation'"),
        ("steps: many", "steps is 'many', but must be a whole number"),
        ("steps: true", "steps is True"),
        ("reweighting: 1", "reweighting is 1, but must be true or false"),
        ("learning_rate: fast", "learning_rate is 'fast', but must be a number"),
        ("batch: 0", "batch is 0"),
        ("stages: 3", "cannot be understood"),
        ("losses:\n- {fraction: 0, gamma: -1}", "gamma must be finite and at least 0"),
        ("augmentation: {dropout: 3}", "dropout is 3.0, not a chance"),
        ("- 1\n- 2", "no 'key: value' lines"),
        ("a: [", "is not YAML"),
        ("seed: !!python/object/apply:os.system ['true']", "is not YAML"),
    ],
)
def test_a_mistake_is_told_in_one_sentence(tmp_path, text, message):
    (tmp_path / "plan.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        read_plan(tmp_path / "plan.yaml")


def test_a_plan_that_is_not_there_and_a_place_that_cannot_be_written(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        read_plan(tmp_path / "none.yaml")
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(OutputError, match="Cannot write the plan"):
        write_plan(Plan(), tmp_path / "file" / "plan.yaml")
