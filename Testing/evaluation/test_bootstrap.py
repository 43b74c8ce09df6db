import math

import numpy as np
import pytest

from MultimodalSegLib.evaluation.bootstrap import bootstrap_interval, bootstrap_statistic


def test_interval_is_that_of_the_central_limit_theorem():
    values = np.random.default_rng(1).normal(0.8, 0.1, 200)
    found = bootstrap_interval(values)
    half = 1.96 * values.std(ddof=1) / math.sqrt(200)
    assert found.mean == pytest.approx(values.mean())
    assert found.high - found.mean == pytest.approx(half, rel=0.1)
    assert found.mean - found.low == pytest.approx(half, rel=0.1)


def test_same_values_give_the_same_interval():
    assert bootstrap_interval([0.1, 0.5, 0.9]) == bootstrap_interval([0.1, 0.5, 0.9])


def test_a_patient_without_a_value_is_left_out():
    assert bootstrap_interval([0.2, math.nan, 0.4]) == bootstrap_interval([0.2, 0.4])


def test_too_few_patients_have_no_interval():
    one = bootstrap_interval([0.3])
    assert one.mean == 0.3 and math.isnan(one.low) and str(one) == "0.300"
    none = bootstrap_interval([])
    assert math.isnan(none.mean) and none.count == 0 and str(none) == "-"


def test_level_is_a_fraction():
    with pytest.raises(ValueError, match="95"):
        bootstrap_interval([0.1, 0.2], level=95)


def test_a_ratio_over_patients_draws_patients_and_not_lesions():
    rows = np.array([[3, 4], [0, 1], [5, 5], [1, 4]], float)

    def ratio(drawn):
        return drawn[..., 0].sum(1) / drawn[..., 1].sum(1)

    found = bootstrap_statistic(rows, ratio, seed=3)
    assert found.mean == pytest.approx(9 / 14) and found.count == 4 and found.low < found.mean < found.high
    draws = np.random.default_rng(3).integers(4, size=(5000, 4))
    assert found.low == pytest.approx(np.quantile(ratio(rows[draws]), 0.025))
    one = bootstrap_statistic(rows[:1], ratio)
    assert one.mean == 0.75 and math.isnan(one.low)
    assert bootstrap_statistic(rows[:0], ratio).count == 0
