"""Specks go to what surrounds them; what may come in pieces stays."""

import numpy as np

from MultimodalSegLib.images.grid import Grid
from MultimodalSegLib.images.volume import Volume
from MultimodalSegLib.inference.cleanup import remove_specks
from MultimodalSegLib.inference.segmentation import SegmentClass

CLASSES = tuple(
    SegmentClass(name, value, (1, 2, 3), "", group)
    for name, value, group in (
        ("Left thalamus", 10, "brain"),
        ("Right thalamus", 49, "brain"),
        ("Cortex", 3, "brain"),
        ("Skull", 515, "bone"),
        ("Lesion", 600, "lesion"),
    )
)


def a_map():
    array = np.full((40, 40, 40), 3, np.uint16)
    array[10:26, 10:26, 4:18] = 49
    array[10:26, 10:26, 22:36] = 10
    return array


def cleaned(array):
    return remove_specks(Volume(array, Grid((40, 40, 40))), CLASSES).array


def test_a_clean_map_stays_as_it_is():
    array = a_map()
    np.testing.assert_array_equal(cleaned(array), array)


def test_a_bit_of_the_other_side_and_specks_go():
    expected = a_map()
    array = expected.copy()
    array[14:20, 14:20, 8:14] = 10  # inside the right thalamus, 216 voxels
    array[2, 2, 2:5] = 10
    before = array.copy()
    np.testing.assert_array_equal(cleaned(array), expected)
    np.testing.assert_array_equal(array, before)


def test_bone_and_lesions_may_be_small():
    array = a_map()
    array[30, 30, 30] = 600
    array[32, 32, 32] = 515
    np.testing.assert_array_equal(cleaned(array), array)


def test_large_pieces_of_an_unpaired_structure_stay():
    array = np.zeros((40, 40, 40), np.uint16)
    array[2:30, 2:30, 2:30] = 3
    array[33:38, 33:38, 33:38] = 3
    array[0, 39, 39] = 3
    result = cleaned(array)
    assert result[35, 35, 35] == 3 and result[0, 39, 39] == 0


def test_an_empty_map():
    array = np.zeros((40, 40, 40), np.uint16)
    np.testing.assert_array_equal(cleaned(array), array)


def test_a_structure_of_an_unknown_group_stays_as_it_is():
    array = np.zeros((20, 20, 20), np.uint16)
    array[4:16, 4:16, 4:16] = 1200
    array[0, 0, 0] = 1200
    classes = [SegmentClass("Spleen", 1200, (1, 2, 3), "", group) for group in ("", "organ")]
    for entry in classes:
        labels = remove_specks(Volume(array, Grid((20, 20, 20))), [entry])
        np.testing.assert_array_equal(labels.array, array)
