"""Distance between a found and a true transform."""

import numpy as np
import pytest
import SimpleITK as sitk

from MultimodalSegLib.evaluation.registration_error import registration_error
from MultimodalSegLib.images.grid import Grid
from MultimodalSegLib.images.volume import Volume


def a_head() -> Volume:
    array = np.zeros((20, 30, 40), np.uint16)
    array[5:15, 5:25, 10:30] = 2
    return Volume(array, Grid((40, 30, 20), (2.0, 3.0, 4.0), (-30.0, 5.0, 9.0), (0, -1, 0, 1, 0, 0, 0, 0, 1)))


def test_a_shift_is_its_length() -> None:
    found, truth = sitk.TranslationTransform(3, (3.0, 0.0, 4.0)), sitk.Euler3DTransform()
    assert registration_error(found, truth, a_head()) == pytest.approx((5.0, 5.0))
    assert registration_error(truth, truth, a_head()) == (0.0, 0.0)


def test_a_rotation_moves_the_farthest_voxel_most() -> None:
    head = a_head()
    angle = 0.02
    turned = sitk.Euler3DTransform((0.0, 0.0, 0.0), 0.0, 0.0, angle)
    k, j, i = np.nonzero(head.array)
    points = np.stack([i, j, k], 1) @ head.grid.affine[:3, :3].T + head.grid.affine[:3, 3]
    expected = 2 * np.sin(angle / 2) * np.hypot(points[:, 0], points[:, 1])
    mean, largest = registration_error(turned, sitk.Euler3DTransform(), head)
    assert mean == pytest.approx(expected.mean(), rel=1e-6) and largest == pytest.approx(expected.max(), rel=1e-6)


def test_an_empty_head_is_an_error() -> None:
    head = a_head()
    with pytest.raises(ValueError, match="empty"):
        registration_error(sitk.Euler3DTransform(), sitk.Euler3DTransform(), head.with_array(head.array * 0))
