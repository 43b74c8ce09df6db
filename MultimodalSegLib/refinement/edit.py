"""A corrected object put into a label map, without taking from its neighbors unless that is allowed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Edit:
    """One change of one segment.

    Args:
        labels: the label map after it.
        added: voxels that the segment gained.
        removed: voxels that it lost; they are background now.
        withheld: by label value of the neighbor, voxels of the object that it kept.
    """

    labels: np.ndarray
    added: int
    removed: int
    withheld: dict[int, int]


def put(labels: np.ndarray, value: int, mask: np.ndarray, *, allow_overwrite: bool = False) -> Edit:
    """Make a segment what a mask says.

    Args:
        labels: label map (k, j, i), unsigned; it stays as it is.
        value: of the segment.
        mask: bool, the whole object.
        allow_overwrite: take voxels that belong to other segments.

    Example:
        >>> labels = np.array([0, 5, 7, 7], np.uint16)
        >>> edit = put(labels, 7, np.array([True, True, True, False]))
        >>> edit.labels.tolist(), edit.withheld
        ([7, 5, 7, 0], {5: 1})
    """
    mine = labels == value
    others = mask & ~mine & (labels > 0)
    values, counts = np.unique(labels[others], return_counts=True)
    taken = mask if allow_overwrite else mask & ~others
    result = labels.copy()
    result[mine & ~mask] = 0
    result[taken] = value
    withheld = {} if allow_overwrite else dict(zip(values.tolist(), counts.tolist(), strict=True))
    return Edit(result, int((taken & ~mine).sum()), int((mine & ~mask).sum()), withheld)
