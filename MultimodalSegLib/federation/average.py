"""From the weights of the sites to those of the federation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

Weights = Mapping[str, np.ndarray]
"""Arrays by the names of a network's state."""


@dataclass(frozen=True)
class Update:
    """What a site sends after a round.

    Args:
        weights: those that the site shares; layers that stay local are left out.
        trained: by name, which rows (along the first axis) got a gradient from the site's images; bool, of the shape
            of the first axis, or () for a single number. Names that are left out were not trained.
        cases: number of the site's training cases.
    """

    weights: Weights
    trained: Weights
    cases: int

    def problem(self, wanted: Weights) -> str:
        """Why it cannot be averaged with others, empty if it can.

        Args:
            wanted: the weights that were sent to the site.
        """
        if self.cases < 1:
            return f"it says that it has {self.cases} cases"
        for name, value in self.weights.items():
            if name not in wanted:
                return f"it holds {name!r}, which the network lacks"
            if np.shape(value) != np.shape(wanted[name]):
                return f"{name!r} has the shape {np.shape(value)}, not {np.shape(wanted[name])}"
            if not np.all(np.isfinite(value)):
                return f"{name!r} holds values that are no numbers"
            if name in self.trained and np.shape(self.trained[name]) != np.shape(value)[:1]:
                return f"what was trained of {name!r} has the shape {np.shape(self.trained[name])}"
        return ""


def average(weights: Weights, updates: Sequence[Update]) -> dict[str, np.ndarray]:
    """Mean of the sites' weights, each with its number of cases.

    Every row of a parameter is averaged over the sites that trained it, and stays as it is where none did: the
    embedding of CT is none of the business of a site that has MRI alone. Whole numbers, such as counts of batches, are
    the largest of the sites.

    Args:
        weights: those that the sites began with.
        updates: of at least one site; see :meth:`Update.problem`.

    Returns:
        New arrays of the same names, shapes and types.

    Example:
        >>> begin = {"w": np.zeros((2, 1), np.float32)}
        >>> ct = Update({"w": np.array([[1.0], [9.0]])}, {"w": np.array([True, False])}, cases=3)
        >>> both = Update({"w": np.array([[5.0], [2.0]])}, {"w": np.array([True, True])}, cases=1)
        >>> average(begin, [ct, both])["w"].tolist()
        [[2.0], [2.0]]
    """
    return {name: np.asarray(_mean(name, value, updates), value.dtype) for name, value in weights.items()}


def _mean(name: str, value: np.ndarray, updates: Sequence[Update]) -> np.ndarray:
    own = [update for update in updates if name in update.weights and name in update.trained]
    if not np.issubdtype(value.dtype, np.floating):
        return np.max([value, *(update.weights[name] for update in own)], axis=0)
    total, cases = np.zeros(value.shape), np.zeros(value.shape)
    for update in own:
        rows = np.asarray(update.trained[name], float) * update.cases
        counted = np.broadcast_to(rows.reshape(rows.shape + (1,) * (value.ndim - rows.ndim)), value.shape)
        total += counted * update.weights[name]
        cases += counted
    return np.where(cases > 0, total / np.maximum(cases, 1), value)


def follow(before: Weights, newest: Weights, decay: float, rounds: int) -> dict[str, np.ndarray]:
    """One step of the exponential moving average of the federation's weights over its rounds.

    Args:
        before: the average so far.
        newest: the weights after a round.
        decay: part of the average that stays, 0 to below 1; smaller in the first rounds, so that the random beginning
            is forgotten. At 0 the newest weights are the average.
        rounds: number of rounds that are over, counted from 1.
    """
    stays = min(decay, (1 + rounds) / (10 + rounds))
    return {
        name: (stays * before[name] + (1 - stays) * value).astype(value.dtype)
        if np.issubdtype(value.dtype, np.floating)
        else value
        for name, value in newest.items()
    }
