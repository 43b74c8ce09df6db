"""A corrected object in a label map: neighbors keep what is theirs."""

import numpy as np

from MultimodalSegLib.refinement.edit import put

LABELS = np.array([0, 0, 5, 5, 7, 7], np.uint16)


def test_neighbors_are_not_erased() -> None:
    edit = put(LABELS, 7, np.array([0, 1, 1, 0, 1, 0], bool))
    assert edit.labels.tolist() == [0, 7, 5, 5, 7, 0]
    assert (edit.added, edit.removed, edit.withheld) == (1, 1, {5: 1})


def test_neighbors_give_way_when_that_is_allowed() -> None:
    edit = put(LABELS, 7, np.array([0, 1, 1, 0, 1, 0], bool), allow_overwrite=True)
    assert edit.labels.tolist() == [0, 7, 7, 5, 7, 0]
    assert (edit.added, edit.withheld) == (2, {})


def test_the_label_map_before_stays_as_it_was() -> None:
    before = LABELS.copy()
    put(LABELS, 9, np.ones(6, bool), allow_overwrite=True)
    assert np.array_equal(LABELS, before)
