"""Volumes, intensities, extents and symmetry of what was segmented."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ..images.grid import Grid
from ..images.units import Unit
from ..inference.segmentation import Segmentation
from ..registration.aligned import AlignedCase
from .intensities import Intensity, intensity, units_of
from .sides import asymmetry_percent, pairs


@dataclass(frozen=True)
class Measurement:
    """Measures of one structure that is present.

    Args:
        name: shown name.
        value: label value.
        voxels: number of voxels on the reference grid.
        volume_ml: millilitres.
        intensities: by modality, of the volumes on the reference grid, in the units given to :func:`measure`.
        extent_mm: size of the box around it along the patient's right-left, front-back and foot-head axes.
        asymmetry_percent: (L - R) / (0.5 (L + R)) of the volumes of a pair, the same in both rows; None if unpaired.
    """

    name: str
    value: int
    voxels: int
    volume_ml: float
    intensities: Mapping[str, Intensity]
    extent_mm: tuple[float, float, float]
    asymmetry_percent: float | None = None


def measure(
    segmentation: Segmentation,
    aligned: AlignedCase,
    units: Mapping[str, Unit] | None = None,
    where: Mapping[int, np.ndarray] | None = None,
) -> list[Measurement]:
    """Measure every structure that has at least one voxel.

    Args:
        segmentation: a result.
        aligned: the volumes it was made from.
        units: by modality; the usual ones (HU for CT, else raw numbers) for those that are left out.
        where: :func:`voxels_by_value` of the labels, if it is known.

    Returns:
        One row per structure, in the order of ``segmentation.classes``. Single lesions:
        :func:`~MultimodalSegLib.report.lesions.measure_lesions`.

    Raises:
        ValueError: the two are not on one grid.
    """
    labels = segmentation.labels
    if labels.grid != aligned.grid:
        raise ValueError("segmentation and volumes are on different grids")
    where = voxels_by_value(labels.array) if where is None else where
    images = {name: volume.array.ravel() for name, volume in aligned.volumes.items()}
    unit = units_of(aligned, units)
    asymmetry = _asymmetry(segmentation, where)
    return [
        Measurement(
            name=entry.name,
            value=entry.value,
            voxels=len(index),
            volume_ml=len(index) * labels.grid.voxel_ml,
            intensities={name: intensity(image[index], unit[name]) for name, image in images.items()},
            extent_mm=_extent(index, labels.grid),
            asymmetry_percent=asymmetry.get(entry.value),
        )
        for entry in segmentation.classes
        if (index := where.get(entry.value)) is not None
    ]


def voxels_by_value(labels: np.ndarray) -> dict[int, np.ndarray]:
    """Each label but 0 with the flat indices of its voxels, in the order of the array."""
    flat = labels.ravel()
    index = np.flatnonzero(flat)
    if not len(index):
        return {}
    order = np.argsort(flat[index], kind="stable")
    index = index[order]
    values, starts = np.unique(flat[index], return_index=True)
    return dict(zip(values.tolist(), np.split(index, starts[1:]), strict=True))


def _asymmetry(segmentation: Segmentation, where: Mapping[int, np.ndarray]) -> dict[int, float]:
    """By label value; pairs of which neither side is there have none."""
    found = {}
    for left, right in pairs(segmentation.classes):
        sizes = [len(where.get(entry.value, ())) for entry in (left, right)]
        if any(sizes):
            found[left.value] = found[right.value] = asymmetry_percent(sizes[0], sizes[1])
    return found


def _extent(index: np.ndarray, grid: Grid) -> tuple[float, float, float]:
    """Size (mm) of the box around voxels along the patient's axes, whole voxels counted."""
    k, j, i = np.unravel_index(index, grid.shape)
    matrix = grid.affine[:3, :3]
    size = []
    for row in matrix:
        along = i * row[0] + j * row[1] + k * row[2]
        size.append(float(np.ptp(along) + np.abs(row).sum()))
    return size[0], size[1], size[2]
