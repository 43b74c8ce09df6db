"""A run of an enhancement model, small: it learns, can be continued to the last bit, and becomes a bundle."""

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

from MultimodalSegLib.errors import InputError
from MultimodalSegLib.images.io import write_volume
from MultimodalSegLib.training.enhancement.plan import DetailPlan
from MultimodalSegLib.training.enhancement.samples import DetailPairs, load_real, take_slices
from MultimodalSegLib.training.enhancement.start import export, prepare
from Testing.enhancement.handmade import a_thick_scan
from Testing.training.continued import assert_continues_exactly


@pytest.fixture(scope="module")
def a_plan(label_maps: Path, tmp_path_factory: pytest.TempPathFactory) -> DetailPlan:
    file = tmp_path_factory.mktemp("real") / "mr.nrrd"
    grid = a_thick_scan().grid
    real = a_thick_scan(replace(grid, size=(30, 30, 30), spacing=(1.0, 1.0, 1.0), origin=(-15.0, -15.0, -15.0)))
    write_volume(real, file)
    return DetailPlan(
        labels=str(label_maps),
        images=(f"MR={file}",),
        widths=(8, 8),
        blocks=1,
        held_out=("held_out",),
        steps=3,
        size=24,
        patch=16,
        warm_up_steps=1,
        validation_steps=3,
        validation_samples=1,
        log_steps=1,
        checkpoint_steps=2,
        workers=0,
        device="cpu",
        precision="32",
    )


def test_it_runs_and_tells_how_it_goes(a_plan: DetailPlan, tmp_path: Path) -> None:
    trainer = prepare(a_plan, tmp_path)
    trainer.run()
    assert len((tmp_path / "log.csv").read_text(encoding="utf-8").splitlines()) == 1 + a_plan.steps
    assert trainer.updates == a_plan.steps * a_plan.updates
    assert any(name.startswith("gain_") for name in trainer.scores)


def test_it_learns_a_volume_that_comes_again_and_again(a_plan: DetailPlan, tmp_path: Path) -> None:
    plan = replace(a_plan, noise=0.0, updates=8, batch=2, real_share=1.0, learning_rate=2e-3, steps=16, widths=(16,))
    trainer = prepare(plan, tmp_path)
    volume = DetailPairs(trainer.paths, plan)[0]
    losses = [trainer.advance(volume)["loss"] for _ in range(plan.steps)]
    assert np.mean(losses[-4:]) < 0.9 * np.mean(losses[:2])


def test_a_run_that_was_stopped_ends_with_the_same_weights(
    a_plan: DetailPlan, tmp_path: Path, one_thread: None
) -> None:
    plan = replace(a_plan, validation_steps=99, validation_samples=0)
    assert_continues_exactly(partial(prepare, plan), tmp_path)


def test_the_bundle_says_what_it_had(a_plan: DetailPlan, tmp_path: Path) -> None:
    trainer = prepare(replace(a_plan, steps=1, validation_samples=0), tmp_path / "run")
    trainer.run()
    bundle = export(tmp_path / "run", tmp_path / "enhance")
    assert bundle.kind == "detail" and not bundle.segments
    averaged = trainer.average.network.state_dict()
    for name, value in bundle.network().state_dict().items():
        torch.testing.assert_close(value, averaged[name], atol=1e-3, rtol=1e-3)  # float16 in the file
    assert "mr.nrrd" in bundle.metadata["training_data"] and "rectified flow" in bundle.metadata["description"]


@pytest.mark.parametrize(("family", "noisy"), [("MR", False), ("CT", False), ("CT", True)])
def test_what_is_given_says_less_than_the_truth_but_lies_in_place(family: str, noisy: bool) -> None:
    """The interpolated volume is the truth with less detail: alike, and smoother across the slices."""
    fine = a_thick_scan(replace(a_thick_scan().grid, size=(32, 32, 32), spacing=(1.0, 1.0, 1.0)), -100, 200).array
    for seed in range(3):
        pair = take_slices(fine, family, (-100.0, 200.0), np.random.default_rng(seed), noisy=noisy)
        assert pair.truth.shape == pair.start.shape and len(pair.distance) == len(pair.truth)
        together = np.corrcoef(pair.truth.numpy().ravel(), pair.start.numpy().ravel())[0, 1]
        assert together > (0.5 if noisy else 0.8)
        assert pair.error == pytest.approx(float(((pair.truth - pair.start) ** 2).mean()), rel=1e-4)


def test_a_real_volume_is_cut_to_what_it_shows(tmp_path: Path) -> None:
    scan = a_thick_scan(replace(a_thick_scan().grid, size=(50, 50, 50), spacing=(1.0, 1.0, 1.0), origin=(-25.0,) * 3))
    array = np.where(scan.array > 620, scan.array, 0).astype(np.float32)
    write_volume(scan.with_array(array), tmp_path / "head.nrrd")
    real = load_real(f"MR={tmp_path / 'head.nrrd'}")
    assert real.array.size < array.size and real.array.max() == array.max()


@pytest.mark.parametrize("change", [{"patch": 18}, {"patch": 24}, {"updates": 0}, {"precision": "8"}])
def test_an_impossible_plan_is_told(a_plan: DetailPlan, change: dict[str, object]) -> None:
    with pytest.raises(InputError, match="The plan's"):
        replace(a_plan, **change)  # type: ignore[arg-type]


def test_a_real_volume_without_its_family_is_told() -> None:
    with pytest.raises(InputError, match="no real volume"):
        DetailPlan(images=("t1.nrrd",))
