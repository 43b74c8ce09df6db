"""A run of a model that paints, small: it learns, can be continued to the last bit, and becomes a bundle."""

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

from MultimodalSegLib.errors import InputError
from MultimodalSegLib.images.io import write_volume
from MultimodalSegLib.painting.load import painter_of
from MultimodalSegLib.synthesis.anatomy import load_anatomy
from MultimodalSegLib.training.painting.batch import patches
from MultimodalSegLib.training.painting.plan import PaintPlan, RealLesion
from MultimodalSegLib.training.painting.scenes import Scene, load_real, made_up_scene, real_scene
from MultimodalSegLib.training.painting.start import export, prepare
from Testing.painting.handmade import a_pair
from Testing.training.continued import assert_continues_exactly


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> str:
    """An MRI with a bright lesion of known place."""
    folder, scan = tmp_path_factory.mktemp("real"), a_pair()["T1"]
    k, j, i = np.indices(scan.grid.shape)
    lesion = np.linalg.norm(scan.grid.points(np.stack([i, j, k], -1)) - (8.0, -6.0, 5.0), axis=-1) < 5
    write_volume(scan.with_array(np.where(lesion, 900, scan.array).astype(np.float32)), folder / "t1.nrrd")
    write_volume(scan.with_array(lesion), folder / "mask.nrrd")
    return f"MR={folder / 't1.nrrd'},MR={folder / 't1.nrrd'},{folder / 'mask.nrrd'},white matter"


@pytest.fixture(scope="module")
def a_plan(label_maps: Path, real: str) -> PaintPlan:
    return PaintPlan(
        labels=str(label_maps),
        real=(real,),
        widths=(8, 8),
        blocks=1,
        held_out=("held_out",),
        steps=3,
        size=32,
        patch=24,
        updates=2,
        batch=2,
        warm_up_steps=1,
        validation_steps=3,
        validation_samples=3,
        log_steps=1,
        checkpoint_steps=2,
        workers=0,
        device="cpu",
        precision="32",
    )


def test_a_scene_of_a_real_patient_has_its_lesion_in_place(a_plan: PaintPlan, real: str) -> None:
    for seed in range(4):
        scene = real_scene(load_real(real), np.random.default_rng(seed), a_plan)
        assert scene.useful and scene.kind == "white matter" and scene.families == ("MR", "MR")
        inside = scene.images[0][scene.mask].mean()
        assert inside > scene.images[0][~scene.mask].max() - 0.3  # the lesion is the brightest of all
        diameter = 2 * (scene.mask.sum() * scene.spacing**3 * 3 / 4 / np.pi) ** (1 / 3)
        assert diameter == pytest.approx(10, abs=1.5)


def test_every_image_of_a_made_up_scene_shows_the_lesion(a_plan: PaintPlan, label_maps: Path) -> None:
    anatomy = load_anatomy(sorted(label_maps.glob("*"))[0])
    scenes = [made_up_scene(anatomy, np.random.default_rng(seed), replace(a_plan, size=48)) for seed in range(8)]
    assert any(scene.useful for scene in scenes) and any(len(scene.images) > 1 for scene in scenes)
    assert all(image.shape == scene.mask.shape for scene in scenes for image in scene.images)


def test_a_patch_hides_the_lesion_and_tells_of_another_scan(a_plan: PaintPlan, real: str) -> None:
    scene = real_scene(load_real(real), np.random.default_rng(0), a_plan)
    alone, told = (patches([scene], 24, chance, np.random.default_rng(1)) for chance in (0.0, 1.0))
    assert alone.others[:, 1:].abs().max() == 0 and (told.others[:, 2] == -1).all()
    assert told.others[:, 1].max() > 0.5  # the other scan shows the lesion
    inside = alone.others[:, :1] > 0
    assert inside.any() and alone.start[inside].max() < alone.truth[inside].mean() - 0.3
    assert alone.errors(alone.truth - alone.start).max() == 0 and alone.unpainted().min() >= 0.02


def test_it_runs_and_tells_how_it_goes(a_plan: PaintPlan, tmp_path: Path) -> None:
    trainer = prepare(a_plan, tmp_path)
    trainer.run()
    assert len((tmp_path / "log.csv").read_text(encoding="utf-8").splitlines()) == 1 + a_plan.steps
    assert trainer.step == a_plan.steps and trainer.updates > 0


def test_it_learns_a_lesion_that_comes_again_and_again(a_plan: PaintPlan, real: str, tmp_path: Path) -> None:
    plan = replace(a_plan, updates=4, learning_rate=3e-3, steps=14, widths=(16,), start_share=1.0)
    trainer = prepare(plan, tmp_path)
    scene = real_scene(load_real(real), np.random.default_rng(0), plan)
    losses = [trainer.advance(scene)["loss"] for _ in range(plan.steps)]
    assert np.mean(losses[-3:]) < 0.5 * losses[0]


def test_a_run_that_was_stopped_ends_with_the_same_weights(a_plan: PaintPlan, tmp_path: Path, one_thread: None) -> None:
    plan = replace(a_plan, validation_steps=99, validation_samples=0, real_share=1.0)
    assert_continues_exactly(partial(prepare, plan), tmp_path)


def test_the_bundle_paints_and_says_what_it_had(a_plan: PaintPlan, tmp_path: Path) -> None:
    trainer = prepare(replace(a_plan, steps=1, validation_samples=0, real_share=1.0), tmp_path / "run")
    trainer.run()
    bundle = export(tmp_path / "run", tmp_path / "paint")
    assert bundle.kind == "paint" and not bundle.segments
    painter = painter_of(bundle, 1, "cpu")
    averaged = trainer.average.network.state_dict()
    for name, value in painter.network.state_dict().items():
        torch.testing.assert_close(value, averaged[name], atol=1e-3, rtol=1e-3)  # float16 in the file
    assert "mask.nrrd (white matter)" in bundle.metadata["training_data"]
    assert bundle.metadata["license"] != "Apache-2.0"
    assert painter.kinds[3] == "white matter" and painter.families == ("CT", "MR")


@pytest.mark.parametrize(
    "change",
    [{"patch": 18}, {"patch": 40}, {"updates": 0}, {"noise": 0.0}, {"spacings": (2.0, 1.0)}, {"precision": "8"}],
)
def test_an_impossible_plan_is_told(a_plan: PaintPlan, change: dict[str, object]) -> None:
    with pytest.raises(InputError, match="The plan's"):
        replace(a_plan, **change)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("t1.nrrd,mask.nrrd,tumor", "no real lesion"),
        ("MR=t1.nrrd,tumor", "no real lesion"),
        ("mask.nrrd,tumor", "no real lesion"),
        ("PET=t1.nrrd,mask.nrrd,tumor", "no real lesion"),
        ("MR=t1.nrrd,mask.nrrd,abscess", "no kind of lesion"),
    ],
)
def test_a_real_lesion_that_is_not_well_told_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        PaintPlan(real=(text,))


def test_a_mask_without_a_lesion_is_told(real: str, tmp_path: Path) -> None:
    scan = a_pair()["T1"]
    write_volume(scan.with_array(np.zeros(scan.array.shape, np.uint8)), tmp_path / "none.nrrd")
    entry = RealLesion.parse(real)
    with pytest.raises(InputError, match="holds no lesion"):
        load_real(f"MR={entry.images[0][1]},{tmp_path / 'none.nrrd'},tumor")


def test_a_scene_without_images_teaches_nothing() -> None:
    assert not Scene((), (), np.ones((4, 4, 4), bool), "tumor", 1.0).useful
