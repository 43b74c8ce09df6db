"""The classes of a data set, and its label values as what the network is trained on."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ...errors import InputError

_SIDED = re.compile(r"^(left|right|l|r)[ _-]+(.+)$|^(.+?)[ _-]+(left|right|l|r)$", re.IGNORECASE)

MOST_VOXELS = 2000
"""Voxels of each class that are remembered."""


@dataclass(frozen=True)
class LabelClass:
    """A structure in the label maps of a data set.

    Args:
        name: of the structure, without a side.
        value: its label value; None for a pair.
        left: label value on the patient's left; None unless it is a pair.
        right: label value on the patient's right.
        lesion: it belongs to the lesion output, not to the structures.

    Raises:
        InputError: neither one value nor a pair, a value below 1 or above 65535, or a lesion that is a pair.
    """

    name: str
    value: int | None = None
    left: int | None = None
    right: int | None = None
    lesion: bool = False

    def __post_init__(self) -> None:
        pair = self.left is not None and self.right is not None
        if pair == (self.value is not None) or (self.left is None) != (self.right is None) or (pair and self.lesion):
            raise InputError(
                f"The class {self.name!r} needs either one label value or a left and a right one.",
                "Give value, or left and right; a lesion has one value.",
            )
        if not all(0 < value < 65536 for value in self.values):
            raise InputError(
                f"The class {self.name!r} has the label value {self.values}.", "Use 1 to 65535; 0 is the background."
            )

    @property
    def values(self) -> tuple[int, ...]:
        """One label value, or the left and the right one."""
        return tuple(value for value in (self.value, self.left, self.right) if value is not None)

    @property
    def paired(self) -> bool:
        return self.left is not None


def check_classes(classes: Sequence[LabelClass]) -> None:
    """Refuse names or label values that occur twice.

    Raises:
        InputError: with the value or name.
    """
    names, values = [entry.name for entry in classes], [value for entry in classes for value in entry.values]
    doubled = [f"name {name!r}" for name in names if names.count(name) > 1]
    doubled += [f"label value {value}" for value in values if values.count(value) > 1]
    if doubled:
        raise InputError(f"The {doubled[0]} is used by two classes.", "Give each class one of its own.")


def pair_sides(values: Mapping[str, int]) -> tuple[LabelClass, ...]:
    """Classes from names and label values, left and right of the same structure as one.

    A name may carry its side in front or behind (``"left kidney"``, ``"kidney_right"``); without the other side it
    stays a class of its own.

    Example:
        >>> [c.name for c in pair_sides({"left kidney": 1, "right kidney": 2, "left atrium": 3})]
        ['kidney', 'left atrium']
    """
    sides: dict[str, dict[str, str]] = {}
    for name in values:
        side, structure = _side_of(name)
        if side:
            sides.setdefault(structure, {})[side] = name
    pairs = {structure: found for structure, found in sides.items() if len(found) == 2 and structure not in values}
    classes, done = [], set()
    for name, value in values.items():
        _, structure = _side_of(name)
        if structure not in pairs:
            classes.append(LabelClass(name, value))
        elif structure not in done:
            done.add(structure)
            found = pairs[structure]
            classes.append(LabelClass(structure, left=values[found["left"]], right=values[found["right"]]))
    return tuple(classes)


def _side_of(name: str) -> tuple[str, str]:
    """``("left" or "right" or "", structure)``."""
    match = _SIDED.match(name.strip())
    if not match:
        return "", name
    side, structure = (match[1], match[2]) if match[1] else (match[4], match[3])
    return ("left" if side.lower().startswith("l") else "right"), structure.strip().lower()


@dataclass(frozen=True)
class Truth:
    """What the network is trained on, each (k, j, i).

    Args:
        channel: uint8, 0 for background and for lesions.
        side: int8, +1 on the patient's left, -1 right, 0 where no pair is.
        lesion: bool.
    """

    channel: np.ndarray
    side: np.ndarray
    lesion: np.ndarray


def structures(classes: Iterable[LabelClass]) -> tuple[LabelClass, ...]:
    """The classes that have a channel, in the order of the channels from 1."""
    return tuple(entry for entry in classes if not entry.lesion)


def truth_of(labels: np.ndarray, classes: Sequence[LabelClass]) -> Truth:
    """Turn label values into channels, sides and lesions.

    Args:
        labels: whole numbers (k, j, i); values of no class count as background.
        classes: at most 255 structures.

    Raises:
        InputError: more structures than that.
    """
    if len(structures(classes)) > 255:
        raise InputError(f"The data set has {len(structures(classes))} classes.", "Train on at most 255.")
    size = max([int(labels.max(initial=0)), *(value for entry in classes for value in entry.values)]) + 1
    channel, side, lesion = np.zeros(size, np.uint8), np.zeros(size, np.int8), np.zeros(size, bool)
    for number, entry in enumerate(structures(classes), start=1):
        channel[list(entry.values)] = number
        if entry.left is not None and entry.right is not None:
            side[entry.left], side[entry.right] = 1, -1
    for entry in classes:
        lesion[list(entry.values)] = entry.lesion
    known = np.where(labels > 0, labels, 0)
    return Truth(channel[known], side[known], lesion[known])


def class_voxels(truth: np.ndarray) -> np.ndarray:
    """Voxels of every class, up to 2000 evenly taken from each, for crops around them.

    Args:
        truth: (3, D, H, W): channel, side, lesion.

    Returns:
        (n, 4) int32: the channel, or -1 for lesions, and the voxel (k, j, i).
    """
    found = [np.zeros((0, 4), np.int32)]
    masks = {int(number): truth[0] == number for number in np.unique(truth[0]) if number}
    masks |= {-1: truth[2] > 0} if truth[2].any() else {}
    for number, mask in masks.items():
        index = np.argwhere(mask)
        index = index[np.linspace(0, len(index) - 1, min(len(index), MOST_VOXELS)).astype(int)]
        found.append(np.column_stack([np.full(len(index), number), index]).astype(np.int32))
    return np.concatenate(found)
