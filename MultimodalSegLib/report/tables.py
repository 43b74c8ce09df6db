"""Measures as CSV tables: one row a structure, a lesion, a change."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

from ..errors import OutputError
from ..images.units import Unit
from ..writing import whole_file
from .change import Change
from .intensities import STATISTICS, Intensity
from .lesions import Lesion
from .measurements import Measurement

Row = dict[str, str]

STRUCTURE_HEAD = ("name", "value", "voxels", "volume_ml", "extent_rl_mm", "extent_ap_mm", "extent_fh_mm")
INTERVAL_HEAD = ("low_ml", "high_ml", "interval")
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
        uncertainty: content of ``uncertainty/summary.json``, for :func:`with_intervals`.
    """
    modalities = list(dict.fromkeys(name for row in measurements for name in row.intensities))
    head = [*STRUCTURE_HEAD, *(f"{what}_{name}" for name in modalities for what in FIRST)]
    head += ["components", "longest_diameter_mm"]
    head += [f"{what}_{name}" for name in modalities for what in STATISTICS if what not in FIRST]
    head += [f"unit_{name}" for name in modalities if units] + ["asymmetry_percent"]
    rows = []
    for row in measurements:
        parts = [lesion.longest_diameter_mm for lesion in lesions if lesion.value == row.value]
        cells = {"name": row.name, "value": str(row.value), "voxels": str(row.voxels)}
        cells |= {"volume_ml": f"{row.volume_ml:.4f}"} | _intensity_cells(row.intensities, units)
        cells |= {f"extent_{axis}_mm": f"{mm:.2f}" for axis, mm in zip(("rl", "ap", "fh"), row.extent_mm, strict=True)}
        cells |= {"asymmetry_percent": _number(row.asymmetry_percent, 1)}
        if parts:
            cells |= {"components": str(len(parts)), "longest_diameter_mm": f"{max(parts):.2f}"}
        rows.append(cells)
    return with_intervals((head, rows), uncertainty or {})


def with_intervals(
    table: tuple[Sequence[str], Sequence[Mapping[str, str]]], summary: Mapping[str, object]
) -> tuple[list[str], list[Row]]:
    """A table of structures with the columns ``low_ml``, ``high_ml`` and ``interval``, what these two are.

    Args:
        table: titles and rows; intervals of an earlier summary are replaced.
        summary: content of ``uncertainty/summary.json``.

    Example:
        >>> volumes = {"17": {"low_ml": 3.0, "high_ml": 3.5, "level": None}}
        >>> with_intervals((["value"], [{"value": "17"}]), {"volumes": volumes})[1]
        [{'value': '17', 'low_ml': '3.0000', 'high_ml': '3.5000', 'interval': 'range of the samples'}]
    """
    head, rows = table
    volumes = summary.get("volumes")
    known = volumes if isinstance(volumes, Mapping) else {}
    cells = {
        str(value): {
            "low_ml": f"{float(entry['low_ml']):.4f}",
            "high_ml": f"{float(entry['high_ml']):.4f}",
            "interval": interval_name(entry.get("level")),
        }
        for value, entry in known.items()
    }
    plain = [name for name in head if name not in INTERVAL_HEAD]
    told = [{k: v for k, v in row.items() if k in plain} | cells.get(row["value"], {}) for row in rows]
    if cells:
        place = plain.index("volume_ml") + 1 if "volume_ml" in plain else len(plain)
        plain[place:place] = INTERVAL_HEAD
    return plain, told


def interval_name(level: float | None) -> str:
    """What an interval of a volume is.

    Example:
        >>> interval_name(0.9), interval_name(None)
        ('90 % interval', 'range of the samples')
    """
    return "range of the samples" if level is None else f"{100 * level:.0f} % interval"


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


def read_table(path: Path) -> tuple[list[str], list[Row]]:
    """Titles and rows of a table that :func:`write_table` has written.

    Raises:
        OSError: it cannot be read.
    """
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        return list(reader.fieldnames or ()), list(reader)


def write_table(table: tuple[Sequence[str], Sequence[Mapping[str, str]]], path: Path | str) -> None:
    """Write titles and rows as CSV: to a temporary file, then renamed; cells that a row lacks stay empty.

    Raises:
        OutputError: the file cannot be written.
    """
    path = Path(path)
    head, rows = table
    try:
        with whole_file(path) as partial, partial.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, head, restval="")
            writer.writeheader()
            writer.writerows(rows)
    except OSError as error:
        raise OutputError(
            f"Cannot write {path}: {error.strerror}.", "Choose a writable folder with enough space."
        ) from error


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
