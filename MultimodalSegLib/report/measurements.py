"""Volumes, intensities and extents of what was segmented."""

from __future__ import annotations

import csv
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import ndimage
from scipy.spatial import ConvexHull, QhullError
from scipy.spatial.distance import pdist

from ..errors import OutputError
from ..images.grid import Grid
from ..inference.segmentation import Segmentation
from ..registration.aligned import AlignedCase


@dataclass(frozen=True)
class Intensity:
    """Intensities of one modality inside a structure, in the volume's own unit (HU for CT)."""

    mean: float
    sd: float
    median: float


@dataclass(frozen=True)
class LesionComponent:
    """One connected lesion (voxels that share a face, an edge or a corner).

    Args:
        volume_ml: millilitres.
        longest_diameter_mm: largest distance between two of its voxels, in any direction; 0 for a single voxel.
    """

    volume_ml: float
    longest_diameter_mm: float


@dataclass(frozen=True)
class Measurement:
    """Measures of one structure that is present.

    Args:
        name: shown name.
        value: label value.
        voxels: number of voxels on the reference grid.
        volume_ml: millilitres.
        intensities: by modality, of the volumes on the reference grid.
        extent_mm: size of the box around it along the patient's right-left, front-back and foot-head axes.
        components: for lesions, every connected one, largest first; empty for other structures.
    """

    name: str
    value: int
    voxels: int
    volume_ml: float
    intensities: Mapping[str, Intensity]
    extent_mm: tuple[float, float, float]
    components: tuple[LesionComponent, ...] = ()


def measure(segmentation: Segmentation, aligned: AlignedCase) -> list[Measurement]:
    """Measure every structure that has at least one voxel.

    Args:
        segmentation: a result.
        aligned: the volumes it was made from.

    Returns:
        One row per structure, in the order of ``segmentation.classes``.

    Raises:
        ValueError: the two are not on one grid.
    """
    labels = segmentation.labels
    if labels.grid != aligned.grid:
        raise ValueError("segmentation and volumes are on different grids")
    where = dict(_voxels_by_value(labels.array))
    images = {name: volume.array.ravel() for name, volume in aligned.volumes.items()}
    rows = []
    for entry in segmentation.classes:
        index = where.get(entry.value)
        if index is None:
            continue
        rows.append(
            Measurement(
                name=entry.name,
                value=entry.value,
                voxels=len(index),
                volume_ml=len(index) * labels.grid.voxel_ml,
                intensities={name: _intensity(image[index]) for name, image in images.items()},
                extent_mm=_extent(index, labels.grid),
                components=lesion_components(labels.array == entry.value, labels.grid)
                if entry.group == "lesion"
                else (),
            )
        )
    return rows


def lesion_components(mask: np.ndarray, grid: Grid) -> tuple[LesionComponent, ...]:
    """Volume and longest diameter of each 26-connected part of a (k, j, i) mask, largest first."""
    parts, _ = ndimage.label(mask, np.ones((3, 3, 3), bool))
    found = []
    for n, box in enumerate(ndimage.find_objects(parts), start=1):
        index = np.argwhere(parts[box] == n)[:, ::-1]  # (n, 3) as (i, j, k)
        points = index @ grid.affine[:3, :3].T
        found.append(LesionComponent(len(index) * grid.voxel_ml, _longest_diameter(points)))
    return tuple(sorted(found, key=lambda component: -component.volume_ml))


def write_measurements(rows: Sequence[Measurement], path: Path | str) -> None:
    """Write measurements as CSV: to a temporary file, then renamed.

    A row for each structure; below a lesion's row one for each connected lesion (``Lesion 1``, ``Lesion 2``, ...).

    Args:
        rows: from :func:`measure`.
        path: the file to make or to replace.

    Raises:
        OutputError: the file cannot be written.
    """
    path = Path(path)
    modalities = list(dict.fromkeys(name for row in rows for name in row.intensities))
    head = ["name", "value", "voxels", "volume_ml", "extent_rl_mm", "extent_ap_mm", "extent_fh_mm"]
    head += [f"{what}_{name}" for name in modalities for what in ("mean", "sd", "median")]
    head += ["components", "longest_diameter_mm"]
    temporary = ""
    try:
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        with os.fdopen(handle, "w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, head, restval="")
            writer.writeheader()
            for row in rows:
                writer.writerows(_csv_rows(row))
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except OSError as error:
        if temporary:
            Path(temporary).unlink(missing_ok=True)
        raise OutputError(
            f"Cannot write {path}: {error.strerror}.", "Choose a writable folder with enough space."
        ) from error


def _csv_rows(row: Measurement) -> Iterator[dict[str, str | int]]:
    cells: dict[str, str | int] = {
        "name": row.name,
        "value": row.value,
        "voxels": row.voxels,
        "volume_ml": f"{row.volume_ml:.4f}",
    }
    cells |= {f"extent_{axis}_mm": f"{mm:.2f}" for axis, mm in zip(("rl", "ap", "fh"), row.extent_mm, strict=True)}
    for name, intensity in row.intensities.items():
        for what in ("mean", "sd", "median"):
            cells[f"{what}_{name}"] = f"{getattr(intensity, what):.4g}"
    if row.components:
        longest = max(component.longest_diameter_mm for component in row.components)
        cells |= {"components": len(row.components), "longest_diameter_mm": f"{longest:.2f}"}
    yield cells
    for n, component in enumerate(row.components, start=1):
        yield {
            "name": f"{row.name} {n}",
            "value": row.value,
            "volume_ml": f"{component.volume_ml:.4f}",
            "longest_diameter_mm": f"{component.longest_diameter_mm:.2f}",
        }


def _voxels_by_value(labels: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """Each label but 0 with the flat indices of its voxels."""
    flat = labels.ravel()
    index = np.flatnonzero(flat)
    if not len(index):
        return
    order = np.argsort(flat[index], kind="stable")
    index = index[order]
    values, starts = np.unique(flat[index], return_index=True)
    for value, part in zip(values.tolist(), np.split(index, starts[1:]), strict=True):
        yield int(value), part


def _intensity(values: np.ndarray) -> Intensity:
    values = values.astype(np.float64)
    return Intensity(float(values.mean()), float(values.std()), float(np.median(values)))


def _extent(index: np.ndarray, grid: Grid) -> tuple[float, float, float]:
    """Size (mm) of the box around voxels along the patient's axes, whole voxels counted."""
    k, j, i = np.unravel_index(index, grid.shape)
    matrix = grid.affine[:3, :3]
    size = []
    for row in matrix:
        along = i * row[0] + j * row[1] + k * row[2]
        size.append(float(np.ptp(along) + np.abs(row).sum()))
    return size[0], size[1], size[2]


def _longest_diameter(points: np.ndarray) -> float:
    """Largest distance between two of the points (n, 3)."""
    if len(points) < 2:
        return 0.0
    if len(points) > 50:
        try:
            points = points[ConvexHull(points).vertices]
        except QhullError:  # all in one plane or on one line: the ends along many directions hold the two sought
            points = points[_outermost(points)]
    return float(pdist(points).max())


def _outermost(points: np.ndarray) -> np.ndarray:
    """Indices of points that are the farthest along one of 500 directions spread over the sphere."""
    n = np.arange(500) + 0.5
    height, turn = 1 - n / 250, np.pi * (1 + 5**0.5) * n
    ring = np.sqrt(1 - height**2)
    along = points @ np.stack([ring * np.cos(turn), ring * np.sin(turn), height])
    return np.unique(np.concatenate([along.argmax(0), along.argmin(0)]))
