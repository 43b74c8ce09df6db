"""Leave modalities out, so that the network learns to do without."""

from __future__ import annotations

import numpy as np


def kept_modalities(rng: np.random.Generator, count: int, chance: float) -> list[int]:
    """Which of some modalities stay; one at least.

    Args:
        rng: source of the choice.
        count: how many there are.
        chance: for each to be left out.
    """
    stays = rng.random(count) >= chance
    last = int(rng.integers(count))  # drawn in every case, so that later choices do not depend on the outcome
    if not stays.any():
        stays[last] = True
    return [number for number in range(count) if stays[number]]
