"""A small label map of ellipsoids with the numbers of a real one."""

import numpy as np

from MultimodalSegLib.images.grid import Grid
from MultimodalSegLib.synthesis.anatomy import LABELS, Anatomy

GRID = Grid((64, 72, 64), (3.0, 3.0, 3.0), (-94.5, -106.5, -94.5))


def ellipsoid(center: tuple[float, float, float], radii: tuple[float, float, float]) -> np.ndarray:
    """Voxels (k, j, i) of GRID inside an ellipsoid given in LPS millimetres."""
    k, j, i = np.indices(GRID.shape)
    points = np.stack([i, j, k], -1) * np.asarray(GRID.spacing) + np.asarray(GRID.origin)
    return ((points - center) / np.asarray(radii)) ** 2 @ np.ones(3) < 1


def a_head() -> Anatomy:
    """Skin, bone, fluid, cortex, white matter and ventricles, left and right apart; 1 = left has larger x."""
    labels = np.zeros(GRID.shape, int)
    for label, radii in (
        (511, (84, 98, 84)),
        (515, (80, 94, 80)),
        (24, (72, 86, 72)),
        (3, (68, 82, 68)),
        (2, (58, 72, 58)),
    ):
        labels[ellipsoid((0, 0, 0), radii)] = label
    labels[ellipsoid((15, 0, 5), (10, 30, 14))] = 4
    labels[ellipsoid((-15, 0, 5), (10, 30, 14))] = 43
    right = np.broadcast_to(np.arange(GRID.shape[2]) < GRID.shape[2] // 2, GRID.shape)
    labels[right & (labels == 3)] = 42
    labels[right & (labels == 2)] = 41
    table = {label: code for code, label in enumerate(LABELS)}
    codes = np.vectorize(table.__getitem__, otypes=[np.uint8])(labels)
    return Anatomy(codes, GRID, (0.0, 0.0, 0.0))
