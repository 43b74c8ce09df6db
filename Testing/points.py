"""Where voxels are, written down once more: what is tested must agree with it."""

from __future__ import annotations

import numpy as np

from MultimodalSegLib.images.grid import Grid


def points_of(grid: Grid) -> np.ndarray:
    """Voxel centres (k, j, i, 3), LPS mm."""
    k, j, i = np.indices(grid.shape)
    return np.stack([i, j, k], axis=-1) @ grid.affine[:3, :3].T + grid.affine[:3, 3]
