import math

import numpy as np
import pytest

from MultimodalSegLib.evaluation.bootstrap import bootstrap_interval, bootstrap_statistic, ratio


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
    found = bootstrap_statistic(4, ratio(*rows.T), seed=3)
    assert found.mean == pytest.approx(9 / 14) and found.count == 4 and found.low < found.mean < found.high
    draws = np.random.default_rng(3).integers(4, size=(5000, 4))
    sums = rows[draws].sum(axis=1)
    assert found.low == pytest.approx(np.quantile(sums[:, 0] / sums[:, 1], 0.025))
    one = bootstrap_statistic(1, ratio(*rows[:1].T))
    assert one.mean == 0.75 and math.isnan(one.low)
    assert bootstrap_statistic(0, ratio(*rows[:0].T)).count == 0


def test_patients_of_few_groups_tell_less_than_as_many_that_are_independent() -> None:
    """Against the standard error of the two-stage draw (Davison and Hinkley 1997, section 3.8)."""
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(30), 5)
    values = rng.normal(0, 1, 30)[groups] + rng.normal(0, 0.3, 150)
    alone, grouped = bootstrap_interval(values), bootstrap_interval(values, groups=groups.tolist())
    assert grouped.mean == alone.mean and grouped.count == 150
    means = values.reshape(30, 5).mean(axis=1)
    error = math.sqrt(means.var() / 30 + values.reshape(30, 5).var(axis=1).mean() / 150)
    assert (grouped.high - grouped.low) / 2 == pytest.approx(1.96 * error, rel=0.08)
    assert grouped.high - grouped.low > 1.8 * (alone.high - alone.low)


def test_groups_may_differ_in_size_and_one_group_has_no_interval() -> None:
    found = bootstrap_interval([0.1, math.nan, 0.3, 0.9], groups=["a", "a", "a", "b"])
    assert found.mean == pytest.approx(1.3 / 3) and 0.1 <= found.low <= 0.2 and found.high == pytest.approx(0.9)
    same = bootstrap_interval([0.1, 0.3], groups=["a", "a"])
    assert same.mean == pytest.approx(0.2) and math.isnan(same.low)
