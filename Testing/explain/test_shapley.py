"""The properties by which Shapley values are defined, on games whose answer is known."""

from itertools import permutations

import numpy as np
import pytest

from MultimodalSegLib.explain.shapley import coalitions, shapley_values

PLAYERS = ["CT", "T1", "FLAIR", "PET"]


@pytest.fixture
def worth():
    random = np.random.default_rng(0)
    return {chosen: random.normal(size=5) for chosen in coalitions(PLAYERS)}


def test_every_set_is_asked_once_and_all_together_first():
    sets = coalitions(PLAYERS)
    assert len(sets) == len(set(sets)) == 2**4 - 1 and sets[0] == frozenset(PLAYERS)
    assert len(coalitions(["CT", "MR"])) == 3


def test_shares_are_the_mean_over_all_orders_of_coming(worth):
    expected = {player: np.zeros(5) for player in PLAYERS}
    orders = list(permutations(PLAYERS))
    for order in orders:
        for n, player in enumerate(order):
            before = worth.get(frozenset(order[:n]), np.zeros(5))
            expected[player] += (worth[frozenset(order[: n + 1])] - before) / len(orders)
    shares = shapley_values(worth, PLAYERS)
    for player in PLAYERS:
        np.testing.assert_allclose(shares[player], expected[player], atol=1e-12)


def test_shares_add_up_to_full_less_empty(worth):
    np.testing.assert_allclose(sum(shapley_values(worth, PLAYERS).values()), worth[frozenset(PLAYERS)])
    nothing = np.full(5, 0.25)
    shares = shapley_values({frozenset(): nothing, **worth}, PLAYERS)
    np.testing.assert_allclose(sum(shares.values()), worth[frozenset(PLAYERS)] - nothing)


def test_who_adds_the_same_gets_the_same_and_who_adds_nothing_gets_nothing():
    def value(chosen):
        return np.array(len(chosen & {"CT", "T1"}) ** 2 + 3.0 * ("FLAIR" in chosen))  # nothing for PET

    shares = shapley_values({chosen: value(chosen) for chosen in coalitions(PLAYERS)}, PLAYERS)
    assert shares["CT"] == pytest.approx(shares["T1"]) == pytest.approx(2.0)
    assert shares["FLAIR"] == pytest.approx(3.0) and shares["PET"] == pytest.approx(0.0, abs=1e-12)


def test_a_missing_set_is_not_guessed(worth):
    del worth[frozenset({"CT"})]
    with pytest.raises(KeyError):
        shapley_values(worth, PLAYERS)
