"""Contours of a DICOM RT structure set as a label map."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import InputError
from ...images.grid import Grid
from ...images.volume import Volume

FLAT = 0.2
"""Slices by which the points of one contour may differ in height."""


@dataclass(frozen=True)
class Contours:
    """Closed planar contours, one per slice and part of a structure.

    A voxel belongs to a structure if its center lies inside an odd number of its contours on the nearest drawn slice,
    so that a contour inside another one is a hole. Where only every second slice was drawn on, those between take
    the nearest one's contours. Where structures overlap, the one with the higher label value counts.

    Args:
        path: RTSTRUCT file.
        values: label value by name of the structure (ROI Name); others are left out.
    """

    path: Path
    values: Mapping[str, int]

    @property
    def files(self) -> tuple[Path, ...]:
        return (self.path,)

    def read(self, grid: Grid) -> Volume:
        """The label map on ``grid``, that of the images on which the contours were drawn.

        Raises:
            InputError: the file cannot be read, or its contours are not parallel to the slices of ``grid``.
        """
        array = np.zeros(grid.shape, np.uint16)
        found = contours_of(self.path)
        for name, value in sorted(self.values.items(), key=lambda item: item[1]):
            planes = [_on_slice(points, grid, name, self.path) for points in found.get(name, [])]
            array[_fill(planes, grid)] = value
        return Volume(array, grid)


def contours_of(path: Path) -> dict[str, list[np.ndarray]]:
    """Closed planar contours by name of the structure, each (n, 3) LPS millimetres.

    The outline of the body (interpreted type EXTERNAL) and structures without such contours are left out.

    Raises:
        InputError: not a readable RTSTRUCT file, or two structures of one name.
    """
    data = read_structure_set(path)
    names = {int(roi.ROINumber): str(roi.ROIName).strip() for roi in data.StructureSetROISequence}
    outlines = {
        int(item.ReferencedROINumber)
        for item in data.get("RTROIObservationsSequence", [])
        if str(item.get("RTROIInterpretedType", "")).upper() == "EXTERNAL"
    }
    found: dict[str, list[np.ndarray]] = {}
    for item in data.get("ROIContourSequence", []):
        number = int(item.ReferencedROINumber)
        contours = [
            np.asarray(contour.ContourData, float).reshape(-1, 3)
            for contour in item.get("ContourSequence", [])
            if contour.ContourGeometricType == "CLOSED_PLANAR" and len(contour.ContourData) >= 9
        ]
        if not contours or number in outlines or number not in names:
            continue
        if names[number] in found:
            raise InputError(f"{path} holds two structures named {names[number]!r}.", "Give them different names.")
        found[names[number]] = contours
    return found


def read_structure_set(path: Path) -> Any:
    """The DICOM data set of an RTSTRUCT file.

    Raises:
        InputError: it cannot be read or is something else.
    """
    import pydicom
    from pydicom.errors import InvalidDicomError

    try:
        data = pydicom.dcmread(path)
    except (OSError, InvalidDicomError, EOFError, ValueError) as error:
        raise InputError(f"{path} cannot be read as DICOM: {error}.", "Copy or export the file again.") from error
    if data.get("Modality") != "RTSTRUCT" or "StructureSetROISequence" not in data:
        raise InputError(f"{path} is not a DICOM RT structure set.", "Give the RTSTRUCT file.")
    return data


def _on_slice(points: np.ndarray, grid: Grid, name: str, path: Path) -> tuple[float, np.ndarray]:
    """Height (slices, not rounded) and points (n, 2) as (j, i) of a contour."""
    index = np.linalg.solve(grid.affine[:3, :3], (points - grid.affine[:3, 3]).T).T  # (n, 3) i, j, k
    height = index[:, 2]
    if np.ptp(height) > FLAT:
        raise InputError(
            f"A contour of {name!r} in {path} is not parallel to the slices of its image.",
            "Draw on the image's own slices, or export the structure as a mask.",
        )
    return float(height.mean()), index[:, 1::-1]


def _fill(planes: list[tuple[float, np.ndarray]], grid: Grid) -> np.ndarray:
    """Voxels (k, j, i) inside the contours."""
    inside = np.zeros(grid.shape, bool)
    if not planes:
        return inside
    heights = np.unique(np.round([height for height, _ in planes], 1))
    # half the distance of drawn slices, but at most of every second one: a longer gap is a gap
    steps = np.diff(heights)
    usual = float(np.percentile(steps, 25, method="lower")) if len(steps) else 1.0
    reach = min(2.0, max(1.0, usual)) / 2
    drawn = {height: _slice(height, planes, grid.shape[1:]) for height in heights.tolist()}
    for k in range(grid.shape[0]):
        nearest = min(drawn, key=lambda height: abs(height - k))
        if abs(nearest - k) <= reach + 1e-6:
            inside[k] = drawn[nearest]
    return inside


def _slice(height: float, planes: list[tuple[float, np.ndarray]], shape: tuple[int, ...]) -> np.ndarray:
    """The contours at one height, (j, i) bool; one inside another makes a hole."""
    from skimage.draw import polygon

    image = np.zeros(shape, bool)
    for at, points in planes:
        if round(at, 1) == height:
            rows, columns = polygon(points[:, 0], points[:, 1], shape)
            image[rows, columns] ^= True
    return image
