"""The distillation of a plan: as a file and back, and what is impossible."""

from pathlib import Path

import pytest

from MultimodalSegLib.errors import InputError
from MultimodalSegLib.training.distillation.settings import Distillation
from MultimodalSegLib.training.plan import Plan
from MultimodalSegLib.training.plan_file import from_dict, read_plan, write_plan


def test_the_distillation_of_a_plan_is_written_and_read(tmp_path: Path) -> None:
    plan = Plan(
        labels="maps",
        init="head",
        forget=True,
        distillation=Distillation("head", "c" * 64, 3.0, features=0.0, start="random"),
    )
    write_plan(plan, tmp_path / "plan.yaml")
    assert read_plan(tmp_path / "plan.yaml") == plan
    assert "whose answers and features are learnt" in (tmp_path / "plan.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"start": "middle"}, "start of the distillation is 'middle', not one of teacher, random"),
        ({"temperature": 0}, "temperature of the distillation is 0.0"),
        ({"soft": -1}, "weight soft is -1.0"),
        ({"teacher": "head", "hard": 0, "soft": 0, "features": 0, "attention": 0}, "all weights"),
        ({"feature": 1}, "unknown key 'feature'; the nearest known is 'features'"),
        ({"soft": "much"}, "much"),
    ],
)
def test_what_is_impossible_is_said(entry: dict, said: str) -> None:
    with pytest.raises(InputError, match=said):
        from_dict({"distillation": entry})
