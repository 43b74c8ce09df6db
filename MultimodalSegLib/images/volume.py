"""One scan (or label map) on its own grid."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .grid import Grid

if TYPE_CHECKING:
    import SimpleITK as sitk


@dataclass(frozen=True)
class Volume:
    """Voxel values and where they are.

    Args:
        array: values, shape ``(k, j, i)``; intensities float32 (HU for CT), labels an integer type.
        grid: the lattice, LPS millimetres.
        source: file or folder it was read from, if any.
    """

    array: np.ndarray
    grid: Grid
    source: Path | None = None

    def __post_init__(self) -> None:
        if self.array.shape != self.grid.shape:
            raise ValueError(f"array of shape {self.array.shape} on a grid of shape {self.grid.shape}")

    def with_array(self, array: np.ndarray) -> Volume:
        """The same grid with other values."""
        return replace(self, array=array)

    @classmethod
    def from_sitk(cls, image: sitk.Image, source: Path | None = None) -> Volume:
        """Take over a 3D SimpleITK image."""
        import SimpleITK as sitk

        grid = Grid(image.GetSize(), image.GetSpacing(), image.GetOrigin(), image.GetDirection())
        return cls(sitk.GetArrayFromImage(image), grid, source)

    def to_sitk(self) -> sitk.Image:
        """The same as a SimpleITK image (values copied)."""
        import SimpleITK as sitk

        image = sitk.GetImageFromArray(self.array)
        image.SetSpacing(self.grid.spacing)
        image.SetOrigin(self.grid.origin)
        image.SetDirection(self.grid.direction)
        return image
