"""Overlap with a truth: 2 |A and B| / (|A| + |B|) (Dice, Ecology 26:297, 1945)."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping

import numpy as np

from ..images.grid import same_grid
from ..images.volume import Volume
from .overlap import count

GROUPS: Mapping[str, frozenset[int]] = {
    "white matter": frozenset({2, 41, 25, 57, 77, 78, 79, 251, 252, 253, 254, 255}),
    "gray matter": frozenset({3, 42}),
    "ventricles": frozenset({4, 43, 5, 44, 14, 15, 72, 31, 63, 136, 137, 163, 164}),
    "deep gray": frozenset({10, 49, 11, 50, 12, 51, 13, 52, 17, 53, 18, 54, 26, 58, 28, 60}),
    "cerebellum": frozenset({7, 46, 8, 47}),
    "brain-stem": frozenset({16}),
    "bone": frozenset({515, 516}),
}
"""Label values (FreeSurfer's numbers, and 5xx outside the brain) that are compared as one, whatever a source splits
them into: lesions and callosum with white matter, choroid plexus with its ventricle."""

LESION = 99
"""Label value of a lesion in this library's label maps."""

WHOLE_BRAIN = frozenset({LESION}).union(
    *(GROUPS[name] for name in ("white matter", "gray matter", "ventricles", "deep gray", "cerebellum", "brain-stem"))
)
"""Brain with its ventricles and lesions, without the fluid around it."""


def dice(
    prediction: np.ndarray | Volume, truth: np.ndarray | Volume, values: Iterable[int] | None = None
) -> dict[int, float]:
    """Dice of each label.

    Args:
        prediction: integer label map of any shape.
        truth: label map of the same shape, on the same grid.
        values: label values to compare; all that occur in the truth, without 0, if None.

    Returns:
        By value: 0 to 1; NaN where a value occurs in neither map, so that a mean can leave it out (:func:`mean_dice`).
    """
    a, b = _arrays(prediction, truth)
    wanted = sorted(set(np.unique(b).tolist()) - {0}) if values is None else [int(v) for v in values]
    return {value: count(a == value, b == value).dice for value in wanted}


def group_dice(
    prediction: np.ndarray | Volume,
    truth: np.ndarray | Volume,
    groups: Mapping[str, Collection[int]] = GROUPS,
) -> dict[str, float]:
    """Dice of groups of labels, each taken as one structure; NaN where a group is in neither map.

    Args:
        prediction: integer label map of any shape.
        truth: label map of the same shape, on the same grid.
        groups: label values by name.
    """
    a, b = _arrays(prediction, truth)
    return {
        name: count(np.isin(a, list(values), kind="table"), np.isin(b, list(values), kind="table")).dice
        for name, values in groups.items()
    }


def mean_dice(scores: Mapping[int, float] | Mapping[str, float]) -> float:
    """Mean over the structures that occur in either map; NaN if none does."""
    known = [score for score in scores.values() if not math.isnan(score)]
    return float(np.mean(known)) if known else math.nan


def _arrays(prediction: np.ndarray | Volume, truth: np.ndarray | Volume) -> tuple[np.ndarray, np.ndarray]:
    if isinstance(prediction, Volume) and isinstance(truth, Volume) and not same_grid(prediction.grid, truth.grid):
        raise ValueError("the two label maps are on different grids; resample one of them first")
    a, b = (x.array if isinstance(x, Volume) else np.asarray(x) for x in (prediction, truth))
    if a.shape != b.shape:
        raise ValueError(f"label maps of shapes {a.shape} and {b.shape} cannot be compared")
    return a, b
