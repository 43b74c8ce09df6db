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
    fitted = Conformal.fitted({"organ": [[score(*case)] for case in cases(400, 0)]}, "tta", 8)
    inside = []
    for found, true, doubt in cases(2000, 1):
        low, high = fitted.interval("organ", found, doubt) or (np.nan, np.nan)
        inside.append(low <= true <= high)
    assert np.mean(inside) == pytest.approx(0.9, abs=0.03)


def test_both_sides_of_a_patient_are_one_case() -> None:
    """Each patient is off by a factor of its own, on both sides alike: twenty patients are not forty cases."""
    rng, covered = np.random.default_rng(2), []
    for _ in range(400):
        patients = np.abs(rng.standard_normal(21))
        limit = quantile([[one, one * 1.001] for one in patients[:20]])
        covered.append(limit is not None and patients[20] <= limit)
    assert np.mean(covered) >= 0.88
    assert quantile([[1.0, 1.0]] * 8) is None and quantile([[1.0, 1.0]] * 9 + [[]]) == 1.0


def test_each_structure_has_its_own_quantile_and_one_with_too_few_patients_has_no_interval() -> None:
    fitted = Conformal.fitted({"good": [[1.0]] * 20, "bad": [[9.0, 8.0]] * 20, "few": [[5.0, 5.0]] * 8}, "tta", 8)
    assert fitted.quantiles == {"good": 1.0, "bad": 9.0}
    good, far, bad = (
        fitted.interval(*case) or (0, 0) for case in (("good", 10, 0.01), ("good", 10, 0.2), ("bad", 10, 0.01))
    )
    assert far[0] < good[0] < 10.0 < good[1] < far[1] and bad[0] < good[0] < good[1] < bad[1]
    assert fitted.interval("few", 10.0, 0.1) is None is fitted.interval("never seen", 10.0, 0.1)


def test_what_was_fitted_to_other_answers_does_not_hold() -> None:
    fitted = Conformal.fitted({"organ": [[1.0]] * 20}, "tta", 8)
    read = Conformal.of({"conformal": fitted.to_dict() | {"coverage": {"organ": {"share": 0.87}}}})
    assert read is not None and read.holds("tta", 8) and read.coverage == {"organ": 0.87}
    assert not read.holds("tta", 2) and not read.holds("dropout", 8)
    earlier = Conformal.of({"conformal": {"level": 0.9, "usual": 2.0, "quantiles": {"organ": 1.0}}})
    assert earlier is not None and not earlier.holds("tta", 8)  # of a model that does not say how it was calibrated


def test_nothing_found_has_an_interval_from_zero() -> None:
    found = Conformal(0.9, {"lesion": 3.0}).interval("lesion", 0.0, spread([0.0, 0.4, 0.0, 0.1]))
    assert found is not None and found[0] == 0.0 < found[1] < 10.0


def test_too_few_cases_promise_nothing() -> None:
    assert quantile([[1.0]] * 8) is None and quantile([[1.0]] * 9) == 1.0
    with pytest.raises(ValueError, match="too few"):
        Conformal.fitted({"organ": [[1.0], [2.0]]}, "tta", 8)
