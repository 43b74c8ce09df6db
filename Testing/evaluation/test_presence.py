import math

import numpy as np
import pytest

from MultimodalSegLib.evaluation.lesion_scores import roc_auc
from MultimodalSegLib.evaluation.presence import presence_score, roc_points


def test_presence_of_a_set_with_ties() -> None:
    rng = np.random.default_rng(0)
    chance = np.round(rng.random(40), 1)
    lesion = rng.random(40) < 0.2 + 0.6 * chance
    found = presence_score(chance, lesion)
    assert found.auc.mean == pytest.approx(roc_auc(chance, lesion))
    assert found.auc.low < found.auc.mean < found.auc.high
    assert found.sensitivity.mean == pytest.approx((chance[lesion] >= 0.5).mean())
    assert found.specificity.mean == pytest.approx((chance[~lesion] < 0.5).mean())
    assert (found.positive, found.negative) == (lesion.sum(), (~lesion).sum())
    false, true = roc_points(chance, lesion)
    assert np.trapezoid(true, false) == pytest.approx(found.auc.mean), "the area under the curve that is drawn"


def test_a_probability_that_is_not_known_leaves_the_case_out() -> None:
    found = presence_score([0.9, math.nan, 0.1], [True, True, False])
    assert (found.positive, found.negative, found.auc.mean) == (1, 1, 1.0)


def test_cases_of_one_kind_have_no_auc() -> None:
    found = presence_score([0.9, 0.2], [True, True])
    assert math.isnan(found.auc.mean) and found.sensitivity.mean == 0.5 and math.isnan(found.specificity.mean)


def test_cases_of_one_patient_are_drawn_together() -> None:
    rng = np.random.default_rng(4)
    lesion = np.arange(40) % 2 == 0
    chance = np.clip(rng.normal(0.45 + 0.2 * lesion, 0.2), 0, 1)
    every = presence_score(chance, lesion)
    twice = presence_score(np.tile(chance, 4), np.tile(lesion, 4), list(range(40)) * 4)
    for name in ("auc", "sensitivity", "specificity"):
        assert vars(getattr(twice, name)) == pytest.approx(vars(getattr(every, name))), "four copies tell nothing new"
    assert twice.positive == 80 and twice.auc.count == 40
    alone = presence_score([0.9, 0.8, 0.2], [True, True, False], ["P", "P", "P"])
    assert alone.auc.mean == 1 and math.isnan(alone.auc.low)
    assert math.isnan(alone.sensitivity.low) and math.isnan(alone.specificity.high)
