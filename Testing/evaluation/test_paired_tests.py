import math

import numpy as np
import pytest
from scipy import stats

from MultimodalSegLib.evaluation.paired_tests import holm, paired_test


def test_both_tests_are_scipys() -> None:
    rng = np.random.default_rng(0)
    first, second = rng.normal(0.8, 0.1, 12), rng.normal(0.75, 0.1, 12)
    first[3] = math.nan
    found = paired_test(first, second)
    known = ~np.isnan(first)
    assert found.t == pytest.approx(stats.ttest_rel(first[known], second[known]).pvalue)
    assert found.wilcoxon == pytest.approx(stats.wilcoxon(first[known], second[known]).pvalue)
    assert found.difference.count == 11
    assert found.difference.mean == pytest.approx((first - second)[known].mean())


def test_one_case_is_no_test() -> None:
    found = paired_test([0.9], [0.7])
    assert math.isnan(found.t) and math.isnan(found.wilcoxon) and math.isnan(found.difference.low)
    assert found.difference.mean == pytest.approx(0.2)


def test_equal_models_do_not_differ() -> None:
    found = paired_test([0.9, 0.8, 0.7], [0.9, 0.8, 0.7])
    assert (found.t, found.wilcoxon) == (1.0, 1.0)


def test_the_same_difference_everywhere_has_no_t() -> None:
    found = paired_test([0.9, 0.8, 0.7], [0.8, 0.7, 0.6])
    assert math.isnan(found.t) and found.wilcoxon == pytest.approx(0.25)


def test_holm_goes_from_the_smallest_on_and_never_down() -> None:
    assert holm([0.01, 0.02, 0.03, 0.04]) == pytest.approx([0.04, 0.06, 0.06, 0.06])
    assert holm([0.8, 0.001]) == pytest.approx([0.8, 0.002])
    assert holm([]) == [] and math.isnan(holm([math.nan])[0])


def test_models_are_compared_on_the_same_patients() -> None:
    with pytest.raises(ValueError, match="pairs"):
        paired_test([0.9], [0.8, 0.7])
