"""Probabilities that mean what they say: temperature scaling and the expected calibration error.

Guo, Pleiss, Sun and Weinberger, "On calibration of modern neural networks", ICML 2017.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import expit, log_softmax

BINS = 15
RANGE = (0.05, 20.0)
"""Temperatures that are tried."""


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


def lesion_reliability(logits: np.ndarray, truth: np.ndarray, temperature: float = 1.0) -> Reliability:
    """Of "this voxel is lesion".

    Args:
        logits: (n,).
        truth: (n,) bool.
        temperature: of the sigmoid.
    """
    return reliability(expit(logits / temperature), truth)


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


def lesion_temperature(logits: np.ndarray, truth: np.ndarray) -> float:
    """The same of the sigmoid of the lesion: logits (n,) and truth (n,) bool."""
    signed = np.where(truth, -1.0, 1.0) * logits
    return _least(lambda log_t: float(np.mean(np.logaddexp(0.0, signed / np.exp(log_t)))), len(truth))


def _least(loss: object, count: int) -> float:
    if not count:
        raise ValueError("there are no voxels to fit a temperature to")
    found = minimize_scalar(loss, bounds=tuple(np.log(RANGE)), method="bounded", options={"xatol": 1e-4})
    return float(np.exp(found.x))
