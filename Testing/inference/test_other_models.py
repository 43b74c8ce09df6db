"""Models of other things than the head: what they find is where it is, on any grid, in one shot and in windows."""

import numpy as np
import pytest
import SimpleITK as sitk

from MultimodalSegLib.errors import InputError, OutOfMemoryError
from MultimodalSegLib.evaluation.dice import dice
from MultimodalSegLib.images.grid import Grid
from MultimodalSegLib.inference.predict import segment
from MultimodalSegLib.registration.aligned import AlignedCase
from Testing.handmade import VALUES, a_sphere, distance, threshold_model

CENTER, RADIUS = (9.0, -6.0, 4.0), 24.0
LIVER = {"CT": {"kind": "window", "low": -150, "high": 250}}


def rotated(size, spacing, *degrees):
    """A grid turned about its middle, which is the origin."""
    turn = sitk.Euler3DTransform()
    turn.SetRotation(*np.deg2rad(degrees).tolist())
    matrix = np.array(turn.GetMatrix()).reshape(3, 3)
    origin = -matrix @ ((np.asarray(size) - 1) / 2 * np.asarray(spacing))
    return Grid(size, spacing, tuple(origin.tolist()), tuple(matrix.ravel().tolist()))


GRIDS = {
    "oblique": rotated((62, 58, 24), (1.5, 1.7, 4.0), 20, -25, 30),
    "upside down": rotated((58, 62, 30), (1.6, 1.6, 3.5), 180, 0, 0),
    "sagittal": rotated((60, 60, 34), (1.5, 1.5, 2.5), 90, 0, 90),
}


def assert_in_place(labels, value, tolerance, center=CENTER, radius=RADIUS):
    """Right wherever the surface is farther away than the tolerance (mm), of the right volume, and not shifted."""
    away = distance(labels.grid, center, radius)
    found = labels.array == value
    assert found[away < -tolerance].all() and not found[away > tolerance].any()
    true = 4 / 3 * np.pi * radius**3 / 1000
    assert found.sum() * labels.grid.voxel_ml == pytest.approx(true, rel=0.025)
    index = np.argwhere(found).mean(0)[::-1]
    middle = labels.grid.affine[:3, :3] @ index + labels.grid.affine[:3, 3]
    np.testing.assert_allclose(middle, center, atol=0.2)


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    spacing = {"working_spacing": [1.5, 2.0, 4.0], "preprocessing": LIVER, "region": "volume"}
    return {
        "one shot": threshold_model(folder / "whole", ["CT"], **spacing),
        "windows": threshold_model(folder / "patched", ["CT"], **spacing, patch=[20, 40, 48]),
        "body": threshold_model(folder / "body", ["CT"], **spacing | {"region": "body"}),
    }


@pytest.mark.parametrize("grid", GRIDS.values(), ids=GRIDS)
@pytest.mark.parametrize("kind", ["one shot", "windows", "body"])
def test_a_sphere_is_found_where_it_is(models, grid, kind):
    case = AlignedCase({"CT": a_sphere(grid, CENTER, RADIUS, 130, -30)}, "CT")
    result = segment(case, models[kind], device="cpu")
    assert result.labels.grid == grid
    assert (result.windows > 1) == (kind == "windows")
    assert_in_place(result.labels, VALUES[0], 0.75)  # half a voxel along x
    assert result.lesion_presence is None and result.modality_weights == {"CT": 1.0}


def test_windows_say_the_same_as_one_shot(models):
    case = AlignedCase({"CT": a_sphere(GRIDS["oblique"], CENTER, RADIUS, 130, -30)}, "CT")
    whole, parts = (segment(case, models[kind], device="cpu").labels for kind in ("one shot", "windows"))
    assert dice(whole, parts, [VALUES[0]])[VALUES[0]] > 0.998


def test_a_patch_that_does_not_fit_gives_way_to_smaller_windows_and_these_to_a_sentence(tmp_path):
    grid = rotated((80, 80, 40), (1.5, 1.5, 3.0), 0, 0, 0)
    case = AlignedCase({"CT": a_sphere(grid, CENTER, RADIUS, 130, -30)}, "CT")
    model = threshold_model(tmp_path / "m", ["CT"], working_spacing=1.5, preprocessing=LIVER, patch=[72, 64, 64])
    wide = segment(case, model, device="cpu")
    narrow = segment(case, model, device="cpu", memory_limit_mb=8)
    assert narrow.windows > wide.windows > 1
    assert dice(wide.labels, narrow.labels, [VALUES[0]])[VALUES[0]] > 0.998
    with pytest.raises(OutOfMemoryError, match="4 MB"):
        segment(case, model, device="cpu", memory_limit_mb=4)


def test_several_organs_and_their_probabilities(tmp_path):
    grid = GRIDS["sagittal"]
    volume = a_sphere(grid, CENTER, RADIUS, 50, -150)
    core = a_sphere(grid, CENTER, 12.0, 200, 0)
    volume = volume.with_array(volume.array + core.array)
    model = threshold_model(
        tmp_path / "m", ["CT"], (-0.5, 0.5), working_spacing=1.5, preprocessing=LIVER, region="volume"
    )
    result = segment(AlignedCase({"CT": volume}, "CT"), model, probabilities=["Organ 2"], device="cpu")
    assert_in_place(result.labels, VALUES[1], 1.5, radius=12.0)
    shell = (result.labels.array > 0).astype(np.uint16)
    assert_in_place(result.labels.with_array(shell), 1, 1.5)
    inside = distance(grid, CENTER, 12.0) < -2
    assert result.probabilities["Organ 2"].array[inside].min() > 0.75
    with pytest.raises(InputError, match="no class 'lesion'"):
        segment(AlignedCase({"CT": volume}, "CT"), model, probabilities=["lesion"])


def test_what_surrounds_a_small_volume_does_not_change_its_intensities(tmp_path):
    """35 x 50 x 35 voxels are padded to what the network needs after they were normalized, not before."""
    grid = Grid((35, 50, 35), (1.0, 1.0, 1.0), (-17.0, -25.0, -17.0))
    volume = a_sphere(grid, (0.0, 0.0, 0.0), 10.0, 300, 100)
    above = volume.array[volume.array > volume.array.min()]
    mean, sd = float(above.mean()), float(above.std())
    threshold = (200 - mean) / sd
    model = threshold_model(
        tmp_path / "hippocampus",
        ["MR"],
        (threshold,),
        working_spacing=1.0,
        region="volume",
        preprocessing={"MR": {"kind": "zscore"}},
        patch=[64, 64, 64],
    )
    result = segment(AlignedCase({"T1": volume}, "T1"), model, device="cpu")
    assert result.windows == 1
    assert_in_place(result.labels, VALUES[0], 1.0, (0.0, 0.0, 0.0), 10.0)


def test_an_mri_contrast_may_be_a_family_of_its_own(tmp_path):
    model = threshold_model(tmp_path / "m", ["MR", "FLAIR"])
    assert [model.family_index(name) for name in ("T1", "FLAIR", "T2", "MR")] == [0, 1, 0, 0]
    with pytest.raises(InputError, match="cannot use a PET"):
        model.family_index("PET")
