"""The estimated error grows with the true one, the light turns red, and what is not known is called unknown."""

from dataclasses import asdict, replace
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
from scipy.spatial.transform import Rotation

from MultimodalSegLib.images.io import read_volume
from MultimodalSegLib.images.resample import map_points
from MultimodalSegLib.images.volume import Volume
from MultimodalSegLib.registration.aligned import Quality, Registration
from MultimodalSegLib.registration.optimize import optimize
from MultimodalSegLib.registration.pyramid import Pyramid, build_pyramid
from MultimodalSegLib.registration.register import register, registration_warnings
from MultimodalSegLib.registration.reliability import Signs, estimate, judge, light_of, linear_part, reliability_model
from MultimodalSegLib.registration.restarts import AGAIN, CLOSER, head_points, restart
from MultimodalSegLib.registration.start import head_center, rigid
from MultimodalSegLib.registration.transform_file import read_transform
from MultimodalSegLib.resources import resource

MEASURED = Quality(0.1, 0.8, 0.95, True)
NONE = Signs(0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
IDENTITY = sitk.Transform(3, sitk.sitkIdentity)
DEMO = resource("demo/synthetic")


@pytest.fixture(scope="module")
def a_pair() -> tuple[Pyramid, Pyramid]:
    """The shipped CT and MRI."""
    return build_pyramid(read_volume(DEMO / "CT.nrrd"), "CT"), build_pyramid(read_volume(DEMO / "MR.nrrd"), "MR")


def judged(*given: Any, **options: Any) -> Quality:
    """A quality with the judgement of an alignment."""
    return judge(*given, **options).of(MEASURED)


def off_by(*shift: float) -> sitk.Transform:
    """The shipped pair's true alignment after a shift in mm."""
    return sitk.CompositeTransform([read_transform(DEMO / "MR_to_CT_truth.h5"), sitk.TranslationTransform(3, shift)])


def test_the_signs_and_the_estimate_grow_with_the_error(a_pair: tuple[Pyramid, Pyramid]) -> None:
    signs = [Signs.of(restart(*a_pair, off_by(0.0, mm, 0.0))) for mm in (0.0, 5.0, 12.0)]
    assert [round(each.restart_mm) for each in signs] == pytest.approx([0.0, 5.0, 12.0], abs=1.0)
    assert [round(each.inverse_mm) for each in signs] == pytest.approx([0.0, 5.0, 12.0], abs=1.0)
    assert signs[0].gain < 0.05 < signs[1].gain < signs[2].gain
    assert signs[0].mismatch < signs[1].mismatch < signs[2].mismatch
    errors = [estimate(each) for each in signs]
    assert errors[0].error_mm < 1.5 and 3.0 < errors[1].error_mm < 8.0 < errors[2].error_mm
    assert all(each.error_mm <= each.high_mm for each in errors)
    assert light_of(errors[0]) == "green" and light_of(errors[2]) == "red"


def test_the_light_of_the_shipped_pair_is_green_and_red_at_20_mm(a_pair: tuple[Pyramid, Pyramid]) -> None:
    found = register(read_volume(DEMO / "CT.nrrd"), read_volume(DEMO / "MR.nrrd"), fixed_modality="CT")
    assert found.quality.light == "green" and found.quality.error_mm is not None
    assert found.quality.error_mm < 1.5 and not registration_warnings("MR", "CT", found)
    wrong = judged(*a_pair, off_by(0.0, 20.0, 0.0))
    assert wrong.light == "red" and wrong.error_mm == pytest.approx(20.0, abs=6.0)
    (sentence,) = registration_warnings("MR", "CT", Registration(off_by(0.0, 20.0, 0.0), wrong, "given", 1.0))
    assert "MR with CT is probably wrong" in sentence and wrong.error_text in sentence and "ends 20 mm away" in sentence


def test_a_far_wrong_alignment_that_the_search_would_stay_at_is_red(a_pair: tuple[Pyramid, Pyramid]) -> None:
    upside_down = sitk.Euler3DTransform(a_pair[0].head.grid.corners.mean(axis=0).tolist(), np.pi, 0.0, 0.0)
    assert judged(*a_pair, sitk.CompositeTransform([off_by(0.0, 0.0, 0.0), upside_down])).light == "red"


def test_the_wrong_side_of_a_head_that_lies_the_other_way_round_is_red(a_pair: tuple[Pyramid, Pyramid]) -> None:
    """Nothing near it is better, and it knows nothing of the axes of the scanners: only a look all around can tell."""
    fixed, mr = a_pair[0], read_volume(DEMO / "MR.nrrd")
    turn = Rotation.from_euler("z", 150.0, degrees=True).as_matrix()
    direction = tuple((turn @ np.reshape(mr.grid.direction, (3, 3))).ravel().tolist())
    x, y, z = (turn @ mr.grid.origin).tolist()
    moving = build_pyramid(Volume(mr.array, replace(mr.grid, origin=(x, y, z), direction=direction)), "MR")
    wrong = rigid(head_center(fixed.head), (45.0, 0.0, -50.0))
    wrong.SetTranslation((head_center(moving.head) - head_center(fixed.head)).tolist())
    for step in (AGAIN, CLOSER):
        levels = fixed.level(step.spacing), moving.level(step.spacing)
        optimize(*levels, fixed.head, wrong, step, seed=0, on_iteration=lambda number, value: None)
    found = judged(fixed, moving, wrong)
    assert found.light == "red" and found.error_mm is not None and found.error_mm > 50.0


def a_bend(size_mm: float, points: np.ndarray) -> sitk.Transform:
    """The shipped pair's true alignment after a bend that is nothing but a bend at points of the head."""
    bend = sitk.BSplineTransformInitializer(read_volume(DEMO / "CT.nrrd").to_sitk(), [6, 6, 6], order=3)
    bend.SetParameters(np.random.default_rng(5).normal(0.0, size_mm, len(bend.GetParameters())).tolist())
    linear, _ = linear_part(bend, points)
    return sitk.CompositeTransform([read_transform(DEMO / "MR_to_CT_truth.h5"), linear.GetInverse(), bend])


def test_of_a_transform_that_bends_the_linear_part_is_judged(a_pair: tuple[Pyramid, Pyramid]) -> None:
    slight, strong = (judged(*a_pair, a_bend(mm, head_points(a_pair[0]))) for mm in (0.5, 12.0))
    assert slight.error_mm is not None and slight.error_mm < 1.5
    assert strong.error_mm == pytest.approx(slight.error_mm, abs=0.3)
    assert (slight.light, strong.light) == ("green", "amber")
    assert "only its linear part" in slight.light_reason and "only its linear part" in strong.light_reason


def test_the_linear_part_is_the_nearest_affine_transform() -> None:
    points = np.random.default_rng(0).uniform(-60.0, 60.0, (200, 3))
    affine = sitk.AffineTransform([1.01, 0.1, 0.0, -0.1, 1.0, 0.05, 0.0, 0.0, 0.99], [4.0, -3.0, 2.0])
    assert linear_part(affine, points) == (affine, 0.0)
    flat = sitk.BSplineTransformInitializer(read_volume(DEMO / "CT.nrrd").to_sitk(), [6, 6, 6], order=3)
    found, bend = linear_part(sitk.CompositeTransform([affine, flat]), points)
    np.testing.assert_allclose(map_points(found, points), map_points(affine, points), atol=1e-6)
    assert found.IsLinear() and bend < 1e-6


def test_the_same_seed_gives_the_same_estimate(a_pair: tuple[Pyramid, Pyramid]) -> None:
    first, second = (judged(*a_pair, off_by(3.0, 0.0, 0.0)) for _ in range(2))
    assert first == second
    assert judged(*a_pair, off_by(3.0, 0.0, 0.0), seed=7).error_mm == pytest.approx(first.error_mm, rel=0.3)


def test_identical_volumes_are_green(a_pair: tuple[Pyramid, Pyramid]) -> None:
    found = judged(a_pair[0], a_pair[0], IDENTITY, ("CT", "CT"))
    assert found.light == "green" and found.error_mm is not None and found.error_mm < 1.5


def test_heads_that_do_not_meet_are_red_without_a_number(a_pair: tuple[Pyramid, Pyramid]) -> None:
    found = judged(*a_pair, off_by(0.0, 0.0, 900.0))
    assert (found.light, found.error_mm, found.error_text) == ("red", None, "")
    (sentence,) = registration_warnings("MR", "CT", Registration(IDENTITY, found, "given", 1.0))
    assert "is probably wrong" in sentence and "overlap too little" in sentence


@pytest.mark.parametrize(
    ("modalities", "transform", "word"),
    [
        (("CT", "PET"), IDENTITY, "PET"),
        (("CT", "MR"), sitk.ScaleTransform(3, (1.05, 1.0, 1.0)), "sizes"),
    ],
)
def test_what_was_not_calibrated_is_unknown(
    a_pair: tuple[Pyramid, Pyramid], modalities: tuple[str, str], transform: sitk.Transform, word: str
) -> None:
    found = judged(*a_pair, transform, modalities)
    assert (found.light, found.error_mm) == ("unknown", None) and word in found.light_reason


def test_what_is_too_wide_for_a_head_is_unknown(a_pair: tuple[Pyramid, Pyramid]) -> None:
    head = a_pair[0].head
    x, y, z = head.grid.spacing
    wide = Volume(head.array, replace(head.grid, spacing=(2.0 * x, y, z)))
    found = judged(replace(a_pair[0], head=wide), a_pair[1], IDENTITY)
    assert found.light == "unknown" and "heads" in found.light_reason


def test_no_sign_makes_an_alignment_look_better_by_growing() -> None:
    base = estimate(NONE)
    for name in asdict(NONE):
        worse = estimate(replace(NONE, **{name: 1.0}))
        assert worse.error_mm >= base.error_mm and worse.high_mm >= base.high_mm
    assert estimate(replace(NONE, restart_mm=1.0, inverse_mm=1.0)).high_mm > base.high_mm


def test_the_model_was_checked_on_patients_of_its_own() -> None:
    checked = reliability_model()["checked"]
    assert checked["alignments"] >= 200 and checked["auc of errors above 2 mm"]["auc"] >= 0.95
    assert checked["green"]["of errors above 5 mm"].startswith("0 of ")


def test_an_entry_of_an_earlier_version_is_unknown_and_a_new_one_comes_back() -> None:
    entry = {"mutual_information_before": 0.1, "mutual_information_after": 0.8, "head_overlap": 0.9, "converged": True}
    old = Quality.of({**entry, "message": "", "kind": "rigid", "seconds": 1.0})
    assert old.light == "unknown" and old.error_text == ""
    new = replace(old, light="amber", error_mm=2.5, error_high_mm=5.0, light_reason="x")
    assert Quality.of(asdict(new)) == new and new.error_text == "about 2.5 mm, hardly above 5.0 mm"
