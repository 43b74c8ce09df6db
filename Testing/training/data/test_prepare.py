"""Images and labels come to lie on one grid along the patient's axes, each voxel where it belongs."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from MultimodalSegLib.errors import InputError
from MultimodalSegLib.images.grid import Grid
from MultimodalSegLib.images.normalization import Normalization
from MultimodalSegLib.images.volume import Volume
from MultimodalSegLib.training.data.case import ImageFile, TrainingCase
from MultimodalSegLib.training.data.classes import LabelClass
from MultimodalSegLib.training.data.labels import LabelFile
from MultimodalSegLib.training.data.prepare import THICK_SLICES, Preparation, prepare, working_grid
from Testing import phantoms
from Testing.points import points_of
from Testing.training.data.trees import a_label, an_mr, write

CLASSES = (LabelClass("ball", 3),)
C, S = np.cos(0.5), np.sin(0.5)
OBLIQUE = Grid((40, 30, 24), (1.0, 1.4, 2.0), (30.0, 10.0, -20.0), (-C, S, 0.0, -S, -C, 0.0, 0.0, 0.0, 1.0))
BALL = np.array([5.0, -14.0, 2.0])


def a_ball(grid: Grid, inside: float, outside: float, radius: float = 8.0) -> np.ndarray:
    points = points_of(grid)
    return np.where(((points - BALL) ** 2).sum(-1) <= radius**2, inside, outside)


def center_and_ml(mask: np.ndarray, grid: Grid) -> tuple[np.ndarray, float]:
    return np.argwhere(mask).mean(0)[::-1] * grid.spacing + grid.origin, float(mask.sum()) * grid.voxel_ml


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), THICK_SLICES])
def test_a_ball_in_an_oblique_volume_stays_where_it_is(tmp_path: Path, spacing: tuple[float, float, float]) -> None:
    noise = np.random.default_rng(0).normal(0, 5, OBLIQUE.shape)
    image = Volume((a_ball(OBLIQUE, 900, 100) + noise).astype(np.float32), OBLIQUE)
    label = Volume(a_ball(OBLIQUE, 3, 0).astype(np.uint16), OBLIQUE)
    case = TrainingCase(
        "a", "a", {"MR": ImageFile(write(image, tmp_path / "i.nrrd"))}, LabelFile(write(label, tmp_path / "l.nrrd"))
    )
    arrays = prepare(case, CLASSES, (), Preparation(spacing))
    assert arrays.grid.spacing == spacing and arrays.grid.direction == (1, 0, 0, 0, 1, 0, 0, 0, 1)
    assert arrays.truth is not None and arrays.images.shape == (1, *arrays.grid.shape)
    for mask in (arrays.truth.channel == 1, arrays.images[0] > 0):
        middle, ml = center_and_ml(mask, arrays.grid)
        assert (np.abs(middle - BALL) <= 0.5 * np.asarray(spacing)).all()
        assert ml == pytest.approx(4 / 3 * np.pi * 0.8**3, rel=0.12)


def test_a_grid_of_the_same_spacing_keeps_the_voxels() -> None:
    flipped = Grid((7, 5, 6), (1.0, 1.0, 1.0), (3.0, 2.0, -1.0), (-1.0, 0, 0, 0, -1.0, 0, 0, 0, 1.0))
    assert working_grid(flipped, (1.0, 1.0, 1.0)) == Grid((7, 5, 6), (1.0, 1.0, 1.0), (-3.0, -2.0, -1.0))


def a_pair(folder: Path, **changes: object) -> TrainingCase:
    ct, mr = phantoms.write_pair(folder)
    label = LabelFile(write(phantoms.true_labels(), folder / "truth.nrrd"))
    case = TrainingCase("head", "head", {"CT": ImageFile(ct), "MR": ImageFile(mr)}, label)
    return replace(case, **changes)


HEAD = (LabelClass("brain", 2), LabelClass("ventricle", 4), LabelClass("skull", 515))


def ventricle_contrast(case: TrainingCase) -> float:
    """How much darker the MRI is in the ventricles than in the brain, where the CT's label says they are."""
    arrays = prepare(case, HEAD, (), Preparation((4.0, 4.0, 4.0)))
    assert arrays.modalities == ("CT", "MR") and arrays.truth is not None
    mr, channel = arrays.images[1], arrays.truth.channel
    return float(mr[channel == 1].mean() - mr[channel == 2].mean())


def test_a_pair_that_is_not_aligned_is_registered_and_a_known_transform_is_used(tmp_path: Path) -> None:
    sitk.WriteTransform(phantoms.TRANSFORM, str(tmp_path / "t.h5"))
    exact = ventricle_contrast(a_pair(tmp_path, already_aligned=True, transforms={"MR": tmp_path / "t.h5"}))
    trusted = ventricle_contrast(a_pair(tmp_path, already_aligned=True))
    registered = ventricle_contrast(a_pair(tmp_path))
    assert trusted < 0.8 * exact < registered < 1.1 * exact


def test_clahe_is_applied_after_the_window_of_a_ct(tmp_path: Path) -> None:
    ct, _ = phantoms.write_pair(tmp_path)
    case = TrainingCase("head", "head", {"CT": ImageFile(ct)}, None)
    plain, equal = (
        prepare(
            case, HEAD, (), Preparation((4.0, 4.0, 4.0), normalization={"CT": Normalization("window", 0, 80, clahe=on)})
        ).images[0]
        for on in (False, True)
    )
    assert (plain.min(), plain.max()) == (-1.0, 1.0)  # everything beyond the window is cut before
    assert (equal.min(), equal.max()) == pytest.approx((-1.0, 1.0))
    assert np.abs(equal - plain).max() > 0.05


def test_what_cannot_be_used_is_named_with_its_case(tmp_path: Path) -> None:
    image = ImageFile(write(an_mr(), tmp_path / "i.nrrd"))
    strange = LabelFile(write(a_label({9: np.s_[1, 1, 1]}), tmp_path / "l.nrrd"))
    for case, message in (
        (TrainingCase("a", "a", {"MR": ImageFile(tmp_path / "nowhere.nrrd")}), "Case 'a': There is no file"),
        (TrainingCase("a", "a", {"PET": image}), "has a PET image, but training is for CT, MR"),
        (TrainingCase("a", "a", {"MR": image}, strange), "Case 'a': The label holds the value 9"),
    ):
        with pytest.raises(InputError, match=message):
            prepare(case, CLASSES, (), Preparation())


def test_impossible_settings_are_refused() -> None:
    with pytest.raises(ValueError, match="spacing"):
        Preparation((1.0, 0.0, 1.0))
    with pytest.raises(ValueError, match="'elastic' is none of"):
        Preparation(registration="elastic")
