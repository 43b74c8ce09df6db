"""What an alignment does to volumes, and how it looks: Jacobian and checkerboard."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk

from ...images.grid import Grid
from ...images.intensities import normalize, outside_value
from ...images.resample import resample
from ...images.volume import Volume

JACOBIAN_STEP_MM = 5.0
CHECKERBOARD_MM = 30.0
CHECKERBOARD_SPACING = 1.5


def jacobian_range(transform: sitk.Transform, grid: Grid) -> tuple[float, float]:
    """Smallest and largest relative change of volume inside the box of a grid, in steps of 5 mm.

    Voxels at the border are left out: a B-spline ends there.
    """
    steps = np.maximum(4, np.ceil(np.asarray(grid.size) * grid.spacing / JACOBIAN_STEP_MM)).astype(int)
    coarse = coarser(grid, (int(steps[0]), int(steps[1]), int(steps[2])))
    field = sitk.TransformToDisplacementField(
        transform, sitk.sitkVectorFloat64, coarse.size, coarse.origin, coarse.spacing, coarse.direction
    )
    values = sitk.GetArrayFromImage(sitk.DisplacementFieldJacobianDeterminant(field))[1:-1, 1:-1, 1:-1]
    return float(values.min()), float(values.max())


def coarser(grid: Grid, size: tuple[int, int, int]) -> Grid:
    """The same box of voxels with another number of them."""
    factor = np.asarray(grid.size) / size
    origin = grid.affine @ [*(factor - 1) / 2, 1.0]
    spacing = np.asarray(grid.spacing) * factor
    x, y, z = map(float, spacing)
    return Grid(size, (x, y, z), (float(origin[0]), float(origin[1]), float(origin[2])), grid.direction)


def checkerboard(
    reference: Volume, moving: Volume, transform: sitk.Transform, modalities: tuple[str, str] = ("", "")
) -> Volume:
    """Squares of one image and of the other in turn, 30 mm wide, on a grid of 1.5 mm: edges go on where they fit.

    Both are shown on one gray scale, 0 to 1, float32. Takes a second, so call it in a thread.
    """
    size = np.ceil(np.asarray(reference.grid.size) * reference.grid.spacing / CHECKERBOARD_SPACING)
    size = np.minimum(size, reference.grid.size)
    grid = coarser(reference.grid, (int(size[0]), int(size[1]), int(size[2])))
    images = []
    for volume, modality, mapping in ((reference, modalities[0], None), (moving, modalities[1], transform)):
        modality = modality or ("CT" if float(volume.array.min()) < -500 else "MR")
        sampled = resample(volume, grid, mapping, outside=outside_value(modality)).array
        images.append(np.clip((normalize(sampled, modality) + 1.0) / 2.5, 0.0, 1.0))
    index = np.indices(grid.shape)
    square = [np.floor(index[2 - axis] * grid.spacing[axis] / CHECKERBOARD_MM) for axis in range(3)]
    first = (square[0] + square[1] + square[2]) % 2 == 0
    return Volume(np.where(first, *images).astype(np.float32), grid)
