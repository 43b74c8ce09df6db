"""Differential privacy of what a site sends: a bounded change with noise, and what that is worth."""

from __future__ import annotations

import math
import secrets
from collections.abc import Mapping

import numpy as np

from .average import Weights

ORDERS = tuple(1 + n / 10 for n in range(1, 100)) + tuple(float(n) for n in range(11, 513))
"""Orders alpha of the Renyi divergence among which the best is taken."""


def change_norm(change: Weights) -> float:
    """Euclidean norm of all arrays together."""
    return math.sqrt(sum(float(np.square(value, dtype=float).sum()) for value in change.values()))


def clipped(change: Weights, limit: float) -> dict[str, np.ndarray]:
    """The same direction with a norm of at most ``limit``.

    Example:
        >>> clipped({"w": np.array([3.0, 4.0])}, 1.0)["w"].tolist()
        [0.6, 0.8]
    """
    scale = min(1.0, limit / max(change_norm(change), 1e-300))
    return {name: value * scale for name, value in change.items()}


def private_weights(
    begin: Weights,
    weights: Weights,
    trained: Mapping[str, np.ndarray],
    limit: float,
    noise: float,
    generator: np.random.Generator | None = None,
) -> dict[str, np.ndarray]:
    """The weights after a clipped and noisy change (McMahan et al., "Learning differentially private recurrent
    language models", ICLR 2018, algorithm 1, with the noise added at the site, so that no server need be trusted).

    Args:
        begin: what the site was sent.
        weights: what it has after its steps.
        trained: rows that its images reached; the others keep what the site was sent, but for the noise.
        limit: largest Euclidean norm of the change, C.
        noise: standard deviation of the noise on every number, as a multiple of ``limit``.
        generator: of the noise; seeded by the operating system if None.
    """
    rng = generator or np.random.default_rng(secrets.randbits(128))
    change = {
        name: (value - begin[name]) * _rows(trained.get(name), value)
        for name, value in weights.items()
        if np.issubdtype(value.dtype, np.floating)
    }
    sent = {
        name: (begin[name] + value + rng.normal(0.0, noise * limit, value.shape)).astype(weights[name].dtype)
        for name, value in clipped(change, limit).items()
    }
    return {name: sent.get(name, begin[name]) for name in weights}


def _rows(trained: np.ndarray | None, value: np.ndarray) -> np.ndarray:
    rows = np.zeros(value.shape[:1]) if trained is None else np.asarray(trained, float)
    return rows.reshape(rows.shape + (1,) * (value.ndim - rows.ndim))


def gaussian_epsilon(multiplier: float, rounds: int, delta: float) -> float:
    """Epsilon after so many Gaussian mechanisms, by Renyi differential privacy.

    The divergence of order alpha of one is alpha / (2 sigma^2), and they add up (Mironov, "Renyi differential privacy",
    CSF 2017, proposition 7 and 1); the conversion is that of Canonne, Kamath and Steinke, "The discrete Gaussian for
    differential privacy", NeurIPS 2020, proposition 12.

    Args:
        multiplier: sigma, the noise's standard deviation divided by the sensitivity.
        rounds: how many.
        delta: the chance that the promise does not hold, 0 to 1.

    Returns:
        Infinity without noise, 0 without rounds.

    Example:
        >>> round(gaussian_epsilon(5.0, 10, 1e-5), 2)
        2.81
    """
    if not 0 < delta < 1:
        raise ValueError(f"delta is {delta!r}, but must lie between 0 and 1.")
    if not rounds:
        return 0.0
    if not multiplier:
        return math.inf
    each = (
        rounds * a / (2 * multiplier**2) + math.log1p(-1 / a) - (math.log(delta) + math.log(a)) / (a - 1)
        for a in ORDERS
    )
    return max(0.0, min(each))


def spent_epsilon(noise: float, rounds: int, delta: float) -> float:
    """What a site has spent after so many rounds in which it sent its weights.

    The promise is about any change of the site's data, a single patient or all of them: whatever they are, the clipped
    changes are at most twice the limit apart, so that is the sensitivity. It needs no trust in the server. The number
    of cases, the metrics and which rows were trained are sent without noise, and are not covered.

    Args:
        noise: standard deviation of the noise as a multiple of the limit.
        rounds: in which the site has sent something.
        delta: as for :func:`gaussian_epsilon`.
    """
    return gaussian_epsilon(noise / 2, rounds, delta)
