"""Landmarks that a person set in both volumes: a start for a registration, and a check of its result."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from scipy.spatial.transform import Rotation

from ..errors import InputError
from ..images.resample import map_points

LEAST, LEAST_SPREAD_MM = 3, 5.0
"""Landmarks that a rigid transform needs, and how far from one line they must reach (root mean square)."""

FORMS = "Give Slicer's .mrk.json or .fcsv, or a CSV with the columns label, x, y, z (LPS mm)."
TO_LPS = {"LPS": (1.0, 1.0, 1.0), "1": (1.0, 1.0, 1.0), "RAS": (-1.0, -1.0, 1.0), "0": (-1.0, -1.0, 1.0)}


@dataclass(frozen=True)
class Landmarks:
    """Pairs of points, the same places in both volumes.

    Args:
        fixed: (n, 3) LPS mm in the fixed volume.
        moving: (n, 3) LPS mm in the moving volume.
    """

    fixed: np.ndarray
    moving: np.ndarray

    def transform(self) -> sitk.Euler3DTransform:
        """The rigid transform (fixed to moving points) with the least squared error, in closed form.

        Source: Kabsch, Acta Cryst A32:922 (1976); Arun, Huang and Blostein, IEEE PAMI 9:698 (1987).

        Raises:
            InputError: fewer than three landmarks, or all of them near one line.
        """
        if len(self.fixed) < LEAST:
            raise InputError(f"There are only {len(self.fixed)} pairs of landmarks.", "Set at least three.")
        middles = self.fixed.mean(axis=0), self.moving.mean(axis=0)
        centered = self.fixed - middles[0], self.moving - middles[1]
        if (
            min(np.linalg.svd(points, compute_uv=False)[1] for points in centered)
            < LEAST_SPREAD_MM * len(self.fixed) ** 0.5
        ):
            raise InputError("The landmarks lie near one line.", "Add one that is far from that line.")
        rotation, _ = Rotation.align_vectors(centered[1], centered[0])
        found = sitk.Euler3DTransform()
        found.SetCenter(middles[0].tolist())
        found.SetMatrix(rotation.as_matrix().ravel().tolist())
        found.SetTranslation((middles[1] - middles[0]).tolist())
        return found

    def error(self, transform: sitk.Transform) -> tuple[float, float]:
        """Mean and largest distance (mm) between where a transform puts the fixed points and the moving points."""
        apart = np.linalg.norm(map_points(transform, self.fixed) - self.moving, axis=1)
        return float(apart.mean()), float(apart.max())


def read_landmarks(fixed: Path, moving: Path) -> Landmarks:
    """Pairs of landmarks from two files: by their labels if both have the same ones, else by their order.

    Args:
        fixed: points in the fixed volume; ``.mrk.json`` or ``.fcsv`` of Slicer, or a CSV (see :func:`read_points`).
        moving: the same places in the moving volume.

    Raises:
        InputError: a file cannot be used, or the two do not belong together.

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
    if len(set(labels)) == len(labels) and set(labels) == set(others):
        there = there[[others.index(label) for label in labels]]
    return Landmarks(here, there)


def read_points(path: Path) -> tuple[list[str], np.ndarray]:
    """Labels and points (n, 3), LPS mm, of a file of landmarks.

    A CSV has a head line: ``label, x, y, z`` or ``label, l, p, s`` for LPS, ``label, r, a, s`` for RAS.

    Raises:
        InputError: the file is missing, of no known form, has no point, or numbers that are not finite.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        if path.name.lower().endswith(".json"):
            labels, points = _markups(json.loads(text))
        elif path.suffix.lower() == ".fcsv":
            labels, points = _fcsv(text)
        else:
            labels, points = _csv(text)
    except (OSError, UnicodeDecodeError, ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        raise InputError(f"{path} is not a file of landmarks ({error}).", FORMS) from error
    if not len(points) or not np.isfinite(points).all():
        raise InputError(f"{path} has {'no landmark' if not len(points) else 'numbers that are not finite'}.", FORMS)
    return labels, points


def _markups(content: Mapping) -> tuple[list[str], np.ndarray]:
    """Slicer's markups; points that are only announced are left out."""
    markup = content["markups"][0]
    points = [p for p in markup["controlPoints"] if p.get("positionStatus", "defined") == "defined"]
    sign = TO_LPS[markup.get("coordinateSystem", "LPS")]
    return [str(p.get("label", "")) for p in points], _points([p["position"] for p in points], sign)


def _fcsv(text: str) -> tuple[list[str], np.ndarray]:
    """Slicer's older form; without a word about it, points are RAS."""
    comments = [line[1:].strip() for line in text.splitlines() if line.startswith("#")]
    said = dict(line.split("=", 1) for line in comments if "=" in line)
    said = {key.strip(): value.strip() for key, value in said.items()}
    columns = [name.strip() for name in said.get("columns", "id,x,y,z,ow,ox,oy,oz,vis,sel,lock,label").split(",")]
    rows = [row for row in csv.reader(line for line in text.splitlines() if line and not line.startswith("#"))]
    first, label = columns.index("x"), columns.index("label")
    sign = TO_LPS[said.get("CoordinateSystem", "RAS")]
    return [row[label] for row in rows], _points([row[first : first + 3] for row in rows], sign)


def _csv(text: str) -> tuple[list[str], np.ndarray]:
    rows = list(csv.DictReader(text.splitlines(), skipinitialspace=True))
    names = {name.strip().lower(): name for name in (rows[0] if rows else {})}
    for axes, space in (("xyz", "LPS"), ("lps", "LPS"), ("ras", "RAS")):
        if set(axes) <= set(names):
            points = [[row[names[axis]] for axis in axes] for row in rows]
            return [row.get(names.get("label", ""), "") for row in rows], _points(points, TO_LPS[space])
    raise ValueError("no columns x, y, z")


def _points(rows: Sequence[Sequence[float | str]], sign: tuple[float, ...]) -> np.ndarray:
    return np.array([[float(value) for value in row] for row in rows], float).reshape(-1, 3) * sign
