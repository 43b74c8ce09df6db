"""Intervals that hold the truth as often as they promise."""

import numpy as np
import pytest

from MultimodalSegLib.inference.uncertainty.conformal import Conformal, quantile, score, spread


def cases(count: int, seed: int) -> list[tuple[float, float, float]]:
    """Found and true volume, ml, and spread; the error is as large as the spread says, times an unknown factor."""
    rng = np.random.default_rng(seed)
    true = np.exp(rng.uniform(-1, 5, count))
    doubt = rng.uniform(0.02, 0.3, count)
    found = true * np.exp(2.5 * doubt * rng.standard_normal(count))
    return list(zip(found.tolist(), true.tolist(), doubt.tolist(), strict=True))


def test_nine_of_ten_intervals_hold_the_true_volume() -> None:
    fitted = Conformal.fitted({"organ": [score(*case) for case in cases(400, 0)]})
    inside = []
    for found, true, doubt in cases(2000, 1):
        low, high = fitted.interval("organ", found, doubt)
        inside.append(low <= true <= high)
    assert np.mean(inside) == pytest.approx(0.9, abs=0.03)


def test_more_doubt_gives_a_wider_interval_and_a_structure_without_figures_gets_the_usual_ones() -> None:
    fitted = Conformal.fitted({"many": [1.0] * 20, "few": [5.0] * 2})
    assert set(fitted.quantiles) == {"many"}
    near, far = fitted.interval("many", 10.0, 0.01), fitted.interval("many", 10.0, 0.2)
    assert far[0] < near[0] < 10.0 < near[1] < far[1]
    assert fitted.interval("few", 10.0, 0.1) == fitted.interval("never seen", 10.0, 0.1)


def test_nothing_found_has_an_interval_from_zero() -> None:
    low, high = Conformal(0.9, 3.0).interval("lesion", 0.0, spread([0.0, 0.4, 0.0, 0.1]))
    assert low == 0.0 < high < 10.0


def test_too_few_cases_promise_nothing() -> None:
    assert quantile([1.0] * 8) is None and quantile([1.0] * 9) == 1.0
    with pytest.raises(ValueError, match="too few"):
        Conformal.fitted({"organ": [1.0, 2.0]})
