"""Weights that follow the training."""

import pytest

from MultimodalSegLib.losses.schedule import HEAD_SCHEDULE, LossSchedule, LossWeights


def test_weights_run_on_straight_lines_and_stay_constant_outside():
    schedule = LossSchedule(
        ((0.2, LossWeights(beta=1.0, deep=(1.0, 0.5))), (0.6, LossWeights(alpha=3.0, beta=2.0, deep=(0.0, 0.1))))
    )
    assert schedule.at(0.0) == schedule.at(0.2) == schedule.points[0][1]
    assert schedule.at(0.6) == schedule.at(1.0) == schedule.points[1][1]
    quarter = schedule.at(0.3)
    assert quarter.alpha == pytest.approx(1.5) and quarter.beta == pytest.approx(1.25)
    assert quarter.deep == pytest.approx((0.75, 0.4)) and quarter.side == pytest.approx(0.3)


def test_the_head_s_boundary_comes_first_and_its_topology_last():
    beta = [HEAD_SCHEDULE.at(n / 100).beta for n in range(101)]
    gamma = [HEAD_SCHEDULE.at(n / 100).gamma for n in range(101)]
    assert not any(beta[:21]) and all(beta[21:]) and beta == sorted(beta)
    assert not any(gamma[:81]) and all(gamma[81:]) and gamma == sorted(gamma)
    assert {HEAD_SCHEDULE.at(n / 100).alpha for n in range(101)} == {1.0}


@pytest.mark.parametrize("wrong", [{"alpha": -0.1}, {"gamma": float("nan")}, {"deep": (0.3, float("inf"))}])
def test_a_weight_that_is_negative_or_not_finite_is_refused(wrong):
    with pytest.raises(ValueError, match=f"weight {next(iter(wrong))} must"):
        LossWeights(**wrong)


@pytest.mark.parametrize("fractions", [(), (0.5, 0.5), (0.7, 0.2), (-0.1, 0.5), (0.5, 1.1)])
def test_fractions_that_do_not_ascend_from_0_to_1_are_refused(fractions):
    with pytest.raises(ValueError, match="ascend"):
        LossSchedule(tuple((fraction, LossWeights()) for fraction in fractions))


def test_weights_for_different_numbers_of_scales_have_no_line_between_them():
    schedule = LossSchedule(((0.0, LossWeights(deep=(1.0,))), (1.0, LossWeights())))
    with pytest.raises(ValueError, match="different numbers"):
        schedule.at(0.5)
