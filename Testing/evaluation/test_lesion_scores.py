import math

import numpy as np
import pytest

from MultimodalSegLib.evaluation.lesion_scores import LesionCounts, lesion_counts, lesion_scores, roc_auc


def two_lesions() -> np.ndarray:
    truth = np.zeros((10, 20, 40), bool)
    truth[2:6, 2:12, 2:12] = True  # 400 voxels
    truth[2:6, 2:12, 22:32] = True
    return truth


def test_each_lesion_counts_by_itself():
    truth = two_lesions()
    found = np.zeros_like(truth)
    found[2:6, 2:12, 2:7] = True  # half of the first, nothing of the second
    scores = lesion_scores(found, truth, 0.01)
    assert [s.ml for s in scores] == [4.0, 4.0]
    assert scores[0].dice == pytest.approx(2 / 3) and scores[1].dice == 0


def test_a_piece_over_two_lesions_is_not_held_against_either_for_the_other():
    truth = two_lesions()
    found = np.zeros_like(truth)
    found[2:6, 2:12, 2:32] = True
    between = 4 * 10 * 10
    assert lesion_scores(found, truth, 0.01)[0].dice == pytest.approx(800 / (400 + 400 + between))


def test_small_lesions_are_left_out():
    assert not lesion_scores(two_lesions(), two_lesions(), 0.001)


def test_auc_is_the_chance_to_be_ranked_right():
    assert roc_auc([0.9, 0.4, 0.4, 0.1], [True, True, False, False]) == pytest.approx(3.5 / 4)
    assert math.isnan(roc_auc([0.1, 0.2], [True, True]))


def row_of(*places: int) -> np.ndarray:
    """Lesions in a row of voxels, those side by side as one."""
    mask = np.zeros((1, 1, 20), bool)
    mask[0, 0, list(places)] = True
    return mask


def test_lesions_are_counted_one_by_one() -> None:
    truth, found = row_of(0, 1, 5, 10, 11, 12), row_of(1, 2, 12, 16, 18, 19)
    counts = lesion_counts(found, truth, 1.0)
    assert counts == LesionCounts(true=3, hit=2, found=4, false=2)
    assert counts.sensitivity == pytest.approx(2 / 3) and counts.precision == 0.5


def test_small_lesions_count_neither_as_found_nor_as_false() -> None:
    truth, found = row_of(0, 1, 5, 10, 11, 12), row_of(1, 2, 5, 6, 7, 16, 18, 19)
    counts = lesion_counts(found, truth, 1.0, least_ml=2.0)
    assert counts == LesionCounts(true=2, hit=1, found=2, false=1), "5 to 7 touches a small one, 16 is small itself"


def test_one_piece_may_hit_several_lesions_and_one_lesion_be_hit_by_several() -> None:
    assert lesion_counts(row_of(0, 1, 2, 3), row_of(0, 3), 1.0) == LesionCounts(2, 2, 1, 0)
    assert lesion_counts(row_of(0, 3), row_of(0, 1, 2, 3), 1.0) == LesionCounts(1, 1, 2, 0)


def test_without_lesions_there_is_no_sensitivity() -> None:
    none = row_of()
    counts = lesion_counts(none, none, 1.0)
    assert counts == LesionCounts(0, 0, 0, 0) and math.isnan(counts.sensitivity) and math.isnan(counts.precision)
    assert lesion_counts(row_of(3), none, 1.0).precision == 0
