"""Whether there is something to see where a person points."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..errors import InputError
from ..images.grid import Grid
from .prompts import Prompts
from .scene import Scene


class PlaceError(InputError):
    """A prompt at which there is nothing to see.

    Args:
        text: what is wrong, with ``{place}`` where the place is to stand.
        place: (3,) LPS mm.
        hint: what to do, where places are given as numbers.
        plainly: what to do, where they are clicked.
    """

    def __init__(self, text: str, place: np.ndarray, hint: str, plainly: str) -> None:
        super().__init__(text.format(place=_text(place)), hint)
        self._text, self._place, self._plainly = text, place, plainly

    def in_ras(self) -> InputError:
        """The same with the numbers that 3D Slicer shows."""
        return InputError(self._text.format(place=_text(self._place * (-1, -1, 1)) + " (RAS)"), self._plainly)


def inside(grid: Grid, points: np.ndarray) -> np.ndarray:
    """Which points (n, 3), LPS mm, lie in a voxel of a grid; bool (n,)."""
    index = grid.indices(points)
    return np.asarray(((index > -0.5) & (index < np.asarray(grid.size) - 0.5)).all(-1))


def spread(low: np.ndarray, high: np.ndarray, margin: float = 0.0) -> np.ndarray:
    """Points spread evenly in a box.

    Args:
        low: (3,) corner, LPS mm.
        high: (3,) the opposite corner.
        margin: part of each edge that is kept free at both of its ends.

    Returns:
        (343, 3) LPS mm.
    """
    share = np.stack(np.meshgrid(*[np.linspace(margin, 1 - margin, 7)] * 3, indexing="ij"), -1).reshape(-1, 3)
    found: np.ndarray = low + share * (high - low)
    return found


def in_view(prompts: Prompts, scene: Scene, reference: Grid) -> Prompts:
    """The same prompts with the box, if there is one, cut to what the volume shows.

    Args:
        prompts: what is said.
        scene: the case.
        reference: grid on which results are given.

    Raises:
        InputError: nothing of the volume is inside the box.
    """
    if prompts.box is None:
        return prompts
    given = np.asarray(prompts.box)
    corners = [grid.corners for grid in (scene.grid, reference)]
    low = np.max([given[0], *(eight.min(0) for eight in corners)], axis=0)
    high = np.min([given[1], *(eight.max(0) for eight in corners)], axis=0)
    if not (low < high).all() or not inside(reference, spread(low, high)).any():
        raise PlaceError(
            "The box around {place} lies outside of what the volume shows.",
            given.mean(0),
            "Give two corners around the object, LPS millimetres (the signs of x and y differ from RAS).",
            "Move it to the object.",
        )
    return replace(prompts, box=np.stack([low, high]))


def check_places(scene: Scene, reference: Grid, places: np.ndarray, positive: np.ndarray) -> None:
    """Refuse prompts at which there is nothing to see.

    Args:
        scene: the case.
        reference: grid on which results are given.
        places: (n, 3) every point, LPS mm; a box is for :func:`in_view`.
        positive: (p, 3) those on the object.

    Raises:
        InputError: a place outside the volume, or a positive point in air.
    """
    for place, seen in zip(places, inside(reference, places) & inside(scene.grid, places), strict=True):
        if not seen:
            raise PlaceError(
                "The place {place} lies outside of what the volume shows.",
                place,
                "Give patient coordinates inside the head, LPS millimetres (the signs of x and y differ from RAS).",
                "Move it into the head.",
            )
    for place, voxel in zip(positive, scene.voxels(positive), strict=True):
        if scene.is_empty(voxel):
            raise PlaceError(
                "There is nothing but air around the point {place}.",
                place,
                "Click on the object itself.",
                "Click on the object itself.",
            )


def _text(place: np.ndarray) -> str:
    return ", ".join(f"{value:.1f}" for value in place + 0.0)
