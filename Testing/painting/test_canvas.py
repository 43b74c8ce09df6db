"""What is painted anew, and what the network sees of it."""

import numpy as np

from MultimodalSegLib.painting.canvas import MARGIN, around, paint_weight, without_region


def a_mask() -> np.ndarray:
    mask = np.zeros((40, 42, 44), bool)
    mask[20:25, 18:24, 3:9] = True
    return mask


def test_the_lesion_is_painted_fully_and_what_is_three_voxels_away_not_at_all() -> None:
    mask, weight = a_mask(), paint_weight(a_mask())
    assert (weight[mask] == 1).all() and weight.dtype == np.float32
    assert weight[22, 20, 11] == 0 < weight[22, 20, 10] < 1 == weight[22, 20, 9]
    assert not paint_weight(np.zeros((4, 4, 4), bool)).any()


def test_nothing_of_the_region_can_be_seen() -> None:
    """Two images that differ in the region alone give the same; outside they stay as they are."""
    rng = np.random.default_rng(0)
    image, weight = rng.normal(1.0, 0.1, a_mask().shape).astype(np.float32), paint_weight(a_mask())
    begun = without_region(image, weight)
    other = without_region(np.where(weight > 0, 99, image).astype(np.float32), weight)
    assert np.array_equal(begun, other)
    assert np.array_equal(begun[weight == 0], image[weight == 0])
    assert abs(begun[a_mask()].mean() - 1.0) < 0.1


def test_a_region_without_surroundings_becomes_even() -> None:
    image = np.random.default_rng(0).normal(size=(4, 4, 4)).astype(np.float32)
    assert np.ptp(without_region(image, np.ones((4, 4, 4), np.float32))) == 0


def test_the_part_that_is_needed_ends_with_the_volume() -> None:
    k, j, i = around(a_mask())
    assert (k.start, i.start) == (20 - MARGIN, 0)
    assert a_mask()[k, j, i].shape == (40 - (20 - MARGIN), 6 + 2 * MARGIN, 9 + MARGIN)
