"""The table of structures, and label maps read in any orientation."""

import numpy as np
import pytest
import SimpleITK as sitk

from MultimodalSegLib.errors import InputError
from MultimodalSegLib.synthesis.anatomy import LABELS, code_to_channel, code_to_side, head_classes, load_anatomy


def test_every_known_label_belongs_to_exactly_one_structure():
    owners = {label: 0 for label in LABELS}
    for entry in head_classes()["classes"]:
        for label in entry["labels"]:
            owners[label] += 1
    assert owners == dict.fromkeys(LABELS, 1)


def test_left_and_right_labels_of_a_pair_are_apart():
    side = dict(zip(LABELS, code_to_side(), strict=True))
    channel = dict(zip(LABELS, code_to_channel(), strict=True))
    assert (side[2], side[41], side[16]) == (1, -1, 0)
    assert channel[17] == channel[53] != channel[18]


def test_label_values_of_the_table_are_unique():
    values = [head_classes()["lesion"]["value"]]
    for entry in head_classes()["classes"][1:]:
        values += [entry[s]["value"] for s in ("left", "right")] if "left" in entry else [entry["value"]]
    assert len(values) == len(set(values))


@pytest.mark.parametrize("orientation", ["LIA", "RAS", "SPL"])
def test_a_label_map_is_turned_to_canonical_axes_without_moving(tmp_path, orientation):
    array = np.zeros((12, 14, 16), np.int32)
    array[4:8, 5:9, 10:14] = 2
    canonical = sitk.GetImageFromArray(array)
    canonical.SetOrigin((-7, -6, -5))
    path = tmp_path / "labels.nii.gz"
    sitk.WriteImage(sitk.DICOMOrient(canonical, orientation), str(path))
    anatomy = load_anatomy(path)
    assert anatomy.codes.shape == array.shape
    assert np.array_equal(anatomy.codes == LABELS.index(2), array == 2)
    assert np.allclose(anatomy.grid.origin, (-7, -6, -5))


def test_an_unknown_label_is_named(tmp_path):
    path = tmp_path / "labels.nii.gz"
    sitk.WriteImage(sitk.GetImageFromArray(np.full((4, 4, 4), 999, np.int32)), str(path))
    with pytest.raises(InputError, match="999"):
        load_anatomy(path)
