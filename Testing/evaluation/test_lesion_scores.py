import math

import numpy as np
import pytest

from MultimodalSegLib.evaluation.lesion_scores import lesion_scores, roc_auc


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
