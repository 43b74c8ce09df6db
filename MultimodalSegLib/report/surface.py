"""Surface and roundness of a lesion."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Surface:
    """The closed surface around a mask.

    Args:
        area_mm2: area of the mesh.
        volume_mm3: volume inside the mesh; a little less than that of the voxels, whose corners it cuts.
    """

    area_mm2: float
    volume_mm3: float

    @property
    def sphericity(self) -> float:
        """Surface of the ball of the same volume, divided by the surface: 1 for a ball, less for anything else.

        H. Wadell, J Geol 43:250-280 (1935), with volume and area of the mesh as in the Image Biomarker Standardisation
        Initiative (Zwanenburg et al., Radiology 295:328-338, 2020). The steps of the voxels make the surface larger: a
        ball of voxels comes to about 0.91, however fine they are.
        """
        return float((36 * np.pi * self.volume_mm3**2) ** (1 / 3) / self.area_mm2)


def surface(mask: np.ndarray, spacing: tuple[float, float, float]) -> Surface:
    """The surface by marching cubes, half-way between the centers of inner and outer voxels.

    Args:
        mask: (k, j, i) bool with at least one voxel.
        spacing: mm along i, j, k.

    Example:
        >>> one = surface(np.ones((1, 1, 1), bool), (2.0, 2.0, 2.0))  # an octahedron
        >>> round(one.volume_mm3, 3), round(one.sphericity, 3)
        (1.333, 0.846)
    """
    from skimage.measure import marching_cubes, mesh_surface_area

    around = np.pad(mask, 1).astype(np.float32)
    points, faces, _, _ = marching_cubes(around, 0.5, spacing=tuple(spacing[::-1]))
    corners = points[faces].astype(float)  # (n, corner, axis)
    inside = np.einsum("na,na->n", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])).sum() / 6
    return Surface(float(mesh_surface_area(points, faces)), float(abs(inside)))
