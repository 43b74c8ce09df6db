"""The lattice of a volume in patient space."""

from dataclasses import dataclass

import numpy as np

Triple = tuple[float, float, float]

TOLERANCE = 0.1
"""Voxels by which corners may differ on one grid."""


@dataclass(frozen=True)
class Grid:
    """Where the voxels of a volume are, in millimetres, in the LPS frame of DICOM and ITK.

    LPS: x grows to the patient's Left, y to Posterior, z to Superior.

    Args:
        size: voxels along i, j, k; the array of a volume has the shape ``(k, j, i)``.
        spacing: millimetres between voxel centres along i, j, k.
        origin: centre of voxel (0, 0, 0) in LPS millimetres.
        direction: 3x3 cosine matrix, row by row; its columns are the unit vectors of the i, j, k axes.
    """

    size: tuple[int, int, int]
    spacing: Triple = (1.0, 1.0, 1.0)
    origin: Triple = (0.0, 0.0, 0.0)
    direction: tuple[float, ...] = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Shape (k, j, i) of an array on this grid."""
        i, j, k = self.size
        return k, j, i

    @property
    def affine(self) -> np.ndarray:
        """4x4 float64 matrix from voxel indices (i, j, k, 1) to LPS millimetres."""
        matrix = np.eye(4)
        matrix[:3, :3] = np.asarray(self.direction, float).reshape(3, 3) * np.asarray(self.spacing, float)
        matrix[:3, 3] = self.origin
        return matrix

    @property
    def voxel_ml(self) -> float:
        """Volume of one voxel in millilitres."""
        return float(np.prod(self.spacing)) / 1000.0

    @property
    def corners(self) -> np.ndarray:
        """The eight outer corners of the voxel box, (8, 3) LPS millimetres."""
        low, high = np.full(3, -0.5), np.asarray(self.size, float) - 0.5
        choice = np.array([[(n >> axis) & 1 for axis in range(3)] for n in range(8)], float)
        index = low + choice * (high - low)
        return self.points(index)

    def points(self, index: np.ndarray) -> np.ndarray:
        """Where voxels are.

        Args:
            index: (..., 3) voxel indices (i, j, k); fractions lie between voxel centres.

        Returns:
            (..., 3) LPS mm.

        Example:
            >>> Grid((9, 9, 9), (2.0, 2.0, 3.0)).points(np.array([1, 0, 1])).tolist()
            [2.0, 0.0, 3.0]
        """
        found: np.ndarray = index @ self.affine[:3, :3].T + self.affine[:3, 3]
        return found

    def indices(self, points: np.ndarray) -> np.ndarray:
        """Voxel indices (i, j, k) of points: the inverse of :meth:`points`, not rounded."""
        found: np.ndarray = (points - self.affine[:3, 3]) @ np.linalg.inv(self.affine[:3, :3]).T
        return found


def same_grid(first: Grid, second: Grid) -> bool:
    """Whether two grids have the same voxels, up to rounding in their files."""
    if first.size != second.size:
        return False
    apart = np.linalg.norm(first.corners - second.corners, axis=1).max()
    return bool(apart <= TOLERANCE * min(first.spacing))
