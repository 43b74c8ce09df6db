"""Probabilities that mean what they say: scaling of logits and the expected calibration error.

Guo, Pleiss, Sun and Weinberger, "On calibration of modern neural networks", ICML 2017; for lesions with an offset:
Platt, "Probabilistic outputs for support vector machines", 1999. Nearly all voxels are surely no lesion, and would hide
what is wrong with the others: lesions are fitted to voxels that may be one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize, minimize_scalar
from scipy.special import expit, log_softmax

BINS = 15
RANGE = (0.05, 20.0)
"""Temperatures and slopes that are tried."""

NOTHING = "there are no voxels to fit a scaling to"

SUSPECT = 0.05
"""Uncalibrated probability above which a voxel may be lesion."""


@dataclass(frozen=True)
class Reliability:
    """How often answers are right, by how sure they are.

    Args:
        confidence: (BINS,) mean probability of the answers in each bin; NaN in an empty one.
        accuracy: (BINS,) share of them that is right.
        count: (BINS,) answers.
    """

    confidence: np.ndarray
    accuracy: np.ndarray
    count: np.ndarray

    @property
    def error(self) -> float:
        """Expected calibration error, 0 to 1: the mean distance of confidence and accuracy over all answers."""
        filled = self.count > 0
        gap = np.abs(self.confidence - self.accuracy)[filled]
        return float((gap * self.count[filled]).sum() / max(1, self.count.sum()))

    @classmethod
    def from_dict(cls, entry: Mapping[str, Sequence[float]]) -> Reliability:
        """What :meth:`to_dict` gave.

        Raises:
            KeyError: a list is missing.
            ValueError: the lists are not of one length.
        """
        confidence, accuracy, count = (np.asarray(entry[name], float) for name in ("confidence", "accuracy", "count"))
        if not confidence.shape == accuracy.shape == count.shape or confidence.ndim != 1:
            raise ValueError("confidence, accuracy and count are not lists of one length")
        return cls(confidence, accuracy, count)

    def to_dict(self) -> dict[str, list[float]]:
        """For a model's metadata; an empty bin has 0 for what it has not."""
        sure, right = (np.nan_to_num(values).round(4).tolist() for values in (self.confidence, self.accuracy))
        return {"confidence": sure, "accuracy": right, "count": self.count.astype(int).tolist()}


def reliability(confidence: np.ndarray, right: np.ndarray) -> Reliability:
    """Sort answers into bins of equal width.

    Args:
        confidence: (n,) probability that an answer is right, 0 to 1.
        right: (n,) bool.

    Example:
        >>> found = reliability(np.array([0.8, 0.8, 0.8, 0.8, 0.8]), np.array([1, 1, 1, 1, 0], bool))
        >>> round(found.error, 6)
        0.0
    """
    place = np.clip((confidence * BINS).astype(int), 0, BINS - 1)
    count = np.bincount(place, minlength=BINS)
    with np.errstate(invalid="ignore"):
        sure = np.bincount(place, confidence, BINS) / count
        good = np.bincount(place, right, BINS) / count
    return Reliability(sure, good, count)


def pooled(parts: Sequence[Reliability]) -> Reliability:
    """All answers of several cases together, each answer counting the same.

    Raises:
        ValueError: no part.
    """
    count = np.sum([part.count for part in parts], axis=0)
    with np.errstate(invalid="ignore"):
        sure, good = (
            np.sum([np.nan_to_num(getattr(part, name)) * part.count for part in parts], axis=0) / count
            for name in ("confidence", "accuracy")
        )
    return Reliability(sure, good, count)


def structure_reliability(logits: np.ndarray, truth: np.ndarray, temperature: float = 1.0) -> Reliability:
    """Of the most probable structure.

    Args:
        logits: (n, K).
        truth: (n,) channel.
        temperature: of the softmax.
    """
    chances = np.exp(log_softmax(logits / temperature, axis=1))
    return reliability(chances.max(1), chances.argmax(1) == truth)


def lesion_reliability(logits: np.ndarray, truth: np.ndarray, slope: float = 1.0, offset: float = 0.0) -> Reliability:
    """Of "this voxel is lesion".

    Args:
        logits: (n,).
        truth: (n,) bool.
        slope: of the logits.
        offset: added to them.
    """
    return reliability(expit(slope * logits + offset), truth)


def structure_temperature(logits: np.ndarray, truth: np.ndarray) -> float:
    """The temperature of the softmax that makes the truth most likely.

    Args:
        logits: (n, K) of voxels on which the network was not trained.
        truth: (n,) channel.

    Raises:
        ValueError: no voxels.
    """

    def loss(log_t: float) -> float:
        scaled = log_softmax(logits / np.exp(log_t), axis=1)
        return -float(np.mean(scaled[np.arange(len(truth)), truth]))

    return _least(loss, len(truth))


def lesion_scaling(logits: np.ndarray, truth: np.ndarray) -> tuple[float, float]:
    """Slope (always positive) and offset of the lesion's logit that make the truth most likely.

    Args:
        logits: (n,) of voxels that may be lesion, and on which the network was not trained.
        truth: (n,) bool.

    Raises:
        ValueError: no voxels.

    Example:
        >>> logits = np.repeat([0.0, 2.0], 1000)
        >>> truth = np.arange(2000) % 1000 < np.repeat([269, 500], 1000)     # expit(-1), expit(0)
        >>> [round(value, 1) for value in lesion_scaling(logits, truth)]
        [0.5, -1.0]
    """
    if not len(truth):
        raise ValueError(NOTHING)
    sign = np.where(truth, -1.0, 1.0)

    def loss(found: np.ndarray) -> float:
        return float(np.mean(np.logaddexp(0.0, sign * (np.exp(found[0]) * logits + found[1]))))

    limits = (tuple(np.log(RANGE)), (-10.0, 10.0))
    log_slope, offset = minimize(loss, np.zeros(2), bounds=limits, method="L-BFGS-B").x
    return float(np.exp(log_slope)), float(offset)


def _least(loss: object, count: int) -> float:
    if not count:
        raise ValueError(NOTHING)
    found = minimize_scalar(loss, bounds=tuple(np.log(RANGE)), method="bounded", options={"xatol": 1e-4})
    return float(np.exp(found.x))
