"""How far every lesion is from the structures that must not be harmed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree

from ..errors import InputError
from ..images.grid import Grid
from ..inference.components import Component
from ..models.classes import SegmentClass
from .location import gaps_mm

USUAL = ("brain stem", "brainstem", "optic", "hippocampus")
"""Parts of the names of structures at risk, unless others are chosen."""

FACES = ndimage.generate_binary_structure(3, 1)


def structures_at_risk(classes: Sequence[SegmentClass], chosen: Sequence[str] = ()) -> tuple[SegmentClass, ...]:
    """The classes that are meant.

    Args:
        classes: every class of the model.
        chosen: names or parts of names, in any case, such as ``"hippocampus"`` for both sides; none for the usual ones
            as far as the model knows them.

    Raises:
        InputError: a chosen name is in no class.
    """
    places = [entry for entry in classes if entry.group != "lesion"]
    for name in chosen:
        if not any(name.lower() in entry.name.lower() for entry in places):
            known = ", ".join(entry.name for entry in places)
            raise InputError(f"The model has no structure {name!r}.", f"Choose among: {known}.")
    wanted = [name.lower() for name in chosen or USUAL]
    return tuple(entry for entry in places if any(name in entry.name.lower() for name in wanted))


def distances_at_risk(
    lesions: Sequence[Component], where: Mapping[int, np.ndarray], grid: Grid, at_risk: Sequence[SegmentClass]
) -> list[dict[str, float]]:
    """Distance (mm) between the surfaces of each lesion and of each structure at risk, 0 where they touch.

    Args:
        lesions: the lesions.
        where: by value the flat indices of the structure's voxels.
        grid: of the labels.
        at_risk: the structures; those without a voxel have no distance.

    Returns:
        For each lesion the distances by the structure's name.
    """
    found: list[dict[str, float]] = [{} for _ in lesions]
    if not lesions:
        return found
    spacing = np.asarray(grid.spacing)[::-1]
    borders = [_border(part.mask) + [side.start for side in part.box] for part in lesions]
    starts = np.cumsum([0, *(len(border) for border in borders)])
    points = np.concatenate(borders)
    for entry in at_risk:
        if entry.value not in where:
            continue
        structure = np.stack(np.unravel_index(where[entry.value], grid.shape), axis=-1)
        distance, nearest = cKDTree(structure * spacing).query(points * spacing)
        for number, (start, stop) in enumerate(zip(starts[:-1], starts[1:], strict=True)):
            closest = start + int(distance[start:stop].argmin())
            found[number][entry.name] = float(gaps_mm(points[closest], structure[nearest[closest]], spacing))
    return found


def _border(mask: np.ndarray) -> np.ndarray:
    """Voxels with a face on the outside, (n, 3) indices."""
    return np.argwhere(mask & ~ndimage.binary_erosion(mask, FACES))
