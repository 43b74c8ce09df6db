import numpy as np

from MultimodalSegLib.images.components import numbered_parts


def test_parts_are_numbered_from_the_largest_and_corners_join():
    mask = np.zeros((6, 7, 8), bool)
    mask[0, 0, :2] = True
    mask[2:4, 2:4, 2:4] = mask[4, 4, 4] = True  # joined at a corner
    mask[5, 6, 7] = mask[0, 6, 0] = True
    numbers, count = numbered_parts(mask)
    assert count == 4 and (numbers > 0).sum() == mask.sum()
    assert numbers[4, 4, 4] == numbers[2, 2, 2] == 1 and numbers[0, 0, 1] == 2
    assert (numbers[0, 6, 0], numbers[5, 6, 7]) == (3, 4), "of one size: as a scan meets them"
    assert np.array_equal(np.bincount(numbers.ravel())[1:], [9, 2, 1, 1])


def test_nothing_has_no_parts():
    numbers, count = numbered_parts(np.zeros((2, 3, 4), bool))
    assert count == 0 and not numbers.any()
