"""Figures of merit against values that are known."""

import numpy as np
import pytest
import SimpleITK as sitk

from MultimodalSegLib.images.volume import Volume
from MultimodalSegLib.registration.pyramid import build_pyramid, dilate, shrink
from MultimodalSegLib.registration.quality import Comparison, mutual_information


def test_mutual_information_of_equal_and_of_independent_bins() -> None:
    rng = np.random.default_rng(0)
    first, second = rng.integers(0, 32, 200_000), rng.integers(0, 32, 200_000)
    assert mutual_information(first, first) == pytest.approx(np.log(32), abs=1e-3)
    assert mutual_information(first, 31 - first) == pytest.approx(np.log(32), abs=1e-3)
    assert mutual_information(first, second) == pytest.approx(0.0, abs=0.01)


def test_the_head_of_a_ct_is_found_without_couch_and_padding(a_ct: Volume) -> None:
    head = build_pyramid(a_ct, "CT").head
    liters = np.count_nonzero(head.array) * head.grid.voxel_ml / 1000
    assert liters == pytest.approx(4 / 3 * np.pi * 0.75 * 0.92 * 0.85, rel=0.06)
    assert not head.array[:, -4:].any()


def test_ct_and_mr_agree_on_how_large_the_head_is(a_ct: Volume, an_mr: Volume) -> None:
    heads = [build_pyramid(a_ct, "CT").head, build_pyramid(an_mr, "MR").head]
    first, second = (np.count_nonzero(head.array) * head.grid.voxel_ml for head in heads)
    assert first == pytest.approx(second, rel=0.08)


def test_the_truth_is_better_than_anything_near_it(a_ct: Volume, an_mr: Volume, motion: sitk.Euler3DTransform) -> None:
    comparison = Comparison.of(build_pyramid(a_ct, "CT"), build_pyramid(an_mr, "MR"))
    best = comparison.mutual_information(motion)[0]
    assert comparison.head_overlap(motion) > 0.9
    assert comparison.shared_head(motion) > 0.9
    for axis in range(3):
        for change in (-6.0, 6.0):
            off = sitk.Euler3DTransform(motion)
            off.SetTranslation([x + change * (n == axis) for n, x in enumerate(motion.GetTranslation())])
            assert comparison.mutual_information(off)[0] < best - 0.03


def test_no_overlap_is_no_information(a_ct: Volume) -> None:
    pyramid = build_pyramid(a_ct, "CT")
    comparison = Comparison.of(pyramid, pyramid)
    away = sitk.TranslationTransform(3, (1000.0, 0.0, 0.0))
    assert comparison.mutual_information(away) == (0.0, 0.0)
    assert comparison.head_overlap(away) == 0.0
    assert comparison.shared_head(away) == 0.0


def test_shrinking_keeps_the_place_and_the_mean(an_mr: Volume) -> None:
    small = shrink(an_mr, 6.0)
    np.testing.assert_allclose(small.grid.spacing, (6.0, 6.0, 7.0))
    np.testing.assert_allclose(small.grid.corners, an_mr.grid.corners, atol=1e-6)
    assert small.array.mean() == pytest.approx(an_mr.array.mean(), rel=1e-4)


def test_dilation_is_in_millimeters(a_ct: Volume) -> None:
    array = np.zeros(a_ct.array.shape, bool)
    array[30, 40, 40] = True
    grown = dilate(a_ct.with_array(array), 5.0).array
    assert grown[30, 40, 42] and not grown[30, 40, 43]  # 4.8 and 7.2 mm
    assert grown[31, 40, 40] and not grown[32, 40, 40]  # 3 and 6 mm
