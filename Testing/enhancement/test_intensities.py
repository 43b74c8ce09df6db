"""Scales that can be undone, and noise found in slices."""

import numpy as np
import pytest

from MultimodalSegLib.enhancement.intensities import Scale, noise_level, soft_tissue


@pytest.mark.parametrize(("family", "values"), [("CT", np.linspace(-1000, 1500, 50)), ("MR", np.linspace(0, 900, 50))])
def test_a_scale_can_be_undone(family: str, values: np.ndarray) -> None:
    scale = Scale.of(values, family)
    normalized = scale.apply(values)
    assert normalized.min() > -1.6 and normalized.max() < 2
    assert np.allclose(scale.undo(normalized), values, atol=0.2)


def test_noise_is_found_although_there_are_edges_and_masked_background() -> None:
    rng = np.random.default_rng(1)
    image = np.zeros((4, 80, 80))
    image[:, 20:60, 20:60] = np.linspace(100, 300, 40)
    image[:, 30:40, 30:40] += 200
    noisy = np.where(image > 0, image + rng.normal(0, 8, image.shape), 0)
    assert noise_level(noisy) == pytest.approx(8, rel=0.15)
    assert noise_level(np.zeros((2, 10, 10))) == 0
    assert noise_level(np.zeros((2, 2, 10))) == 0


def test_the_noise_of_a_head_in_cut_off_air_is_that_of_its_soft_tissue() -> None:
    rng = np.random.default_rng(1)
    head = np.full((3, 90, 90), -1000.0)
    head[:, 30:60, 30:60] = 35
    noisy = np.maximum(head + rng.normal(0, 20, head.shape), -1003)
    soft = soft_tissue(noisy)
    assert soft[:, 32:58, 32:58].mean() > 0.99 and not soft[:, :28].any()
    assert noise_level(noisy, soft) == pytest.approx(20, rel=0.1)
    assert noise_level(noisy) < 15
