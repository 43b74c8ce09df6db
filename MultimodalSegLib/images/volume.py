"""One scan (or label map) on its own grid."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .grid import Grid
from .synthetic import mark_of, set_mark

if TYPE_CHECKING:
    import SimpleITK as sitk


@dataclass(frozen=True)
class Volume:
    """Voxel values and where they are.

    Args:
        array: values, shape ``(k, j, i)``; intensities float32 (HU for CT), labels an integer type.
        grid: the lattice, LPS millimetres.
        source: file or folder it was read from, if any.
        synthetic_detail: who made its detail up, see :mod:`.synthetic`; empty for a scan. It goes along when the volume
            is resampled, and into every file.
    """

    array: np.ndarray
    grid: Grid
    source: Path | None = None
    synthetic_detail: str = ""

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
        return cls(sitk.GetArrayFromImage(image), grid, source, mark_of(image, source))

    def to_sitk(self) -> sitk.Image:
        """The same as a SimpleITK image (values copied)."""
        import SimpleITK as sitk

        image = sitk.GetImageFromArray(self.array)
        image.SetSpacing(self.grid.spacing)
        image.SetOrigin(self.grid.origin)
        image.SetDirection(self.grid.direction)
        if self.synthetic_detail:
            set_mark(image, self.synthetic_detail)
        return image
