"""Points that a person set, from files: Slicer's markups, old and new, and tables."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from ..errors import InputError

ENDINGS = (".json", ".fcsv", ".csv")
FORMS = "Give Slicer's .mrk.json or .fcsv, or a CSV with the columns label, x, y, z (LPS mm)."
TO_LPS = {"LPS": (1.0, 1.0, 1.0), "1": (1.0, 1.0, 1.0), "RAS": (-1.0, -1.0, 1.0), "0": (-1.0, -1.0, 1.0)}


def write_points(points: np.ndarray, path: Path) -> None:
    """Write points (n, 3), LPS mm, as a CSV that :func:`read_points` takes; their labels are their numbers.

    Raises:
        OSError: the file cannot be written.
    """
    rows = [f"{n},{x!r},{y!r},{z!r}\n" for n, (x, y, z) in enumerate(points.astype(float).tolist(), start=1)]
    path.write_text("label,x,y,z\n" + "".join(rows), encoding="utf-8")


def read_points(path: Path) -> tuple[list[str], np.ndarray]:
    """Labels and points (n, 3), LPS mm, of a file.

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
        raise InputError(f"{path} is not a file of points ({error}).", FORMS) from error
    if not len(points) or not np.isfinite(points).all():
        raise InputError(f"{path} has {'no point' if not len(points) else 'numbers that are not finite'}.", FORMS)
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
