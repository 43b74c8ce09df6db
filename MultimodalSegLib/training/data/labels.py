"""Where the truth of a case comes from: one label map, one mask a structure, or spheres."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from ...images.grid import Grid
from ...images.io import read_labels
from ...images.resample import resample
from ...images.volume import Volume

Sphere = tuple[float, float, float, float]
"""Center (x, y, z) in LPS millimetres, and diameter in millimetres."""


class LabelSource(Protocol):
    """Something from which a label map can be made."""

    @property
    def files(self) -> tuple[Path, ...]:
        """What is read from disk."""

    def read(self, grid: Grid) -> Volume:
        """The label map. ``grid`` is that of the reference image; a source that has a grid of its own keeps it."""


@dataclass(frozen=True)
class LabelFile:
    """A label map.

    Args:
        path: NRRD, NIfTI or MetaImage.
    """

    path: Path

    @property
    def files(self) -> tuple[Path, ...]:
        return (self.path,)

    def read(self, grid: Grid) -> Volume:
        """The label map on the grid of its file."""
        return read_labels(self.path)


@dataclass(frozen=True)
class MaskFiles:
    """One mask for each structure; where two overlap, the later one counts.

    Args:
        masks: file by label value.
    """

    masks: Mapping[int, Path]

    @property
    def files(self) -> tuple[Path, ...]:
        return tuple(self.masks.values())

    def read(self, grid: Grid) -> Volume:
        """The label map on ``grid``; every voxel of a mask that is not 0 counts."""
        array = np.zeros(grid.shape, np.uint16)
        for value, path in self.masks.items():
            array[resample(read_labels(path), grid, labels=True).array != 0] = value
        return Volume(array, grid)


@dataclass(frozen=True)
class Spheres:
    """Spheres of one class, as lists of nodules give them; none means that there is nothing to find.

    Args:
        spheres: centers in LPS mm and diameters in mm.
        value: label value.
    """

    spheres: tuple[Sphere, ...]
    value: int = 1

    @property
    def files(self) -> tuple[Path, ...]:
        return ()

    def read(self, grid: Grid) -> Volume:
        """The label map on ``grid``: voxels whose center lies in a sphere, or the one nearest to a tiny sphere."""
        array = np.zeros(grid.shape, np.uint16)
        for *center, diameter in self.spheres:
            _draw(array, grid, np.asarray(center), diameter / 2, self.value)
        return Volume(array, grid)


def _draw(array: np.ndarray, grid: Grid, center: np.ndarray, radius: float, value: int) -> None:
    """Set the voxels (k, j, i) of a sphere (LPS mm)."""
    middle = np.linalg.solve(grid.affine[:3, :3], center - grid.affine[:3, 3])
    reach = radius / np.asarray(grid.spacing) + 1
    low = np.maximum(np.floor(middle - reach), 0).astype(int)
    high = np.minimum(np.ceil(middle + reach) + 1, grid.size).astype(int)
    if np.any(low >= high):
        return
    index = np.stack(np.meshgrid(*(np.arange(a, b) for a, b in zip(low, high, strict=True)), indexing="ij"), axis=-1)
    # the axes are perpendicular: lengths along them are lengths in patient space
    squared = (((index - middle) * grid.spacing) ** 2).sum(-1)
    inside = squared <= max(radius**2, float(squared.min()))
    i, j, k = index[inside].T
    array[k, j, i] = value
