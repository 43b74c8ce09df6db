"""Local contrast is raised, the range is kept, and it is quick enough."""

import time

import numpy as np
import pytest

from MultimodalSegLib.images.clahe import clahe


def a_shaded_pattern() -> np.ndarray:
    """Fine stripes of low contrast on a strong slope."""
    k, j, i = np.indices((40, 36, 32))
    return (k / 40 + 0.02 * np.sign(np.sin(j)) + 0.0 * i).astype(np.float32)


def stripes(array: np.ndarray) -> float:
    """Contrast of the stripes, relative to the range."""
    return float(np.abs(np.diff(array, axis=1)).mean() / np.ptp(array))


def test_local_contrast_grows_and_the_range_stays() -> None:
    before = a_shaded_pattern() * 300 - 100
    after = clahe(before, (1.0, 1.0, 1.0), kernel_mm=10, clip_limit=0.03)
    assert stripes(after) > 1.5 * stripes(before)
    assert after.dtype == np.float32 and after.shape == before.shape
    assert (after.min(), after.max()) == pytest.approx((before.min(), before.max()), abs=0.01)


def test_a_window_first_gives_tissue_more_contrast() -> None:
    ct = a_shaded_pattern() * 50 + 20
    ct[:6], ct[-4:] = -1000, 1500
    tissue = np.s_[8:34]
    whole = clahe(ct, (1.0, 1.0, 1.0))[tissue]
    windowed = clahe(np.clip(ct, 0, 80), (1.0, 1.0, 1.0))[tissue]
    relative = [np.abs(np.diff(part, axis=1)).mean() / span for part, span in ((whole, 2500), (windowed, 80))]
    assert relative[1] > 1.5 * relative[0]


def test_the_size_of_a_block_is_in_millimetres() -> None:
    image = a_shaded_pattern()
    np.testing.assert_array_equal(
        clahe(image, (2.0, 2.0, 2.0), kernel_mm=20), clahe(image, (1.0, 1.0, 1.0), kernel_mm=10)
    )
    assert not np.allclose(clahe(image, (2.0, 2.0, 2.0), kernel_mm=20), clahe(image, (1.0, 1.0, 1.0), kernel_mm=20))


def test_a_constant_stays_and_a_volume_takes_a_fraction_of_a_second() -> None:
    assert (clahe(np.full((8, 8, 8), 3.0), (1, 1, 1)) == 3.0).all()
    image = np.random.default_rng(0).random((96, 96, 96), np.float32)
    began = time.process_time()
    clahe(image, (1.0, 1.0, 1.0))
    seconds = time.process_time() - began
    print(f"96^3: {seconds:.2f} s of processor time")
    assert seconds < 5  # SimpleITK's takes 58 s
