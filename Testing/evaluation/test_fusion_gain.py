import math

import pytest

from MultimodalSegLib.evaluation.fusion_gain import cross_modality_error, fusion_gain


def test_gain_is_over_the_better_modality_of_the_same_patients():
    found = fusion_gain([0.9, 0.7, math.nan], {"CT": [0.8, 0.65, 0.9], "MR": [0.9, 0.5, 0.1]})
    assert found.better == "CT"
    assert found.gain.mean == pytest.approx(0.075) and found.gain.count == 2
    assert found.gain.low == pytest.approx(0.05) and found.gain.high == pytest.approx(0.1)


def test_a_modality_without_scores_is_not_the_better_one():
    assert fusion_gain([0.5], {"CT": [math.nan], "MR": [0.4]}).better == "MR"


def test_patients_must_be_the_same():
    with pytest.raises(ValueError, match="same patients"):
        fusion_gain([0.5], {"CT": [0.5, 0.6]})
    with pytest.raises(ValueError, match="same patients"):
        fusion_gain([0.5], {})


def test_cross_modality_error_does_not_cancel():
    assert cross_modality_error({"a": 0.8, "b": 0.6}, {"a": 0.6, "b": 0.8, "c": 0.0}) == pytest.approx(0.2)
    assert math.isnan(cross_modality_error({"a": math.nan}, {"a": 0.5}))
