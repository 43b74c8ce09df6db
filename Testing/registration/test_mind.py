"""The descriptor of neighbourhoods does not depend on the intensities of a scan."""

import numpy as np
import torch

from MultimodalSegLib.registration.mind import CHANNELS, mind_ssc


def _blobs() -> torch.Tensor:
    rng = np.random.default_rng(0)
    k, j, i = np.indices((18, 20, 22))
    image = np.zeros(k.shape, np.float32)
    for _ in range(12):
        z, y, x = rng.uniform(2, 18, 3)
        image += rng.uniform(0.2, 1.0) * np.exp(-((k - z) ** 2 + (j - y) ** 2 + (i - x) ** 2) / 12)
    return torch.from_numpy(image.astype(np.float32))


def test_it_is_the_same_for_an_inverted_and_stretched_contrast() -> None:
    image = _blobs()
    first, second = mind_ssc(image), mind_ssc(700.0 - 300.0 * image)
    assert first.shape == (CHANNELS, *image.shape) and CHANNELS == 12
    assert torch.allclose(first, second, atol=2e-3)
    assert first.min() >= 0.0 and float(first.amax(dim=0).min()) == 1.0


def test_it_moves_with_the_image() -> None:
    image = _blobs()
    moved = torch.roll(mind_ssc(image), 2, dims=3)
    again = mind_ssc(torch.roll(image, 2, dims=2))
    inner = (slice(None), slice(5, -5), slice(5, -5), slice(8, -5))
    assert torch.allclose(moved[inner], again[inner], atol=0.05)
    assert not torch.allclose(mind_ssc(image)[inner], again[inner], atol=0.2)


def test_an_even_image_has_no_holes() -> None:
    assert torch.isfinite(mind_ssc(torch.full((8, 8, 8), 3.0))).all()
