"""Wider ventricles, removed skull, removed face: only what is meant changes."""

import numpy as np
from heads import GRID

from MultimodalSegLib.synthesis.anatomy import BRAIN, LABELS, membership
from MultimodalSegLib.synthesis.anatomy_changes import deface, strip_skull, widen_ventricles

LEFT, RIGHT = LABELS.index(4), LABELS.index(43)


def points_of_grid():
    k, j, i = np.indices(GRID.shape)
    return np.stack([i, j, k]) * np.reshape(GRID.spacing, (3, 1, 1, 1)) + np.reshape(GRID.origin, (3, 1, 1, 1))


def test_ventricles_grow_into_white_matter_of_their_own_side(a_label_head):
    before = a_label_head.codes
    after = widen_ventricles(before, GRID, 5.0)
    changed = after != before
    for white, ventricle in ((2, LEFT), (41, RIGHT)):
        grown = changed & (after == ventricle)
        assert grown.sum() > 50
        assert (before[grown] == LABELS.index(white)).all()
    assert set(np.unique(after[changed])) == {LEFT, RIGHT}


def test_a_lower_level_grows_further(a_label_head):
    volumes = [
        np.isin(widen_ventricles(a_label_head.codes, GRID, 5.0, level), (LEFT, RIGHT)).sum() for level in (0.4, 0.2)
    ]
    assert volumes[1] > volumes[0] > np.isin(a_label_head.codes, (LEFT, RIGHT)).sum()


def test_stripping_keeps_the_whole_brain_and_takes_the_skin(a_label_head):
    after = strip_skull(a_label_head.codes, GRID, 3.0, 0.3)
    brain = membership(BRAIN)[a_label_head.codes]
    assert np.array_equal(after[brain], a_label_head.codes[brain])
    assert not (after == LABELS.index(511)).any()


def test_defacing_cuts_in_front_and_below_and_spares_the_brain(a_label_head):
    points = points_of_grid()
    after = deface(a_label_head.codes, points, np.zeros(3), 60.0)
    gone = (after == 0) & (a_label_head.codes > 0)
    assert gone.sum() > 100
    assert points[1][gone].mean() < -30 and points[2][gone].mean() < -30  # anterior and inferior in LPS
    brain = membership(BRAIN)[a_label_head.codes]
    assert np.array_equal(after[brain], a_label_head.codes[brain])
