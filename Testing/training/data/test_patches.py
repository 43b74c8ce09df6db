"""Crops repeat themselves, are padded where they must be and show what is labelled."""

from dataclasses import replace

import numpy as np
import pytest

from MultimodalSegLib.errors import InputError
from MultimodalSegLib.training.data.cache import Prepared
from MultimodalSegLib.training.data.patches import PatchSampler

SIZE = (4, 4, 4)


def test_a_number_always_gives_the_same_crop(prepared: Prepared) -> None:
    first, second = (PatchSampler(prepared.cases, seed=3) for _ in range(2))
    [second.sample(n, SIZE) for n in (5, 900)]  # what was drawn before does not matter
    a, b, c = first.sample(17, SIZE), second.sample(17, SIZE), PatchSampler(prepared.cases, 4).sample(17, SIZE)
    np.testing.assert_array_equal(a.images, b.images)
    np.testing.assert_array_equal(a.truth, b.truth)
    assert a.images.shape != c.images.shape or not np.array_equal(a.images, c.images)


def test_every_case_is_taken_once_before_any_is_taken_again(prepared: Prepared) -> None:
    sampler = PatchSampler(prepared.cases, seed=0)
    rounds = [tuple(sampler.sample(3 * r + n, SIZE).family for n in range(3)) for r in range(8)]
    assert all(set(taken) == {(0, 1), (0,), (1,)} for taken in rounds) and len(set(rounds)) > 1


def test_a_crop_is_a_part_of_the_case_with_image_and_label_together(prepared: Prepared) -> None:
    case = prepared.cases[0]
    windows = np.lib.stride_tricks.sliding_window_view(case.images[0], SIZE)
    sampler = PatchSampler([case], seed=0)
    for index in range(12):
        patch = sampler.sample(index, SIZE)
        (place,) = np.argwhere((windows == patch.images[0].astype(np.float16)).all((3, 4, 5)))
        there = tuple(slice(p, p + n) for p, n in zip(place, SIZE, strict=True))
        np.testing.assert_array_equal(patch.truth, case.truth[(slice(None), *there)])


def test_a_third_of_the_crops_is_put_around_labels_of_every_class(prepared: Prepared) -> None:
    case = prepared.cases[0]
    middle = np.array(SIZE) // 2

    def hits(foreground: float, part: int) -> float:
        sampler = PatchSampler([case], 0, foreground)
        return float(np.mean([sampler.sample(n, SIZE).truth[part][tuple(middle)] != 0 for n in range(300)]))

    # the classes are equally likely; the tumor fills 0.1 % of the volume and lies so that it can be in the middle
    assert hits(0.0, 2) < 0.05 and hits(1 / 3, 2) == pytest.approx(1 / 6, abs=0.06)
    assert hits(1.0, 0) == pytest.approx(0.5, abs=0.12) and hits(1.0, 2) == pytest.approx(0.5, abs=0.1)


def test_a_small_case_is_padded_on_all_sides_with_nothing(prepared: Prepared) -> None:
    case = prepared.cases[2]
    patch = PatchSampler([case], 0).sample(0, (16, 20, 12), margin=(1, 0, 2))
    assert patch.images.shape == (1, 18, 20, 16)
    np.testing.assert_array_equal(patch.images[0, 4:14, 3:17, 2:14], case.images[0])
    assert (patch.images[0, :4] == case.low[0]).all() and not patch.truth[:, :, :3].any()


def test_cases_without_label_and_no_case_are_refused(prepared: Prepared) -> None:
    with pytest.raises(InputError, match="no case to train on"):
        PatchSampler([], 0)
    with pytest.raises(InputError, match="'anna' has no label"):
        PatchSampler([replace(prepared.cases[0], labelled=False)], 0)
