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
