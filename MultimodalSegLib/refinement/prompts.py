"""What a person says about an object, in patient space."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from ..errors import InputError
from ..images.io import read_labels
from ..images.point_file import ENDINGS, read_points
from ..images.volume import Volume

INSIDE, OUTSIDE = 1, 2
"""Values of a scribble: on the object, and not on it."""

MOST_STROKE_POINTS = 48
"""A scribble is thinned to so many points of each kind."""


@dataclass(frozen=True)
class Prompts:
    """Points and a box, LPS millimetres.

    Args:
        positive: (P, 3) points inside the object.
        negative: (N, 3) points outside of it.
        box: (2, 3) two opposite corners of a box around the object, or None.

    Raises:
        InputError: nothing is said, or numbers that are no places.

    Example:
        >>> Prompts(positive=[(10.0, -20.0, 35.0)]).positive.shape
        (1, 3)
    """

    positive: ArrayLike = ()
    negative: ArrayLike = ()
    box: ArrayLike | None = None

    def __post_init__(self) -> None:
        for name in ("positive", "negative"):
            object.__setattr__(self, name, _points(getattr(self, name), name))
        if self.box is not None:
            corners = _points(self.box, "box")
            if len(corners) != 2 or not (np.ptp(corners, axis=0) > 0).all():
                raise InputError("The box has no extent.", "Give two opposite corners, in millimetres.")
            object.__setattr__(self, "box", np.sort(corners, axis=0))
        if not len(self.places):
            raise InputError("Nothing is said about the object.", "Give a point, a scribble or a box.")

    @property
    def places(self) -> np.ndarray:
        """Every point and the corners of the box, (n, 3)."""
        box = np.zeros((0, 3)) if self.box is None else np.asarray(self.box)
        return np.concatenate([np.asarray(self.positive), np.asarray(self.negative), box])


def _points(given: ArrayLike, name: str) -> np.ndarray:
    try:
        points = np.asarray(given, float).reshape(-1, 3)
    except (TypeError, ValueError) as error:
        raise InputError(f"{name} is no list of points.", "Give three numbers for each, LPS millimetres.") from error
    if not np.isfinite(points).all():
        raise InputError(f"{name} holds a point that is not finite.", "Give millimetres.")
    return points


def given_points(text: str) -> np.ndarray:
    """Points from ``X,Y,Z`` (LPS mm) or from a file (:func:`~MultimodalSegLib.images.point_file.read_points`).

    Returns:
        (n, 3) LPS mm.

    Raises:
        InputError: neither.
    """
    if text.lower().endswith(ENDINGS):
        return read_points(Path(text))[1]
    return numbers(text, 3).reshape(1, 3)


def numbers(text: str, count: int) -> np.ndarray:
    """So many numbers, separated by commas.

    Raises:
        InputError: something else.
    """
    try:
        found = np.array([float(part) for part in text.split(",")])
    except ValueError:
        found = np.zeros(0)
    if len(found) != count:
        raise InputError(f"{text!r} is not {count} numbers.", "Write millimetres separated by commas, without spaces.")
    return found


def read_scribble(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Points of a painted label map: 1 on the object, 2 not on it.

    Args:
        path: a label map on any grid.

    Returns:
        Points inside and outside, (n, 3) LPS mm, thinned to :data:`MOST_STROKE_POINTS` each.

    Raises:
        InputError: the file cannot be read, or nothing is painted.
    """
    painted = read_labels(path)
    inside, outside = (stroke_points(painted, value) for value in (INSIDE, OUTSIDE))
    if not len(inside) and not len(outside):
        raise InputError(f"{path} has no stroke.", "Paint 1 on the object, or 2 beside it.")
    return inside, outside


def stroke_points(painted: Volume, value: int) -> np.ndarray:
    """Centres of the voxels of one value, (n, 3) LPS mm, evenly thinned."""
    index = np.argwhere(painted.array == value)[:, ::-1]
    chosen = index[:: max(1, -(-len(index) // MOST_STROKE_POINTS))]
    return painted.grid.points(chosen)


def together(points: Sequence[np.ndarray]) -> np.ndarray:
    """Several lists of points as one, (n, 3)."""
    return np.concatenate([np.zeros((0, 3)), *points])
