"""Exact Shapley values of a few players: what each adds on average, over all orders in which they could come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from math import factorial

import numpy as np

Coalition = frozenset[str]


def coalitions(players: Sequence[str]) -> list[Coalition]:
    """Every set of players but the empty one, all of them together first: 2^M - 1 sets.

    Example:
        >>> [sorted(each) for each in coalitions(["CT", "MR"])]
        [['CT', 'MR'], ['CT'], ['MR']]
    """
    sizes = range(len(players), 0, -1)
    return [frozenset(chosen) for size in sizes for chosen in combinations(players, size)]


def shapley_values(worth: Mapping[Coalition, np.ndarray], players: Sequence[str]) -> dict[str, np.ndarray]:
    """Share what all players reach together among them.

    The mean of what a player adds to those before it, over all orders (Shapley 1953, equation 12). The shares add up to
    the worth of all players less that of none; players who add the same to every set get the same, and one who adds
    nothing to any set gets 0.

    Args:
        worth: of every coalition of the players, arrays of one shape; the empty set may be left out and is 0 then.
        players: their names.

    Returns:
        By player an array of that shape.

    Raises:
        KeyError: the worth of a coalition is missing.

    Example:
        >>> worth = {frozenset("a"): np.array(1.0), frozenset("b"): np.array(0.0), frozenset("ab"): np.array(3.0)}
        >>> {name: float(share) for name, share in shapley_values(worth, ["a", "b"]).items()}
        {'a': 2.0, 'b': 1.0}
    """
    everyone = worth[frozenset(players)]
    known = {frozenset[str](): np.zeros_like(everyone), **worth}
    count, shares = len(players), {}
    for player in players:
        share = np.zeros_like(everyone, dtype=np.float64)
        for before in [frozenset[str](), *coalitions([name for name in players if name != player])]:
            orders = factorial(len(before)) * factorial(count - len(before) - 1) / factorial(count)
            share += orders * (known[before | {player}] - known[before])
        shares[player] = share
    return shares
