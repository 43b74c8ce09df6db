"""A run of a click model, small: it learns, can be continued to the last bit, and becomes a bundle."""

from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch

from MultimodalSegLib.errors import InputError
from MultimodalSegLib.models.save import save_bundle
from MultimodalSegLib.networks.click_net import ClickNet
from MultimodalSegLib.networks.fusion_net import FusionNet
from MultimodalSegLib.training.refinement.plan import ClickPlan
from MultimodalSegLib.training.refinement.start import export, prepare
from Testing.refinement.handmade import TRUNK
from Testing.training.continued import assert_continues_exactly
from Testing.training.small import MODEL


@pytest.fixture(scope="module")
def a_plan(label_maps: Path, tmp_path_factory: pytest.TempPathFactory) -> ClickPlan:
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("trunk") / "tiny"
    classes = MODEL["network_classes"][:2]
    metadata = MODEL | {"network": TRUNK.to_dict(), "network_classes": classes, "lesion": {}}
    save_bundle(folder, metadata, FusionNet(TRUNK).state_dict(), dtype="float32")
    return ClickPlan(
        labels=str(label_maps),
        trunk=str(folder),
        widths=(8, 8),
        held_out=("held_out",),
        steps=3,
        size=32,
        crops=(16, 24),
        targets=2,
        clicks=2,
        warm_up_steps=1,
        validation_steps=3,
        validation_samples=1,
        log_steps=1,
        checkpoint_steps=2,
        workers=0,
        device="cpu",
    )


def test_the_head_learns_and_the_trunk_stays(a_plan: ClickPlan, tmp_path: Path) -> None:
    trainer = prepare(a_plan, tmp_path)
    before = {name: value.clone() for name, value in trainer.network.state_dict().items()}
    trainer.run()
    after = trainer.network.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before if name.startswith("trunk."))
    assert not torch.equal(before["head.head.weight"], after["head.head.weight"])
    assert set(trainer.scores) == {"dice1", "dice3", "dice5"}
    assert len((tmp_path / "log.csv").read_text(encoding="utf-8").splitlines()) == 1 + a_plan.steps


def test_a_run_that_was_stopped_ends_with_the_same_weights(a_plan: ClickPlan, tmp_path: Path, one_thread: None) -> None:
    plan = replace(a_plan, validation_steps=99, validation_samples=0)
    assert_continues_exactly(partial(prepare, plan), tmp_path)


def test_the_bundle_holds_trunk_and_averaged_head(a_plan: ClickPlan, tmp_path: Path) -> None:
    trainer = prepare(replace(a_plan, steps=1, validation_samples=0), tmp_path / "run")
    trainer.run()
    bundle = export(tmp_path / "run", tmp_path / "refine")
    network = bundle.network()
    assert isinstance(network, ClickNet) and bundle.kind == "click"
    averaged = trainer.average.network.state_dict()
    for name, value in network.head.state_dict().items():
        torch.testing.assert_close(value, averaged[name], atol=1e-3, rtol=1e-3)  # float16 in the file
    assert bundle.metadata["training"]["volumes"] == 1 and bundle.metadata["training"]["held_out"] == ["held_out"]


@pytest.mark.parametrize("change", [{"crops": (20, 18)}, {"crops": (64,)}, {"targets": 0}])
def test_an_impossible_plan_is_told(a_plan: ClickPlan, change: dict[str, object]) -> None:
    with pytest.raises(InputError, match="The plan's"):
        replace(a_plan, **change)  # type: ignore[arg-type]
