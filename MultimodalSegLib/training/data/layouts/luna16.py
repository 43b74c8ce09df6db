"""The layout of LUNA16: ``subset0/SERIES.mhd`` with ``SERIES.raw``, and ``annotations.csv`` with nodules.

Source: Setio et al., Med Image Anal 42:1-13 (2017). The nodules become spheres of the given diameter.
"""

from __future__ import annotations

import csv
from pathlib import Path

from ....errors import InputError
from ..case import ImageFile, TrainingCase
from ..classes import LabelClass
from ..labels import Sphere, Spheres

LOOKED_FOR = "annotations.csv with seriesuid, coordX, coordY, coordZ, diameter_mm, and .mhd files (LUNA16)"
TABLE = "annotations.csv"
COLUMNS = ("coordX", "coordY", "coordZ", "diameter_mm")


def fits(path: Path) -> bool:
    """Whether a folder has this layout."""
    return (path / TABLE).is_file() and next(path.rglob("*.mhd"), None) is not None


def find(path: Path) -> list[TrainingCase]:
    """Every scan, each counted as a patient of its own; one that the table does not list has no nodule.

    Raises:
        InputError: the table cannot be understood.
    """
    nodules = _nodules(path / TABLE)
    scans = sorted(path.rglob("*.mhd"))
    return [
        TrainingCase(scan.stem, scan.stem, {"CT": ImageFile(scan)}, Spheres(tuple(nodules.get(scan.stem, ()))))
        for scan in scans
    ]


def classes(path: Path) -> tuple[LabelClass, ...]:
    """Nodules alone."""
    return (LabelClass("nodule", 1),)


def _nodules(table: Path) -> dict[str, list[Sphere]]:
    """Spheres by series; the coordinates are ITK's, LPS millimetres."""
    found: dict[str, list[Sphere]] = {}
    try:
        with table.open(newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                x, y, z, diameter = (float(row[name]) for name in COLUMNS)
                found.setdefault(row["seriesuid"], []).append((x, y, z, diameter))
    except (OSError, KeyError, ValueError, TypeError) as error:
        raise InputError(
            f"{table} cannot be understood ({type(error).__name__}: {error}).", f"It needs {', '.join(COLUMNS)}."
        ) from error
    return found
