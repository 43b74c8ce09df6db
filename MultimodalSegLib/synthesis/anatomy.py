"""Label maps of whole heads, and what each of their numbers means to the network."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk

from ..errors import InputError
from ..images.grid import Grid
from ..images.io import read_labels

LABELS: tuple[int, ...] = (
    0,
    2,
    3,
    4,
    5,
    7,
    8,
    10,
    11,
    12,
    13,
    14,
    15,
    16,
    17,
    18,
    24,
    25,
    26,
    28,
    30,
    41,
    42,
    43,
    44,
    46,
    47,
    49,
    50,
)
LABELS += (51, 52, 53, 54, 57, 58, 60, 62, 72, 85, 136, 137, 163, 164, 502, 506, 507, 508, 509, 511, 512, 514, 515)
LABELS += (516, 530)
"""Numbers of the SynthSeg training label maps; a *code* is a position in this tuple, so that a map fits one byte."""

WHITE_MATTER = (2, 41, 25, 57, 7, 46)
GRAY_MATTER = (3, 42, 8, 47, 10, 49, 11, 50, 12, 51, 13, 52, 17, 53, 18, 54, 26, 58, 28, 60)
BRAIN = (*WHITE_MATTER, *GRAY_MATTER, 16, 30, 62, 4, 43, 5, 44, 136, 163, 137, 164, 14, 72, 15)
"""Everything a skull-stripped image keeps, ventricles included."""


@dataclass(frozen=True)
class Anatomy:
    """A label map in canonical orientation.

    Args:
        codes: uint8 positions in :data:`LABELS`, shape (k, j, i).
        grid: its grid; direction is the identity (axes run to Left, Posterior, Superior).
        center: middle of the head in LPS millimetres.
    """

    codes: np.ndarray
    grid: Grid
    center: tuple[float, float, float]


def load_anatomy(path: Path | str) -> Anatomy:
    """Read a SynthSeg-style label map and turn it to canonical orientation.

    Raises:
        InputError: the file cannot be used, or a value is not in :data:`LABELS`.
    """
    image = sitk.DICOMOrient(read_labels(path).to_sitk(), "LPS")
    values = sitk.GetArrayFromImage(image).astype(np.int64)
    table = np.full(int(max(values.max(), max(LABELS))) + 1, 255, np.uint8)
    table[list(LABELS)] = np.arange(len(LABELS))
    codes = table[values]
    if (codes == 255).any():
        unknown = int(values[codes == 255][0])
        raise InputError(
            f"{path}: label {unknown} is not one of the known head labels.",
            "Convert the map to the numbers listed in Resources/terminology/head.json.",
        )
    direction = tuple(float(round(v)) for v in image.GetDirection())
    grid = Grid(image.GetSize(), image.GetSpacing(), image.GetOrigin(), direction)
    inside = np.argwhere(codes[::2, ::2, ::2] > 0) * 2
    middle = (inside.min(0) + inside.max(0))[::-1] / 2.0
    center = np.asarray(grid.origin) + middle * np.asarray(grid.spacing)
    return Anatomy(codes, grid, (float(center[0]), float(center[1]), float(center[2])))


@cache
def head_classes() -> Mapping[str, Any]:
    """The shipped table of structures: ``classes`` (index = network channel) and ``lesion``."""
    from ..resources import resource

    table: Mapping[str, Any] = json.loads(resource("terminology/head.json").read_text(encoding="utf-8"))
    return table


@cache
def code_to_channel() -> np.ndarray:
    """Network channel of each code, uint8 of shape (len(LABELS),)."""
    channel = np.zeros(len(LABELS), np.uint8)
    for index, entry in enumerate(head_classes()["classes"]):
        for label in entry["labels"]:
            channel[LABELS.index(label)] = index
    return channel


@cache
def code_to_side() -> np.ndarray:
    """+1 for codes of the patient's left, -1 for the right, 0 for unpaired ones; int8."""
    side = np.zeros(len(LABELS), np.int8)
    for entry in head_classes()["classes"]:
        for name, sign in (("left", 1), ("right", -1)):
            for label in entry.get(name, {}).get("labels", ()):
                side[LABELS.index(label)] = sign
    return side


def membership(labels: tuple[int, ...]) -> np.ndarray:
    """Lookup by code, bool of shape (len(LABELS),): is the code's label among ``labels``?"""
    return np.isin(LABELS, labels)
