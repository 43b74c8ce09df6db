"""The flow in place of a lesion."""

import numpy as np
import pytest

from MultimodalSegLib.painting.canvas import paint_weight
from MultimodalSegLib.painting.flow import Seen
from Testing.painting.handmade import a_painter


@pytest.fixture(scope="module")
def a_scan() -> tuple[np.ndarray, np.ndarray]:
    """Image and mask, of sides that are no multiples of the stride."""
    image = np.random.default_rng(0).normal(0.2, 0.05, (37, 42, 39)).astype(np.float32)
    mask = np.zeros(image.shape, bool)
    mask[15:20, 18:24, 16:22] = True
    return image, mask


def test_only_the_region_changes(a_scan: tuple[np.ndarray, np.ndarray]) -> None:
    image, mask = a_scan
    painted = a_painter().paint(image, mask, "tumor", "CT", 1.0, 0)
    away = paint_weight(mask) == 0
    assert painted.dtype == np.float32 and np.array_equal(painted[away], image[away])
    assert np.abs(painted - image)[mask].mean() > 0.02


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({}, True),
        ({"seed": 1}, False),
        ({"kind": "cavity"}, False),
        ({"family": "MR"}, False),
        ({"spacing": 2.0}, False),
        ({"other": Seen(np.ones((37, 42, 39), np.float32), "CT")}, False),
        ({"other": Seen(np.ones((37, 42, 39), np.float32), "MR")}, False),
    ],
)
def test_each_condition_is_heard(a_scan: tuple[np.ndarray, np.ndarray], change: dict[str, object], same: bool) -> None:
    given = {"kind": "tumor", "family": "CT", "spacing": 1.0, "seed": 0}
    first = a_painter().paint(*a_scan, **given)  # type: ignore[arg-type]
    second = a_painter().paint(*a_scan, **{**given, **change})  # type: ignore[arg-type]
    assert np.array_equal(first, second) == same


def test_what_the_second_scan_shows_of_the_lesion_itself_is_hidden(a_scan: tuple[np.ndarray, np.ndarray]) -> None:
    image, mask = a_scan
    other = np.where(mask, 5, image).astype(np.float32)
    assert np.array_equal(
        a_painter().paint(image, mask, "tumor", "CT", 1.0, 0)[mask],
        a_painter().paint(other, mask, "tumor", "CT", 1.0, 0)[mask],
    )


def test_without_a_lesion_nothing_is_done(a_scan: tuple[np.ndarray, np.ndarray]) -> None:
    assert a_painter().paint(a_scan[0], a_scan[1] & False, "tumor", "CT", 1.0, 0) is a_scan[0]


def test_it_tells_how_far_it_is(a_scan: tuple[np.ndarray, np.ndarray]) -> None:
    told: list[float] = []
    a_painter(4).paint(*a_scan, "tumor", "CT", 1.0, 0, None, told.append)
    assert told == [0.25, 0.5, 0.75, 1.0]
