"""Temperatures recovered from answers whose true chances are known."""

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.special import expit, softmax

from MultimodalSegLib.inference.uncertainty.calibration import (
    Reliability,
    lesion_reliability,
    lesion_scaling,
    pooled,
    reliability,
    structure_reliability,
    structure_temperature,
)
from MultimodalSegLib.inference.uncertainty.reliability_plot import write_reliability

N = 20000


def overconfident(by: float) -> tuple[np.ndarray, np.ndarray]:
    """Logits (n, 4) that are ``by`` times too large for how often they are right."""
    rng = np.random.default_rng(0)
    honest = 2 * rng.standard_normal((N, 4))
    chances = softmax(honest, axis=1).cumsum(1)
    return by * honest, (rng.random((N, 1)) > chances).sum(1).clip(max=3)


def test_finds_the_temperature_and_lowers_the_error(tmp_path: Path) -> None:
    logits, truth = overconfident(3.0)
    temperature = structure_temperature(logits, truth)
    before, after = (structure_reliability(logits, truth, t) for t in (1.0, temperature))
    assert temperature == pytest.approx(3.0, rel=0.05)
    assert before.error > 0.1 and after.error < 0.015
    assert after.count.sum() == N


def test_a_lesion_has_a_slope_and_an_offset() -> None:
    rng = np.random.default_rng(1)
    honest = 2 * rng.standard_normal(N)
    truth, logits = rng.random(N) < expit(honest), 0.5 * honest + 0.75
    slope, offset = lesion_scaling(logits, truth)
    assert slope == pytest.approx(2.0, rel=0.08) and offset == pytest.approx(-1.5, abs=0.1)
    before, after = lesion_reliability(logits, truth), lesion_reliability(logits, truth, slope, offset)
    assert before.error > 0.1 and after.error < 0.015
    slope, _offset = lesion_scaling(-logits, truth)
    assert 0 < slope < 0.1  # what was suspected more never becomes less probable than the rest


def test_without_voxels_there_is_nothing_to_fit() -> None:
    with pytest.raises(ValueError, match="no voxels"):
        structure_temperature(np.zeros((0, 4)), np.zeros(0, int))
    with pytest.raises(ValueError, match="no voxels"):
        lesion_scaling(np.zeros(0), np.zeros(0, bool))


def test_the_plot_is_a_picture(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    logits, truth = overconfident(3.0)
    write_reliability(
        {"before": structure_reliability(logits, truth), "after": structure_reliability(logits, truth, 3.0)},
        tmp_path / "plot.png",
        "Structures",
    )
    assert (tmp_path / "plot.png").read_bytes().startswith(b"\x89PNG")


def test_a_curve_is_kept_in_metadata_with_its_error() -> None:
    curve = structure_reliability(*overconfident(3.0))
    entry = json.loads(json.dumps(curve.to_dict()))
    assert Reliability.from_dict(entry).error == pytest.approx(curve.error, abs=1e-4)
    with pytest.raises(ValueError, match="one length"):
        Reliability.from_dict(entry | {"count": [1]})


def test_cases_are_pooled_answer_by_answer() -> None:
    rng = np.random.default_rng(0)
    chance = rng.random(1000) ** 3  # few answers are sure, so that some bins of the second part are empty
    right = rng.random(1000) < 0.7 * chance
    found = pooled([reliability(chance[:990], right[:990]), reliability(chance[990:], right[990:])])
    whole = reliability(chance, right)
    assert found.error == pytest.approx(whole.error) and np.array_equal(found.count, whole.count)
    assert found.confidence == pytest.approx(whole.confidence, nan_ok=True)
