"""Single lesions are numbered alike everywhere: the largest first, and the same in every run."""

import numpy as np
from skimage.measure import label

from MultimodalSegLib.inference.components import components


def test_parts_that_share_a_corner_are_one_and_the_largest_is_number_one() -> None:
    mask = np.zeros((6, 7, 8), bool)
    mask[0, 0, :2] = True
    mask[2:4, 2:4, 2:4] = mask[4, 4, 4] = True  # joined at a corner
    mask[5, 6, 7] = mask[0, 6, 0] = True
    found = components(mask)
    assert [(part.number, part.voxels) for part in found] == [(1, 9), (2, 2), (3, 1), (4, 1)]
    assert found[2].index.tolist() == [[0, 6, 0]], "of equal ones the first in the array"
    together = np.zeros_like(mask)
    for part in found:
        assert part.mask.sum() == part.voxels
        together[part.box] |= part.mask
    np.testing.assert_array_equal(together, mask)


def test_agrees_with_another_implementation_on_hundreds_of_parts() -> None:
    mask = np.random.default_rng(0).random((40, 40, 40)) < 0.02
    labels = label(mask, connectivity=3)
    sizes = np.sort(np.bincount(labels.ravel())[1:])[::-1]
    found = components(mask)
    assert len(found) > 300 and [part.voxels for part in found] == sizes.tolist()
    for part in found[:20]:
        assert len(set(labels[tuple(part.index.T)])) == 1


def test_an_empty_mask_has_no_parts() -> None:
    assert components(np.zeros((3, 3, 3), bool)) == ()


def test_a_component_can_be_put_back_alone() -> None:
    mask = np.zeros((8, 8, 8), bool)
    mask[0, 0, :2] = mask[3:6, 3:6, 3:6] = True
    large, small = (part.on(mask.shape) for part in components(mask))
    assert (large | small == mask).all() and large.sum() == 27 and small[0, 0, :2].all() and small.sum() == 2
