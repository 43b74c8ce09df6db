"""Measures as CSV tables: one row a structure, a lesion, a change."""

from __future__ import annotations

import csv
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from ..errors import OutputError
from ..images.units import Unit
from .change import Change
from .intensities import STATISTICS, Intensity
from .lesions import Lesion
from .measurements import Measurement

Row = dict[str, str]

STRUCTURE_HEAD = ("name", "value", "voxels", "volume_ml", "extent_rl_mm", "extent_ap_mm", "extent_fh_mm")
FIRST = ("mean", "sd", "median")
"""Statistics that stand before the others, modality by modality."""

LESION_HEAD = (
    *("name", "structure", "number", "value", "voxels", "volume_ml", "longest_diameter_mm"),
    *("in_plane_diameter_mm", "perpendicular_mm", "product_mm2", "plane", "slice", "surface_mm2", "sphericity"),
    *("side", "location", "location_share", "nearest", "nearest_mm", "center_l_mm", "center_p_mm", "center_s_mm"),
)
CHANGE_HEAD = (
    *("change", "now", "earlier", "volume_ml", "earlier_volume_ml", "volume_change_percent"),
    *("in_plane_diameter_mm", "earlier_in_plane_diameter_mm", "product_mm2", "earlier_product_mm2"),
)


def structure_rows(
    measurements: Sequence[Measurement],
    lesions: Sequence[Lesion] = (),
    units: Mapping[str, Unit] | None = None,
    uncertainty: Mapping[str, object] | None = None,
) -> tuple[list[str], list[Row]]:
    """Titles and rows of ``measurements.csv``.

    Args:
        measurements: of the structures.
        lesions: the single lesions, which are counted and of which the longest diameter is told.
        units: of the modalities, told in columns of their own.
        uncertainty: content of ``uncertainty/summary.json``: its intervals of volumes become columns.
    """
    modalities = list(dict.fromkeys(name for row in measurements for name in row.intensities))
    head = [*STRUCTURE_HEAD, *(f"{what}_{name}" for name in modalities for what in FIRST)]
    head += ["components", "longest_diameter_mm"]
    head += [f"{what}_{name}" for name in modalities for what in STATISTICS if what not in FIRST]
    head += [f"unit_{name}" for name in modalities if units] + ["asymmetry_percent"]
    intervals = volume_intervals(uncertainty or {})
    head += ["low_ml", "high_ml"] if intervals else []
    rows = []
    for row in measurements:
        parts = [lesion.longest_diameter_mm for lesion in lesions if lesion.value == row.value]
        cells = {"name": row.name, "value": str(row.value), "voxels": str(row.voxels)}
        cells |= {"volume_ml": f"{row.volume_ml:.4f}"} | _intensity_cells(row.intensities, units)
        cells |= {f"extent_{axis}_mm": f"{mm:.2f}" for axis, mm in zip(("rl", "ap", "fh"), row.extent_mm, strict=True)}
        cells |= {"asymmetry_percent": _number(row.asymmetry_percent, 1)}
        if parts:
            cells |= {"components": str(len(parts)), "longest_diameter_mm": f"{max(parts):.2f}"}
        if row.value in intervals:
            low, high = intervals[row.value]
            cells |= {"low_ml": f"{low:.4f}", "high_ml": f"{high:.4f}"}
        rows.append(cells)
    return head, rows


def lesion_rows(
    lesions: Sequence[Lesion], units: Mapping[str, Unit] | None = None, changes: Sequence[Change] | None = None
) -> tuple[list[str], list[Row]]:
    """Titles and rows of ``lesions.csv``.

    Args:
        lesions: the single lesions.
        units: of the modalities.
        changes: against an earlier run, if there is one.
    """
    modalities = list(dict.fromkeys(name for lesion in lesions for name in lesion.intensities))
    at_risk = list(dict.fromkeys(name for lesion in lesions for name in lesion.distances))
    head = [*LESION_HEAD, *(_distance_title(name) for name in at_risk)]
    head += [f"{what}_{name}" for name in modalities for what in STATISTICS]
    head += [f"unit_{name}" for name in modalities if units]
    head += ["enhancement_percent"] if {"T1", "T1C"} <= set(modalities) else []
    head += ["change", "earlier_volume_ml", "volume_change_percent"] if changes is not None else []
    became = {lesion.name: change for change in changes or () for lesion in change.now}
    return head, [_lesion_cells(lesion, units) | _became(became.get(lesion.name)) for lesion in lesions]


def change_rows(changes: Sequence[Change]) -> tuple[list[str], list[Row]]:
    """Titles and rows of ``changes.csv``: every lesion of both runs once, merged or parted ones together."""
    rows = []
    for change in changes:
        sides = (("", change.now), ("earlier_", change.earlier))
        cells = _became(change) | {
            "now": "; ".join(lesion.name for lesion in change.now),
            "earlier": "; ".join(lesion.name for lesion in change.earlier),
        }
        for prefix, lesions in sides:
            if lesions:
                cells[f"{prefix}volume_ml"] = f"{sum(lesion.volume_ml for lesion in lesions):.4f}"
                longest = max(lesions, key=lambda lesion: lesion.in_plane.longest_mm).in_plane
                cells[f"{prefix}in_plane_diameter_mm"] = f"{longest.longest_mm:.2f}"
                cells[f"{prefix}product_mm2"] = f"{longest.product_mm2:.1f}"
        rows.append(cells)
    return list(CHANGE_HEAD), rows


def volume_intervals(summary: Mapping[str, object]) -> dict[int, tuple[float, float]]:
    """Low and high volume (ml) by label value, as ``uncertainty/summary.json`` tells them; empty if it does not."""
    volumes = summary.get("volumes")
    if not isinstance(volumes, Mapping):
        return {}
    return {int(value): (float(entry["low_ml"]), float(entry["high_ml"])) for value, entry in volumes.items()}


def write_table(table: tuple[Sequence[str], Sequence[Mapping[str, str]]], path: Path | str) -> None:
    """Write titles and rows as CSV: to a temporary file, then renamed; cells that a row lacks stay empty.

    Raises:
        OutputError: the file cannot be written.
    """
    path = Path(path)
    head, rows = table
    temporary = ""
    try:
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        with os.fdopen(handle, "w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, head, restval="")
            writer.writeheader()
            writer.writerows(rows)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except OSError as error:
        if temporary:
            Path(temporary).unlink(missing_ok=True)
        raise OutputError(
            f"Cannot write {path}: {error.strerror}.", "Choose a writable folder with enough space."
        ) from error


def write_measurements(rows: Sequence[Measurement], path: Path | str) -> None:
    """Write what :func:`~MultimodalSegLib.report.measurements.measure` gives as CSV, one row a structure.

    Raises:
        OutputError: the file cannot be written.
    """
    write_table(structure_rows(rows), path)


def _lesion_cells(lesion: Lesion, units: Mapping[str, Unit] | None) -> Row:
    where, flat = lesion.location, lesion.in_plane
    cells = {
        "name": lesion.name,
        "structure": lesion.structure,
        "number": str(lesion.number),
        "value": str(lesion.value),
        "voxels": str(lesion.component.voxels),
        "volume_ml": f"{lesion.volume_ml:.4f}",
        "longest_diameter_mm": f"{lesion.longest_diameter_mm:.2f}",
        "in_plane_diameter_mm": f"{flat.longest_mm:.2f}",
        "perpendicular_mm": f"{flat.perpendicular_mm:.2f}",
        "product_mm2": f"{flat.product_mm2:.1f}",
        "plane": flat.plane,
        "slice": str(flat.slice_index),
        "surface_mm2": f"{lesion.surface.area_mm2:.1f}",
        "sphericity": f"{lesion.surface.sphericity:.3f}",
        "side": where.side,
        "location": "; ".join(name for name, _ in where.structures),
        "location_share": "; ".join(f"{share:.2f}" for _, share in where.structures),
        "nearest": where.nearest,
        "nearest_mm": _number(where.nearest_mm, 1),
    }
    if lesion.enhancement_percent is not None:
        cells["enhancement_percent"] = f"{lesion.enhancement_percent:.1f}"
    cells |= {f"center_{axis}_mm": f"{mm:.1f}" for axis, mm in zip("lps", lesion.center, strict=True)}
    cells |= {_distance_title(name): _number(mm, 1) for name, mm in lesion.distances.items()}
    return cells | _intensity_cells(lesion.intensities, units)


def _intensity_cells(intensities: Mapping[str, Intensity], units: Mapping[str, Unit] | None) -> Row:
    cells = {f"{what}_{name}": f"{getattr(one, what):.4g}" for name, one in intensities.items() for what in STATISTICS}
    return cells | {f"unit_{name}": units[name].name for name in intensities if units}


def _became(change: Change | None) -> Row:
    if change is None:
        return {}
    earlier = sum(lesion.volume_ml for lesion in change.earlier)
    return {
        "change": change.kind,
        "earlier_volume_ml": f"{earlier:.4f}" if change.earlier else "",
        "volume_change_percent": _number(change.volume_percent, 1),
    }


def _distance_title(name: str) -> str:
    return f"distance_to_{name.lower().replace(' ', '_')}_mm"


def _number(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f}"
