"""Random but smooth changes of shape, from points of the image to points of the label map."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy import ndimage
from torch.nn import functional as F

from ..images.grid import Grid

LATTICE = 33
"""Points of the displacement field along each axis."""
EXTENT_MM = 320.0
"""Edge of the cube, around the middle of the head, that the displacement field covers."""


@dataclass(frozen=True)
class Deformation:
    """Affine part and smooth displacement about the middle of the head.

    Args:
        linear: 3x3 matrix applied to points relative to the middle (dimensionless; may mirror left and right).
        shift: millimetres (LPS) added before it.
        field: (3, n, n, n) float32 displacement in millimetres, components x, y, z, axes (k, j, i).
    """

    linear: np.ndarray
    shift: np.ndarray
    field: np.ndarray

    @property
    def mirrored(self) -> bool:
        """True if left and right are exchanged."""
        return bool(np.linalg.det(self.linear) < 0)


def rotation(degrees: np.ndarray) -> np.ndarray:
    """3x3 rotation about x, then y, then z by angles in degrees."""
    matrix = np.eye(3)
    for axis, angle in enumerate(np.deg2rad(degrees)):
        c, s = np.cos(angle), np.sin(angle)
        a, b = [n for n in range(3) if n != axis]
        turn = np.eye(3)
        turn[a, a], turn[a, b], turn[b, a], turn[b, b] = c, -s, s, c
        matrix = turn @ matrix
    return matrix


def sample_deformation(rng: np.random.Generator, strength: float = 1.0) -> Deformation:
    """Draw a deformation; ``strength`` 0 gives the identity, 1 the range used in training."""
    turn = rotation(rng.uniform(-18, 18, 3) * strength)
    scale = np.diag(1 + rng.uniform(-0.15, 0.15, 3) * strength)
    shear = np.eye(3) + np.triu(rng.uniform(-0.05, 0.05, (3, 3)), 1) * strength
    mirror = np.diag([-1.0 if strength and rng.random() < 0.5 else 1.0, 1.0, 1.0])
    field = np.zeros((3, LATTICE, LATTICE, LATTICE), np.float32)
    for points, millimetres in ((6, 5.0), (12, 1.5)):
        amount = rng.uniform(0, millimetres) * strength
        for component in range(3):
            coarse = rng.normal(0, amount, (points,) * 3).astype(np.float32)
            field[component] += ndimage.zoom(coarse, LATTICE / points, order=3, grid_mode=True, mode="nearest")
    return Deformation(mirror @ scale @ shear @ turn, rng.uniform(-8, 8, 3) * strength, field)


def label_points(
    grid: Grid, center: tuple[float, float, float], deformation: Deformation, motion: np.ndarray | None = None
) -> np.ndarray:
    """Where in the label map's space each voxel of ``grid`` takes its tissue from.

    Args:
        grid: any grid in patient space.
        center: middle of the head, LPS millimetres.
        deformation: shape change.
        motion: 4x4 rigid matrix applied first (LPS millimetres): where in the undisplaced head this scan's points lie.

    Returns:
        (3, k, j, i) float32 LPS millimetres (x, y, z).
    """
    affine = grid.affine if motion is None else motion @ grid.affine
    k, j, i = grid.shape
    axes = [torch.arange(n, dtype=torch.float32) for n in (i, j, k)]
    middle = torch.tensor(center, dtype=torch.float32)
    start = torch.tensor(affine[:3, 3], dtype=torch.float32) - middle
    steps = torch.tensor(affine[:3, :3], dtype=torch.float32)

    def linear_map(matrix: torch.Tensor, offset: torch.Tensor) -> torch.Tensor:
        rows = [
            (matrix[r, 0] * axes[0])[None, None, :]
            + (matrix[r, 1] * axes[1])[None, :, None]
            + (matrix[r, 2] * axes[2] + offset[r])[:, None, None]
            for r in range(3)
        ]
        return torch.stack(rows)

    relative = linear_map(steps, start)
    where = relative.permute(1, 2, 3, 0)[None] / (EXTENT_MM / 2)
    field = torch.from_numpy(deformation.field)[None]
    moved = F.grid_sample(field, where, mode="bilinear", padding_mode="border", align_corners=True)[0]
    turn = torch.tensor(deformation.linear, dtype=torch.float32)
    offset = turn @ (start + torch.tensor(deformation.shift, dtype=torch.float32)) + middle
    return (linear_map(turn @ steps, offset) + moved).numpy()


def take_codes(codes: np.ndarray, grid: Grid, points: np.ndarray) -> np.ndarray:
    """Nearest code of a canonical label map at points (3, ...) in LPS millimetres; 0 outside."""
    flat = np.zeros(points.shape[1:], np.int64)
    inside = np.ones(points.shape[1:], bool)
    for axis, stride in ((0, 1), (1, grid.size[0]), (2, grid.size[0] * grid.size[1])):
        index = np.rint((points[axis] - grid.origin[axis]) / grid.spacing[axis]).astype(np.int32)
        inside &= (index >= 0) & (index < grid.size[axis])
        flat += index * stride
    flat[~inside] = 0
    result: np.ndarray = codes.ravel()[flat]
    result[~inside] = 0
    return result
