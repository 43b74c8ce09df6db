"""Dice against numbers worked out by hand."""

import math

import numpy as np
import pytest

from MultimodalSegLib.evaluation.dice import GROUPS, WHOLE_BRAIN, dice, group_dice, mean_dice
from MultimodalSegLib.images.grid import Grid
from MultimodalSegLib.images.volume import Volume

TRUTH = np.array([[[0, 2, 2, 41], [4, 4, 0, 600]]], np.uint16)
FOUND = np.array([[[0, 2, 41, 41], [4, 43, 0, 0]]], np.uint16)


def test_each_label():
    scores = dice(FOUND, TRUTH, [2, 41, 4, 43, 600, 17])
    assert scores[2] == pytest.approx(2 / 3)
    assert scores[41] == pytest.approx(2 / 3)
    assert scores[4] == pytest.approx(2 / 3)
    assert scores[43] == 0 and scores[600] == 0
    assert math.isnan(scores[17])
    assert mean_dice(scores) == pytest.approx(2 / 5)


def test_labels_of_the_truth_by_default():
    assert list(dice(FOUND, TRUTH)) == [2, 4, 41, 600]


def test_groups_take_labels_as_one():
    scores = group_dice(FOUND, TRUTH)
    assert scores["white matter"] == 1 and scores["ventricles"] == 1
    assert math.isnan(scores["bone"])
    assert group_dice(FOUND, TRUTH, {"brain": WHOLE_BRAIN}) == {"brain": 1.0}
    assert math.isnan(mean_dice({"a": math.nan}))


def test_groups_do_not_share_labels():
    for name, values in GROUPS.items():
        for other, more in GROUPS.items():
            assert name == other or not values & more


def test_maps_that_cannot_be_compared():
    with pytest.raises(ValueError, match="shapes"):
        dice(FOUND, TRUTH[:, :1])
    here, there = Grid((4, 2, 1)), Grid((4, 2, 1), origin=(5.0, 0.0, 0.0))
    with pytest.raises(ValueError, match="grids"):
        dice(Volume(FOUND, here), Volume(TRUTH, there))
    assert dice(Volume(FOUND, here), Volume(TRUTH, here), [2])[2] == pytest.approx(2 / 3)
