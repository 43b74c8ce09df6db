"""Label values become channels, sides and lesions; names of both sides become one class."""

import numpy as np

from MultimodalSegLib.training.data.classes import LabelClass, pair_sides, truth_of


def test_a_pair_shares_a_channel_and_differs_in_side() -> None:
    classes = (LabelClass("liver", 7), LabelClass("kidney", left=2, right=300), LabelClass("tumor", 5, lesion=True))
    truth = truth_of(np.array([[[0, 7, 2, 300, 5, 99]]]), classes)
    assert truth.channel.tolist() == [[[0, 1, 2, 2, 0, 0]]]
    assert truth.side.tolist() == [[[0, 0, 1, -1, 0, 0]]]
    assert truth.lesion.tolist() == [[[False, False, False, False, True, False]]]


def test_sides_are_seen_in_front_and_behind_but_not_inside_a_word() -> None:
    names = {"Left Kidney": 1, "right_kidney": 2, "lung_l": 3, "lung_r": 4, "left atrium": 5, "rib": 6, "rightful": 7}
    found = {entry.name: entry.values for entry in pair_sides(names)}
    assert found == {"kidney": (1, 2), "lung": (3, 4), "left atrium": (5,), "rib": (6,), "rightful": (7,)}
    assert pair_sides({"right ear": 1, "left ear": 2})[0].left == 2
