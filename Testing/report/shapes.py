"""Bodies of known size, and results that hold them."""

import numpy as np
import SimpleITK as sitk

from MultimodalSegLib.images.grid import Grid
from MultimodalSegLib.images.volume import Volume
from MultimodalSegLib.inference.segmentation import Segmentation
from MultimodalSegLib.models.classes import SegmentClass
from MultimodalSegLib.registration.aligned import AlignedCase

LESION = SegmentClass("Lesion", 99, (255, 0, 0), "", "lesion")

OBLIQUE = tuple(np.array(sitk.Euler3DTransform((0, 0, 0), 0.3, -0.2, 0.4).GetMatrix()))
"""Direction of a grid turned by tens of degrees about every axis."""


def ellipsoid(grid: Grid, center: tuple[float, ...], half_axes: tuple[float, ...], turn: float = 0.0) -> np.ndarray:
    """(k, j, i) bool; center (mm from the first voxel) and half axes (mm) along i, j, k, turned about k (radians)."""
    k, j, i = np.indices(grid.shape)
    x, y, z = (n * step - c for n, step, c in zip((i, j, k), grid.spacing, center, strict=True))
    a, b, c = half_axes
    u, v = x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)
    return np.asarray((u / a) ** 2 + (v / b) ** 2 + (z / c) ** 2 <= 1)


def case(
    labels: np.ndarray,
    grid: Grid,
    classes: tuple[SegmentClass, ...] = (LESION,),
    **images: np.ndarray,
) -> tuple[Segmentation, AlignedCase]:
    """A result and its volumes; one CT of zeros unless others are given."""
    images = images or {"CT": np.zeros(grid.shape, np.float32)}
    volumes = {name: Volume(np.asarray(image, np.float32), grid) for name, image in images.items()}
    return Segmentation(Volume(labels.astype(np.uint16), grid), classes), AlignedCase(volumes, next(iter(volumes)))
