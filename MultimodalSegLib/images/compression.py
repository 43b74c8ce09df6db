"""Whether it pays to compress a volume: noise in floating-point numbers hardly becomes smaller and takes seconds."""

from __future__ import annotations

import zlib

import numpy as np

USUAL, FAST, NONE = 3, 1, 0
"""Levels of compression. The fast one takes half the time; noise as float32 grows by an eighth, whole numbers by two
thirds."""

LEAST_SAVED = 0.3
"""Part of the size that has to be saved."""

SLICES = 4


def fast_level(array: np.ndarray) -> int:
    """:data:`FAST` where that saves :data:`LEAST_SAVED` of a few slices, else :data:`NONE`.

    Args:
        array: values (k, j, i).

    Example:
        >>> fast_level(np.zeros((8, 64, 64), np.float32)) == FAST
        True
        >>> fast_level(np.random.default_rng(0).random((8, 64, 64), np.float32)) == NONE
        True
    """
    places = (np.arange(SLICES) + 0.5) * len(array) / SLICES
    some = np.ascontiguousarray(array[np.unique(places.astype(int))]).tobytes()
    return FAST if len(zlib.compress(some, FAST)) <= (1 - LEAST_SAVED) * len(some) else NONE
