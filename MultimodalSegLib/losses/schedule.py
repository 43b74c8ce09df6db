"""How much each part of the loss counts, and when.

    L = alpha Dice + CE + beta Boundary + gamma Topology + side + lesion + presence + coarse scales

Dice and cross-entropy find the structures first. The boundary comes when there are borders to move, topology last, when
few mistakes are left for it to repair.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from typing import Any


@dataclass(frozen=True)
class LossWeights:
    """The weight of each part; 0 leaves it out.

    Args:
        alpha: Dice of the structures.
        cross_entropy: of the structures.
        beta: boundary of the structures (in 1/mm, averaged over the classes).
        gamma: topology of the chosen structures.
        side: left or right.
        lesion: lesion voxels and lesions.
        regions: in it, the part that weighs each lesion like the whole rest. At 1 a network marks nine voxels for each
            true one; near 0 one that has found none yet is hardly told of those it misses.
        presence: that there is any lesion.
        deep: the same heads at strides 4 and 8.

    Raises:
        ValueError: a weight that is negative or not finite.
    """

    alpha: float = 1.0
    cross_entropy: float = 1.0
    beta: float = 0.0
    gamma: float = 0.0
    side: float = 0.3
    lesion: float = 0.3
    regions: float = 0.1
    presence: float = 0.1
    deep: tuple[float, ...] = (0.3, 0.15)

    def __post_init__(self) -> None:
        for field, value in zip(fields(self), astuple(self), strict=True):
            for weight in value if isinstance(value, tuple) else (value,):
                if not (math.isfinite(weight) and weight >= 0):
                    raise ValueError(f"The weight {field.name} must be finite and at least 0, not {weight}.")

    def toward(self, other: LossWeights, part: float) -> LossWeights:
        """Weights on the line from these (``part`` = 0) to others (``part`` = 1)."""
        if len(self.deep) != len(other.deep):
            raise ValueError(f"{self.deep} and {other.deep} weight different numbers of scales.")
        mixed: dict[str, Any] = {
            field.name: _between(getattr(self, field.name), getattr(other, field.name), part)
            for field in fields(self)
            if field.name != "deep"
        }
        deep = tuple(_between(a, b, part) for a, b in zip(self.deep, other.deep, strict=True))
        return LossWeights(**mixed, deep=deep)


def _between(first: float, second: float, part: float) -> float:
    return (1 - part) * first + part * second


@dataclass(frozen=True)
class LossSchedule:
    """Weights at some fractions of the training; on straight lines between them, constant before and after.

    Args:
        points: (fraction 0..1, weights), fractions ascending.

    Raises:
        ValueError: no point, or fractions that do not ascend within 0..1.

    Example:
        >>> schedule = LossSchedule(((0.2, LossWeights()), (0.3, LossWeights(beta=1.0))))
        >>> round(schedule.at(0.25).beta, 3)
        0.5
    """

    points: Sequence[tuple[float, LossWeights]]

    def __post_init__(self) -> None:
        places = [fraction for fraction, _ in self.points]
        ascending = all(a < b for a, b in zip(places, places[1:], strict=False))
        if not places or not ascending or places[0] < 0 or places[-1] > 1:
            raise ValueError(f"The fractions of a schedule must ascend from 0 to 1, not {places}.")

    def at(self, fraction: float) -> LossWeights:
        """The weights when ``fraction`` of the training is over."""
        before = [point for point in self.points if point[0] <= fraction]
        after = [point for point in self.points if point[0] > fraction]
        if not before or not after:
            return (before or after[:1])[-1][1]
        (start, first), (end, second) = before[-1], after[0]
        return first.toward(second, (fraction - start) / (end - start))


HEAD_SCHEDULE = LossSchedule(
    (
        (0.2, LossWeights()),
        (0.3, LossWeights(beta=10.0)),
        (0.8, LossWeights(beta=10.0)),
        (0.85, LossWeights(beta=10.0, gamma=0.02)),
    )
)
"""The boundary from a fifth of the training on, topology in the last fifth.

Chosen by the gradients of the parameters of the head model 0.1.0 on made-up patients: with beta = 10 the boundary, a
mean over 27 classes, weighs about a seventh of Dice and cross-entropy; a step with topology about as much as they do,
and one step in eight has it.
"""
