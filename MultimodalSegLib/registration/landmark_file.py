"""Pairs of landmarks from two files."""

from __future__ import annotations

from pathlib import Path

from ..errors import InputError
from ..images.point_file import read_points
from .landmarks import Landmarks, paired


def read_landmarks(fixed: Path, moving: Path) -> Landmarks:
    """Pairs of landmarks from two files: by their labels if both have the same ones, else by their order.

    Args:
        fixed: points in the fixed volume; ``.mrk.json`` or ``.fcsv`` of Slicer, or a CSV, see
            :func:`~MultimodalSegLib.images.point_file.read_points`.
        moving: the same places in the moving volume.

    Raises:
        InputError: a file cannot be used, the two do not belong together, or no rigid transform follows from them.

    Example:
        >>> pairs = read_landmarks(Path("ct.mrk.json"), Path("t1.mrk.json"))
        >>> register(ct, t1, initial=pairs.transform())
    """
    (labels, here), (others, there) = read_points(fixed), read_points(moving)
    if len(here) != len(there):
        raise InputError(
            f"{fixed.name} has {len(here)} points and {moving.name} {len(there)}.",
            "Set every landmark in both volumes.",
        )
    pairs = paired((labels, here), (others, there))
    pairs.check()
    return pairs
