"""Head holder, streaks and ghosts: where they may be, and that they leave the rest alone."""

import numpy as np

from MultimodalSegLib.synthesis.artifacts import add_holder, ghosts, streaks


def a_disk():
    j, i = np.indices((60, 60))
    inside = np.hypot(j - 26, i - 30) < 20
    return np.repeat(inside[None], 8, axis=0)


def test_a_holder_never_covers_the_head_and_lies_behind_it():
    inside = a_disk()
    places = []
    for seed in range(30):
        image = np.where(inside, 30.0, -1000.0)
        add_holder(image, inside, 250.0, np.random.default_rng(seed))
        assert (image[inside] == 30.0).all()
        hard = np.argwhere(image == 250.0)
        if len(hard):
            places.append(hard[:, 1].mean())
    assert len(places) > 20
    assert np.median(places) > 40  # array axis 1 runs to posterior


def test_streaks_touch_few_slices_and_add_no_offset():
    image = np.zeros((80, 64, 64), np.float32)
    changed = streaks(image, np.random.default_rng(3))
    amount = np.abs(changed).max((1, 2))
    assert amount.max() > 20
    assert (amount < 0.05 * amount.max()).mean() > 0.4
    assert abs(changed.mean()) < 0.5


def test_ghosts_are_faint_copies_somewhere_else():
    image = np.zeros((40, 40, 40), np.float32)
    image[18:22, 18:22, 18:22] = 1.0
    changed = ghosts(image, np.random.default_rng(0))
    copies = (changed > 0) & (image == 0)
    assert copies.sum() == 2 * 64
    assert 0.005 < changed[copies].max() < 0.07
    assert np.isclose(changed.sum(), image.sum())
