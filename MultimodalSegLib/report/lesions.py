"""Every single lesion: size, shape, place, intensities."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from ..images.grid import Grid
from ..images.units import Unit
from ..inference.components import Component, components
from ..inference.segmentation import Segmentation
from ..models.classes import SegmentClass
from ..registration.aligned import AlignedCase
from .at_risk import distances_at_risk
from .diameters import InPlane, in_plane_diameters, longest_diameter
from .intensities import Intensity, intensity, units_of
from .location import Location, locate
from .measurements import voxels_by_value
from .sides import middle_plane
from .surface import Surface, surface

WHITE_MATTER = "cerebral white matter"
"""Tissue that takes up no contrast agent, by which two MRI are brought to one scale."""


@dataclass(frozen=True)
class Lesion:
    """One connected lesion.

    Args:
        structure: name of the class it was segmented as.
        value: its label value.
        number: from 1 within the class, the largest first.
        volume_ml: millilitres, of its voxels.
        longest_diameter_mm: longest diameter in any direction.
        in_plane: longest diameter in a slice and its perpendicular.
        surface: area and roundness.
        center: center of mass, LPS mm.
        location: what it lies in and near to.
        distances: distance (mm) to the structures at risk by name.
        intensities: by modality, in the units given.
        enhancement_percent: how much brighter it is after the contrast agent than before, see :func:`enhancement`.
        component: its voxels.
    """

    structure: str
    value: int
    number: int
    volume_ml: float
    longest_diameter_mm: float
    in_plane: InPlane
    surface: Surface
    center: tuple[float, float, float]
    location: Location
    distances: Mapping[str, float]
    intensities: Mapping[str, Intensity]
    enhancement_percent: float | None
    component: Component = field(repr=False, compare=False)

    @property
    def name(self) -> str:
        """Shown name, such as ``"Lesion 2"``."""
        return f"{self.structure} {self.number}"


def measure_lesions(
    segmentation: Segmentation,
    aligned: AlignedCase,
    units: Mapping[str, Unit] | None = None,
    at_risk: Sequence[SegmentClass] = (),
    where: Mapping[int, np.ndarray] | None = None,
) -> list[Lesion]:
    """Measure every connected part of every class of the group ``"lesion"``; single voxels are lesions too.

    Args:
        segmentation: a result.
        aligned: the volumes it was made from.
        units: by modality, as for :func:`~MultimodalSegLib.report.measurements.measure`.
        at_risk: structures to which distances are wanted.
        where: :func:`~MultimodalSegLib.report.measurements.voxels_by_value` of the labels, if it is known.

    Returns:
        The lesions, class by class, the largest first.

    Raises:
        ValueError: segmentation and volumes are not on one grid.

    Example:
        >>> for lesion in measure_lesions(segmentation, aligned):  # doctest: +SKIP
        ...     print(lesion.name, lesion.location.side, f"{lesion.in_plane.longest_mm:.0f} mm")
    """
    labels = segmentation.labels
    if labels.grid != aligned.grid:
        raise ValueError("segmentation and volumes are on different grids")
    classes = [entry for entry in segmentation.classes if entry.group == "lesion"]
    found = [(entry, part) for entry in classes for part in components(labels.array == entry.value)]
    if not found:
        return []
    where = voxels_by_value(labels.array) if where is None else where
    plane = middle_plane(segmentation.classes, where, labels.grid)
    distances = distances_at_risk([part for _, part in found], where, labels.grid, at_risk)
    unit = units_of(aligned, units)
    healthy = _medians(segmentation, where, aligned)
    lesions = []
    for (entry, part), apart in zip(found, distances, strict=True):
        values = {name: volume.array[part.box][part.mask] for name, volume in aligned.volumes.items()}
        lesions.append(
            Lesion(
                structure=entry.name,
                value=entry.value,
                number=part.number,
                volume_ml=part.voxels * labels.grid.voxel_ml,
                longest_diameter_mm=longest_diameter(part.mask, labels.grid.spacing),
                in_plane=in_plane_diameters(part.mask, labels.grid, _start(part)),
                surface=surface(part.mask, labels.grid.spacing),
                center=_center(part, labels.grid),
                location=locate(part, labels, segmentation.classes, plane),
                distances=apart,
                intensities={name: intensity(value, unit[name]) for name, value in values.items()},
                enhancement_percent=enhancement(values, healthy),
                component=part,
            )
        )
    return lesions


def enhancement(values: Mapping[str, np.ndarray], healthy: Mapping[str, float]) -> float | None:
    """Relative signal gain from T1 to T1C in percent: 100 (b / a - 1), with a and b the mean signals.

    Two MRI have no common scale, so each mean is first divided by the volume's median in healthy white matter; without
    white matter in the result the signals are compared as they are.

    Args:
        values: the lesion's values by modality.
        healthy: median in white matter by modality; empty if there is none.

    Returns:
        None without both ``"T1"`` and ``"T1C"``, or where T1 shows no signal.
    """
    if not {"T1", "T1C"} <= set(values):
        return None
    before, after = (float(values[name].mean()) / healthy.get(name, 1.0) for name in ("T1", "T1C"))
    return 100.0 * (after / before - 1.0) if before > 0 else None


def _medians(segmentation: Segmentation, where: Mapping[int, np.ndarray], aligned: AlignedCase) -> dict[str, float]:
    """Median of T1 and T1C in white matter."""
    parts = [
        where[entry.value]
        for entry in segmentation.classes
        if WHITE_MATTER in entry.name.lower() and entry.value in where
    ]
    if not parts or not {"T1", "T1C"} <= set(aligned.volumes):
        return {}
    index = np.concatenate(parts)
    found = {name: float(np.median(aligned.volumes[name].array.ravel()[index])) for name in ("T1", "T1C")}
    return found if min(found.values()) > 0 else {}


def points_of(lesions: Sequence[Lesion], grid: Grid) -> Iterator[np.ndarray]:
    """Voxel centers of each lesion, (n, 3) LPS mm."""
    for lesion in lesions:
        yield grid.points(lesion.component.index[:, ::-1])


def _start(part: Component) -> tuple[int, int, int]:
    k, j, i = (side.start for side in part.box)
    return k, j, i


def _center(part: Component, grid: Grid) -> tuple[float, float, float]:
    x, y, z = grid.affine[:3, :3] @ part.index[:, ::-1].mean(0) + grid.affine[:3, 3]
    return float(x), float(y), float(z)
