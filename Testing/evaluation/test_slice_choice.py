import numpy as np
import pytest

from MultimodalSegLib.evaluation.slice_choice import best_median_worst, slice_dice

GROUPS = {"one": {1, 2}, "three": {3}}


def test_mean_over_the_structures_of_a_slice():
    truth = np.zeros((3, 10, 20), np.uint8)
    truth[:, :, :10] = 1
    truth[0, :, 10:] = 3
    found = truth.copy()
    found[0][found[0] == 3] = 0  # one structure of slice 0 missed
    found[1, :, :10] = 2  # another number of the same structure
    found[2, :5] = 0
    assert slice_dice(found, truth, GROUPS) == pytest.approx([0.5, 1.0, 2 / 3])


def test_rims_do_not_count():
    truth = np.zeros((1, 10, 20), np.uint8)
    truth[0, 0, :5] = 1
    assert np.isnan(slice_dice(np.zeros_like(truth), truth, GROUPS)).all()


def test_the_last_bit_of_a_structure_is_not_its_worst_slice():
    truth = np.ones((2, 20, 20), np.uint8)
    truth[1] = 0
    truth[1, :2, :19] = 1  # 38 of 400 voxels
    scores = slice_dice(np.zeros_like(truth), truth, GROUPS)
    assert scores[0] == 0 and np.isnan(scores[1])


def test_best_median_and_worst():
    assert best_median_worst(np.array([0.3, np.nan, 0.1, 0.9, 0.5, 0.7])) == (3, 4, 2)
    assert best_median_worst(np.array([0.3])) == (0, 0, 0)
    with pytest.raises(ValueError, match="no score"):
        best_median_worst(np.array([np.nan]))
