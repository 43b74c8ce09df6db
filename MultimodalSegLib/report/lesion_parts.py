"""The connected lesions of a label map, in the order in which they are numbered everywhere."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from ..images.grid import Triple
from ..images.volume import Volume
from ..inference.components import components


@dataclass(frozen=True)
class LesionPart:
    """One connected lesion (voxels that share a face, an edge or a corner).

    Args:
        value: of the label map.
        number: 1 for the largest one with this value.
        index: (n, 3) array indices (k, j, i) of its voxels.
        volume_ml: millilitres.
        center: voxel of it that is nearest to its centre of mass, LPS mm.
    """

    value: int
    number: int
    index: np.ndarray
    volume_ml: float
    center: Triple


def lesion_parts(labels: Volume, values: Iterable[int]) -> tuple[LesionPart, ...]:
    """Take lesions apart.

    Args:
        labels: label map.
        values: of the lesion classes.

    Returns:
        By class, the largest first.
    """
    parts: list[LesionPart] = []
    for value in values:
        for found in components(labels.array == value):
            index = found.index
            center = central_point(index, labels)
            parts.append(LesionPart(value, found.number, index, found.voxels * labels.grid.voxel_ml, center))
    return tuple(parts)


def central_point(index: np.ndarray, labels: Volume) -> Triple:
    """Of voxels (n, 3) as (k, j, i), the one nearest to their centre of mass, LPS mm."""
    points = labels.grid.points(index[:, ::-1])
    nearest = np.argmin(np.linalg.norm(points - points.mean(axis=0), axis=1))
    x, y, z = points[nearest].tolist()
    return x, y, z
