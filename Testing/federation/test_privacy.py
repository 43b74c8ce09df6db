"""The bound, the noise, and what they are worth."""

import math

import numpy as np
import pytest
from scipy.stats import norm as normal

from MultimodalSegLib.federation.ledger import Ledger
from MultimodalSegLib.federation.privacy import (
    change_norm,
    clipped,
    gaussian_epsilon,
    private_weights,
    spent_epsilon,
)


def test_a_small_change_stays_and_a_large_one_keeps_its_direction() -> None:
    change = {"a": np.array([3.0]), "b": np.array([[4.0]])}
    assert clipped(change, 10.0)["b"].tolist() == [[4.0]]
    short = clipped(change, 1.0)
    assert change_norm(short) == pytest.approx(1.0) and short["b"][0, 0] / short["a"][0] == pytest.approx(4 / 3)


def test_what_is_sent_lies_within_the_bound_but_for_noise_of_the_wanted_size() -> None:
    begin = {"w": np.zeros((200, 50)), "unseen": np.ones((2, 2)), "n": np.array([3])}
    weights = {"w": np.ones((200, 50)), "unseen": np.full((2, 2), 9.0), "n": np.array([8])}
    rows = {"w": np.ones(200, bool), "unseen": np.zeros(2, bool)}
    sent = private_weights(begin, weights, rows, limit=2.0, noise=0.0)
    assert change_norm({"w": sent["w"]}) == pytest.approx(2.0) and sent["unseen"].tolist() == [[1, 1], [1, 1]]
    assert sent["n"].tolist() == [3]
    noisy = private_weights(begin, weights, rows, limit=2.0, noise=1.5, generator=np.random.default_rng(0))
    assert (noisy["w"] - sent["w"]).std() == pytest.approx(3.0, rel=0.02)
    other = private_weights(begin, weights, rows, limit=2.0, noise=1.5)
    assert not np.array_equal(other["w"], private_weights(begin, weights, rows, limit=2.0, noise=1.5)["w"])


@pytest.mark.parametrize(("multiplier", "rounds"), [(1.0, 1), (5.0, 10), (2.0, 100), (20.0, 50)])
def test_epsilon_is_just_above_the_exact_one_of_gaussian_noise(multiplier: float, rounds: int) -> None:
    """Balle and Wang, "Improving the Gaussian mechanism for differential privacy", ICML 2018, theorem 8."""
    mu, delta = math.sqrt(rounds) / multiplier, 1e-5

    def exact_delta(epsilon: float) -> float:
        far = normal.logcdf(-mu / 2 - epsilon / mu)
        return float(normal.cdf(mu / 2 - epsilon / mu) - math.exp(epsilon + far))

    found = gaussian_epsilon(multiplier, rounds, delta)
    assert exact_delta(found) <= delta < exact_delta(0.8 * found)


@pytest.mark.parametrize(
    ("multiplier", "rounds", "delta", "published"),
    [(1.0, 1, 1e-5, 4.728507), (5.0, 10, 1e-5, 2.813653), (2.0, 100, 1e-5, 35.081754), (20.0, 50, 1e-6, 1.660619)],
)
def test_epsilon_is_that_of_the_accountant_of_google(multiplier, rounds, delta, published) -> None:
    """`RdpAccountant` of dp-accounting 0.6.0 after so many `GaussianDpEvent`."""
    assert gaussian_epsilon(multiplier, rounds, delta) == pytest.approx(published, rel=1e-6)


def test_there_is_no_promise_without_noise_and_no_cost_without_rounds() -> None:
    assert gaussian_epsilon(0.0, 3, 1e-5) == math.inf and gaussian_epsilon(1.0, 0, 1e-5) == 0
    with pytest.raises(ValueError, match="delta"):
        gaussian_epsilon(1.0, 1, 0.0)


def test_a_site_counts_twice_the_bound_and_remembers_what_it_has_spent(tmp_path) -> None:
    assert spent_epsilon(8.0, 5, 1e-6) == gaussian_epsilon(4.0, 5, 1e-6)
    assert [Ledger(tmp_path).add_round() for _ in range(3)] == [1, 2, 3]
