"""Intensities are normalized as a model says, the same in training and inference."""

import numpy as np
import pytest

from MultimodalSegLib.images.clahe import clahe
from MultimodalSegLib.images.intensities import normalize
from MultimodalSegLib.images.normalization import KINDS, Normalization, usual_normalization

SPACING = (1.0, 1.0, 2.0)


@pytest.fixture
def image():
    return np.random.default_rng(0).normal(40, 300, (12, 14, 16)).astype(np.float32)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_stays_in_its_range_and_in_order(image, kind):
    ends = {"low": -160.0, "high": 240.0} if kind == "window" else {}
    result = Normalization(kind, **ends).apply(image, SPACING)
    low, high = KINDS[kind]
    assert result.dtype == np.float32 and result.shape == image.shape
    assert result.min() >= low and result.max() <= high and np.ptp(result) > 1
    order = np.argsort(image, axis=None)
    assert np.all(np.diff(result.ravel()[order]) >= 0)


def test_heads_are_normalized_as_before(image):
    for family in ("CT", "MR", "PET"):
        np.testing.assert_array_equal(usual_normalization(family).apply(image, SPACING), normalize(image, family))


def test_a_window_is_linear_between_its_ends():
    values = np.array([-1000.0, -160.0, 40.0, 140.0, 240.0, 3000.0]).reshape(1, 1, 6)
    result = Normalization("window", low=-160, high=240).apply(values, SPACING)
    np.testing.assert_allclose(result.ravel(), [-1, -1, 0, 0.5, 1, 1])


def test_what_was_masked_does_not_count_for_the_z_score(image):
    middle = slice(3, 9)
    masked = np.zeros((12, 14, 16), np.float32)
    masked[middle] = np.abs(image[middle]) + 500
    result = Normalization("zscore").apply(masked, SPACING)
    assert result[middle].mean() == pytest.approx(0, abs=1e-5) and result[middle].std() == pytest.approx(1, abs=1e-4)
    assert np.all(Normalization("zscore").apply(np.full((2, 2, 2), 7.0), SPACING) == 0)


def test_clahe_comes_after_the_window(image):
    image = 40 + 0.1 * image  # little contrast within the window
    window = Normalization("window", low=-160, high=240)
    both = Normalization("window", low=-160, high=240, clahe=True)
    np.testing.assert_allclose(both.apply(image, SPACING), clahe(window.apply(image, SPACING), SPACING))
    assert not np.allclose(both.apply(image, SPACING), window.apply(image, SPACING), atol=0.05)


@pytest.mark.parametrize(
    "entry",
    [{"kind": "robust"}, {"kind": "window", "low": -150.0, "high": 250.0}, {"kind": "zscore", "clahe": True}],
)
def test_what_is_written_is_what_is_read(entry):
    assert Normalization.from_dict(entry).to_dict() == entry


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"kind": "minmax"}, "'minmax'"),
        ({}, "no kind"),
        ({"kind": "window"}, "low below high"),
        ({"kind": "window", "low": 100, "high": 100}, "low below high"),
        ({"kind": "window", "low": "a", "high": 100}, "low below high"),
        ({"kind": "robust", "low": 0}, "belong to the kind window"),
        ({"kind": "robust", "clahe": 1}, "clahe"),
        ({"kind": "robust", "gamma": 2}, "unknown key 'gamma'"),
    ],
)
def test_impossible_descriptions_are_named(entry, message):
    with pytest.raises(ValueError, match=message):
        Normalization.from_dict(entry)
