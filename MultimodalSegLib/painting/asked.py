"""A lesion that is asked for: kind, place and size, and the shape that is drawn for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from ..images.grid import Grid
from ..synthesis.lesions import Lesion, border_distance, sample_shape

SIZES_MM = (3.0, 60.0)
"""Smallest and largest diameter that can be asked for."""

SPACING = 1.0
"""Millimetres between the voxels on which lesions are painted into scans."""

FORM = "KIND,X,Y,Z,MM"


@dataclass(frozen=True)
class AskedLesion:
    """One lesion to paint.

    Args:
        kind: as the model knows it, such as ``"infarct"``.
        place: its middle, LPS millimetres: x grows to the patient's left, y to the back, z to the top.
        mm: its diameter: that of a ball of the same volume; it grows uneven.

    Raises:
        InputError: a size out of range, or a place that is no place.

    Example:
        >>> AskedLesion.parse("white matter, -20, 5, 12.5, 8")
        AskedLesion(kind='white matter', place=(-20.0, 5.0, 12.5), mm=8.0)
    """

    kind: str
    place: tuple[float, float, float]
    mm: float

    def __post_init__(self) -> None:
        low, high = SIZES_MM
        if not low <= self.mm <= high:
            raise InputError(f"A lesion of {self.mm:g} mm was asked for.", f"Ask for {low:g} to {high:g} mm.")
        if len(self.place) != 3 or not np.isfinite(self.place).all():
            raise InputError(f"{self.place!r} is no place.", "Give three coordinates in LPS millimetres.")

    @classmethod
    def parse(cls, text: str) -> AskedLesion:
        """From a text such as ``infarct,30,-12,25,18``.

        Raises:
            InputError: not of that form.
        """
        kind, *numbers = (part.strip() for part in text.split(","))
        try:
            x, y, z, mm = (float(number) for number in numbers)
        except ValueError as error:
            raise InputError(
                f"{text!r} is not of the form {FORM}.", "Write for example infarct,30,-12,25,18 (LPS mm, then size)."
            ) from error
        return cls(kind, (x, y, z), mm)

    @property
    def name(self) -> str:
        """For messages."""
        return f"{self.kind} of {self.mm:g} mm at {', '.join(f'{n:g}' for n in self.place)}"


def check_kind(kind: str, kinds: Sequence[str]) -> None:
    """Refuse a kind that the model does not know.

    Raises:
        InputError: names those that it knows.
    """
    if kind not in kinds:
        raise InputError(f"The model does not paint {kind!r}.", f"Ask for one of: {', '.join(kinds)}.")


def drawn(asked: AskedLesion, rng: np.random.Generator) -> Lesion:
    """A shape as the generator's own lesions have, with the volume that was asked for."""
    axes, bumps, reach = sample_shape(rng, asked.kind, asked.mm / 2)
    larger = asked.mm / 2 * abs(float(np.linalg.det(axes))) ** (1 / 3)
    return Lesion(asked.kind, np.asarray(asked.place), axes / larger, bumps, reach * larger, 0.0, 0.0)


def work_grid(lesion: Lesion, margin: int) -> Grid:
    """A grid along the patient's axes around a lesion, in voxels of :data:`SPACING`."""
    half = int(np.ceil(1.5 * lesion.reach / SPACING)) + margin
    x, y, z = (float(n) for n in lesion.center - half * SPACING)
    return Grid((2 * half + 1,) * 3, (SPACING,) * 3, (x, y, z))


def lesion_mask(lesion: Lesion, grid: Grid) -> np.ndarray:
    """Where it is on a grid, (k, j, i) bool; its middle in any case."""
    index = np.stack(np.meshgrid(*(np.arange(n) for n in grid.size), indexing="ij"), axis=-1)
    points = np.transpose(grid.points(index), (3, 2, 1, 0))  # (3, k, j, i)
    where, distance = border_distance(lesion, points)
    mask = np.zeros(grid.shape, bool)
    mask[where] = distance < 1
    i, j, k = np.rint(grid.indices(lesion.center)).astype(int)
    mask[k, j, i] = True
    return mask
