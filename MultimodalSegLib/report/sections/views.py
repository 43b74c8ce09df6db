"""Rows of pictures that several sections draw: three planes through a point, plain and with something over them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from ...images.grid import Triple
from ...images.intensities import outside_value
from ...images.volume import Volume
from ..document.content import Picture
from ..findings import Findings
from ..lesion_parts import central_point
from ..pictures.drawing import draw
from ..pictures.looks import filled, gray, gray_window, heated, outlined
from ..pictures.planes import Plane, middle, planes, sample

Overlay = Callable[[np.ndarray, Plane], np.ndarray]
"""Draws over a gray slice: image (rows, columns, 3) and plane to image."""


@dataclass
class Views:
    """Draws slices of one case; what every picture needs is computed once.

    Args:
        findings: the case.
    """

    findings: Findings
    _windows: dict[str, tuple[float, float]] = field(default_factory=dict)

    def slice(self, modality: str, plane: Plane) -> np.ndarray:
        """The gray image of a scan on a plane."""
        volume = self.findings.aligned.volumes[modality]
        if modality not in self._windows:
            self._windows[modality] = gray_window(volume, modality, self.findings.region)
        return gray(sample(volume, plane, outside=outside_value(modality)), self._windows[modality])

    def whole(self, pixels: int, through: Triple | None = None) -> tuple[Plane, ...]:
        """Planes that show everything segmented: through a point, or else through the middle of the brain.

        Where the model knows no brain, through the middle of everything.
        """
        center, side = self._whole
        return planes(center, side, pixels, through or self._heart)

    @cached_property
    def _whole(self) -> tuple[Triple, float]:
        return middle(self.findings.segmentation.labels)

    @cached_property
    def _heart(self) -> Triple | None:
        segmentation = self.findings.segmentation
        brain = [entry.value for entry in segmentation.classes if entry.group == "brain"]
        index = np.argwhere(np.isin(segmentation.labels.array[::2, ::2, ::2], brain)) * 2
        return central_point(index, segmentation.labels) if len(index) else None

    def labels(self, plane: Plane) -> np.ndarray:
        """The label map on a plane."""
        return sample(self.findings.segmentation.labels, plane, labels=True)

    def structures(self, image: np.ndarray, plane: Plane) -> np.ndarray:
        """Overlay: all structures in their colors."""
        colors = {entry.value: entry.color for entry in self.findings.segmentation.classes}
        return filled(image, self.labels(plane), colors)

    def pictures(
        self, modality: str, planes: Sequence[Plane], what: str, *, overlays: Sequence[tuple[Overlay | None, str]]
    ) -> list[Picture]:
        """Each plane once with every overlay.

        Args:
            modality: the scan.
            planes: where.
            what: for the text alternative, such as ``"through lesion 1"``.
            overlays: with words for the text alternative that follow ``what``; None for the plain slice.
        """
        drawn = []
        for plane in planes:
            image = self.slice(modality, plane)
            for overlay, words in overlays:
                over = image if overlay is None else overlay(image, plane)
                alt = f"{modality}, {plane.orientation} slice {what}{words}."
                drawn.append(draw(over, plane, alt, f"{modality}, {plane.orientation}"))
        return drawn


def outline_of(labels: Volume, value: int, index: np.ndarray | None = None) -> Overlay:
    """Overlay: a line around a structure, or around some of its voxels.

    Args:
        labels: label map.
        value: of the structure.
        index: (n, 3) array indices (k, j, i) if only these voxels count.
    """
    if index is None:
        return lambda image, plane: outlined(image, sample(labels, plane, labels=True) == value)
    low, high = index.min(axis=0), index.max(axis=0) + 1
    array = np.zeros(high - low, np.uint8)
    array[tuple((index - low).T)] = 1
    alone = cropped(labels, low, array)
    return lambda image, plane: outlined(image, sample(alone, plane, labels=True) == 1)


def cropped(volume: Volume, low: np.ndarray, array: np.ndarray) -> Volume:
    """An array (k, j, i) that begins at array index ``low`` of a volume, as a volume in the same space."""
    grid = volume.grid
    x, y, z = (grid.affine[:3, :3] @ low[::-1] + grid.affine[:3, 3]).tolist()
    k, j, i = array.shape
    return Volume(array, replace(grid, size=(i, j, k), origin=(x, y, z)))


def heat_of(values: Volume, highest: float = 1.0) -> Overlay:
    """Overlay: a map from 0 to ``highest`` as heat."""
    return lambda image, plane: heated(image, sample(values, plane) / highest)


def extent(points: np.ndarray) -> float:
    """Longest side (mm) of the box along the patient's axes around points (n, 3), LPS mm."""
    return float(np.ptp(points, axis=0).max()) if len(points) else 0.0


def close_up(points: np.ndarray) -> float:
    """Side (mm) of a picture that shows something of these points (n, 3), LPS mm, with its surroundings."""
    return float(np.clip(3.0 * extent(points), 90.0, 220.0))
