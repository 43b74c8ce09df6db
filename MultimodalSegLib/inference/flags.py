"""What makes a result doubtful, each as one sentence for the user."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..images.grid import Grid
from ..images.volume import Volume
from ..models.classes import SegmentClass

OUT_OF_DISTRIBUTION = "out-of-distribution"
CUT = "cut-field-of-view"
MISREGISTRATION = "misregistration"
ASYMMETRY = "asymmetry"
CODES = (OUT_OF_DISTRIBUTION, CUT, MISREGISTRATION, ASYMMETRY)

CUT_MM2 = 100.0
"""A structure that fills this much of a face of the field of view is cut there."""

SURROUNDINGS = ("bone", "soft tissue")
"""Groups that go on beyond most fields of view: their being cut is told, but is no warning."""

BELOW = (*SURROUNDINGS, "csf")
"""Groups that go on toward the feet in everyone."""

APART_MM = 6.0
LEAST_DICE = 0.6
"""Modalities that, taken alone, put the same structures farther apart or overlapping less may be misregistered."""

USUAL_ASYMMETRY = {"csf": 0.8}
ANY_ASYMMETRY = 0.4
"""Difference of left and right, as a share of their mean, that a model without figures of its own takes as usual."""

LEAST_ML = 0.3
"""Pairs with a smaller mean volume are not compared: a few voxels decide."""


@dataclass(frozen=True)
class Flag:
    """One thing to be careful about.

    Args:
        code: one of :data:`CODES`.
        level: ``"info"``, ``"warning"`` or ``"alarm"``.
        sentence: for the user.
    """

    code: str
    level: str
    sentence: str


@dataclass(frozen=True)
class Estimate:
    """A volume, ml, and the interval in which it is likely to be."""

    ml: float
    low_ml: float
    high_ml: float


def out_of_distribution(distance: float, limit: float) -> list[Flag]:
    """A case unlike those for which the model was made; an alarm from twice the limit on."""
    if distance <= limit:
        return []
    level = "alarm" if distance > 2 * limit else "warning"
    return [
        Flag(
            OUT_OF_DISTRIBUTION,
            level,
            f"What was found is not made up as in the cases that the model was made for (distance {distance:.1f}, "
            f"up to {limit:.1f} is usual); the result may be wrong everywhere.",
        )
    ]


def cut_field_of_view(labels: Volume, classes: Sequence[SegmentClass]) -> list[Flag]:
    """Structures that reach the border of the reference volume, one flag for each border."""
    found = []
    for where, face, unit in _faces(labels):
        area = np.bincount(face.ravel(), minlength=1) * unit
        cut = [c for c in classes if c.value < len(area) and area[c.value] >= CUT_MM2]
        cut = [c for c in cut if not (where == "bottom" and c.group in BELOW)]
        inner = [c for c in cut if c.group not in SURROUNDINGS]
        if cut:
            names = _listed([c.name for c in sorted(inner or cut, key=lambda c: -area[c.value])])
            sentence = f"The field of view ends at the {where} inside {names}: what lies beyond is in no measurement."
            found.append(Flag(CUT, "warning" if inner else "info", sentence))
    return found


def misregistered(sentence: str, light: str) -> Flag:
    """An alignment that may be wrong; an alarm where its estimated error is red.

    Args:
        sentence: from :func:`MultimodalSegLib.registration.register.registration_warnings`.
        light: of the alignment's quality.
    """
    return Flag(MISREGISTRATION, "alarm" if light == "red" else "warning", sentence)


def misplaced(modality: str, reference: str, dice: float, distance_mm: float) -> list[Flag]:
    """Two modalities whose own segmentations do not lie in the same place."""
    if distance_mm <= APART_MM and dice >= LEAST_DICE:
        return []
    return [
        Flag(
            MISREGISTRATION,
            "alarm" if distance_mm > 2 * APART_MM else "warning",
            f"{modality} alone and {reference} alone put the same structures {distance_mm:.0f} mm apart "
            f"(Dice {dice:.2f}): look at their alignment before you use the result.",
        )
    ]


def asymmetries(
    volumes: Mapping[int, Estimate], classes: Sequence[SegmentClass], limits: Mapping[str, float]
) -> list[Flag]:
    """Pairs that differ more than usual; only told where the doubt about both volumes could explain it.

    Args:
        volumes: by label value.
        classes: of the model; names that start with Left and Right are paired.
        limits: by name of a structure without side, from the model.
    """
    by_name, found = {c.name: c for c in classes}, []
    for name, left in by_name.items():
        right = by_name.get(f"Right {name[5:]}") if name.startswith("Left ") else None
        if right is None or not {left.value, right.value} <= set(volumes):
            continue
        a, b = volumes[left.value], volumes[right.value]
        mean = (a.ml + b.ml) / 2
        limit = limits.get(name[5:], USUAL_ASYMMETRY.get(left.group, ANY_ASYMMETRY))
        if mean < LEAST_ML or abs(a.ml - b.ml) / mean <= limit:
            continue
        apart = a.low_ml > b.high_ml or b.low_ml > a.high_ml
        tail = "" if apart else "; the doubt about both volumes could explain it"
        sentence = (
            f"Left and right {name[5:]} differ by {abs(a.ml - b.ml) / mean:.0%} ({a.ml:.1f} and {b.ml:.1f} ml), "
            f"up to {limit:.0%} is usual{tail}."
        )
        found.append(Flag(ASYMMETRY, "warning" if apart else "info", sentence))
    return found


def _faces(labels: Volume) -> list[tuple[str, np.ndarray, float]]:
    """The six faces of a volume: where they lie in the patient, their labels, and mm2 of a voxel there."""
    grid, found = labels.grid, []
    for axis, (i_axis, spacing) in enumerate(zip((2, 1, 0), reversed(grid.spacing), strict=True)):
        unit = float(np.prod(grid.spacing)) / spacing
        for end in (0, -1):
            found.append((_side(grid, i_axis, end), labels.array.take(end, axis), unit))
    return found


def _side(grid: Grid, axis: int, end: int) -> str:
    """The patient's side toward which an axis (i, j, k as 0, 1, 2) begins (0) or ends (-1)."""
    direction = np.asarray(grid.direction).reshape(3, 3)[:, axis] * (-1 if end == 0 else 1)
    nearest = int(np.abs(direction).argmax())
    return (("right", "left"), ("front", "back"), ("bottom", "top"))[nearest][int(direction[nearest] > 0)]


def _listed(names: Sequence[str], most: int = 4) -> str:
    names = [name if name.isupper() else name[:1].lower() + name[1:] for name in names]
    rest = len(names) - most
    return ", ".join(names[:most]) + (f" and {rest} more" if rest > 0 else "")
