"""From prompts to an object, with a network that finds what looks like the prompt."""

from pathlib import Path

import numpy as np
import pytest
import torch

from MultimodalSegLib.errors import InputError
from MultimodalSegLib.images.grid import Grid
from MultimodalSegLib.refinement.answer import Refiner, kept_parts
from MultimodalSegLib.refinement.prompts import Prompts
from MultimodalSegLib.refinement.scene import Scene, click_network, look, read_scene, write_scene
from Testing.phantoms import CT_GRID, a_ct
from Testing.points import points_of
from Testing.refinement.handmade import a_click_model

TUMOR, AXES = np.array([-30.0, 25.0, 30.0]), np.array([14.0, 16.0, 12.0])
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def a_scene(tmp_path_factory: pytest.TempPathFactory) -> tuple[Refiner, Scene]:
    bundle = a_click_model(tmp_path_factory.mktemp("model") / "clicks")
    network = click_network(bundle)
    scene = look(bundle, network, {"CT": a_ct()}, CPU)
    return Refiner(network, scene, CT_GRID, CPU), scene


def tumor(grid: Grid) -> np.ndarray:
    points = points_of(grid)
    return np.asarray((((points - TUMOR) / AXES) ** 2).sum(-1) <= 1)


def overlap(a: np.ndarray, b: np.ndarray) -> float:
    return float(2 * (a & b).sum() / (a.sum() + b.sum()))


def test_one_click_gives_the_object_on_the_reference_grid(a_scene: tuple[Refiner, Scene]) -> None:
    answer = a_scene[0].answer(Prompts(positive=[TUMOR]))
    assert answer.mask.shape == CT_GRID.shape
    assert overlap(answer.mask, tumor(CT_GRID)) > 0.8


def test_another_grid_gets_the_same_object_in_its_own_voxels(a_scene: tuple[Refiner, Scene]) -> None:
    fine = Grid((60, 70, 50), (2.0, 2.0, 2.5), (32.0, -44.0, -20.0), (-1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0))
    refiner = a_scene[0]
    answer = Refiner(refiner.network, refiner.scene, fine, CPU).answer(Prompts(positive=[TUMOR]))
    assert overlap(answer.mask, tumor(fine)) > 0.8


def test_a_negative_point_takes_away_where_it_lies_and_the_rest_stays(a_scene: tuple[Refiner, Scene]) -> None:
    before = a_scene[0].answer(Prompts(positive=[TUMOR])).mask
    away = TUMOR + (10.0, 0, 0)
    after = a_scene[0].answer(Prompts(positive=[TUMOR], negative=[away]), before).mask
    i, j, k = np.rint(np.linalg.inv(CT_GRID.affine) @ [*away, 1])[:3].astype(int)
    assert before[k, j, i] and not after[k, j, i]
    assert overlap(after, before) > 0.7


def test_what_lies_outside_the_crop_stays(a_scene: tuple[Refiner, Scene]) -> None:
    refiner, scene = a_scene
    narrow = Refiner(refiner.network, scene, CT_GRID, CPU)
    before = np.zeros(CT_GRID.shape, bool)
    before[2, 2, 2] = True
    answer = narrow.answer(Prompts(positive=[TUMOR]), before)
    assert answer.mask[2, 2, 2]
    outside = np.ones(CT_GRID.shape, bool)
    outside[answer.part] = False
    assert np.array_equal(answer.mask[outside], before[outside])


def test_parts_nobody_pointed_at_are_left_out() -> None:
    mask = np.zeros((3, 3, 20), bool)
    mask[..., 0:4] = mask[..., 8:12] = mask[..., 16:19] = True
    before = np.zeros_like(mask)
    before[1, 1, 17] = True
    kept = kept_parts(mask, before, np.array([[1, 1, 5]]))
    assert kept[1, 1].tolist() == [True] * 4 + [False] * 12 + [True] * 3 + [False]


@pytest.mark.parametrize(
    ("place", "sentence"),
    [
        ((500.0, 0, 0), "outside of what the volume shows"),
        ((-30.0, 25.0, 400.0), "outside of what the volume shows"),
        ((74.0, 84.0, 70.0), "nothing but air"),
    ],
)
def test_prompts_where_nothing_is_are_told(
    a_scene: tuple[Refiner, Scene], place: tuple[float, float, float], sentence: str
) -> None:
    with pytest.raises(InputError, match=sentence):
        a_scene[0].answer(Prompts(positive=[place]))


def test_nothing_can_be_taken_away_from_nothing(a_scene: tuple[Refiner, Scene]) -> None:
    for before in (None, np.zeros(CT_GRID.shape, bool)):
        with pytest.raises(InputError, match="Only places beside the object"):
            a_scene[0].answer(Prompts(negative=[TUMOR]), before)


def test_a_box_is_cut_to_the_volume(a_scene: tuple[Refiner, Scene]) -> None:
    """Far beyond it on the sides, or just over its edge: what counts is what is shown."""
    refiner, scene = a_scene
    low, high = (np.max([g.corners.min(0) for g in (scene.grid, CT_GRID)], 0)), TUMOR + AXES
    cut = refiner.answer(Prompts([TUMOR], box=[low, high])).mask
    for beyond in (3.0, 500.0):
        assert np.array_equal(refiner.answer(Prompts([TUMOR], box=[low - beyond, high])).mask, cut)
    with pytest.raises(InputError, match="The box around 500.0, 0.0, 0.0 lies outside"):
        refiner.answer(Prompts([TUMOR], box=[(490.0, -10.0, -10.0), (510.0, 10.0, 10.0)]))


def test_a_box_beside_an_oblique_volume_is_refused(a_scene: tuple[Refiner, Scene]) -> None:
    """It lies within the ranges of x and y of the volume, and yet outside of it."""
    refiner, half = a_scene[0], 0.5**0.5
    turned = Grid((40, 40, 40), (2.0, 2.0, 2.0), (-30.0, -31.57, -9.0), (half, -half, 0, half, half, 0, 0, 0, 1))
    there = Refiner(refiner.network, refiner.scene, turned, CPU)
    corner = turned.corners.max(0) - (6.0, 6.0, 40.0)
    with pytest.raises(InputError, match="The box around"):
        there.answer(Prompts(box=[corner, corner + 5]))


def test_an_answer_without_anything_is_told(a_scene: tuple[Refiner, Scene]) -> None:
    """A point beside the object on the very place that was said to be on it."""
    answer = a_scene[0].answer(Prompts([TUMOR], [TUMOR, *(TUMOR + 6 * np.vstack([np.eye(3), -np.eye(3)]))]))
    assert bool(answer.mask.any()) != any("Nothing was found" in text for text in answer.warnings)


def test_a_scene_is_read_back_as_it_was_and_only_for_what_it_was_made_from(
    a_scene: tuple[Refiner, Scene], tmp_path: Path
) -> None:
    scene, file = a_scene[1], tmp_path / "scene.safetensors"
    write_scene(scene, file, "this")
    again = read_scene(file, "this")
    assert again is not None and again.grid == scene.grid and again.names == scene.names
    assert torch.equal(again.features, scene.features)
    torch.testing.assert_close(again.images, scene.images, atol=2e-3, rtol=1e-3)
    assert read_scene(file, "another") is None
    file.write_bytes(b"broken")
    assert read_scene(file, "this") is None and read_scene(tmp_path / "none", "this") is None


@pytest.mark.parametrize("names", [("CT", "MR"), ("MR",), ("MR", "FLAIR", "CT")])
def test_any_modalities_will_do(tmp_path: Path, names: tuple[str, ...]) -> None:
    bundle = a_click_model(tmp_path / "clicks")
    network = click_network(bundle)
    scene = look(bundle, network, dict.fromkeys(names, a_ct()), CPU)
    i, j, k = np.rint(np.linalg.inv(CT_GRID.affine) @ [*TUMOR, 1])[:3].astype(int)
    assert Refiner(network, scene, CT_GRID, CPU).answer(Prompts(positive=[TUMOR])).mask[k, j, i]
