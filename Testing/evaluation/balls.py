"""Made-up label maps on a grid that is neither isotropic nor along the patient's axes."""

import numpy as np

from MultimodalSegLib.images.grid import Grid
from MultimodalSegLib.images.volume import Volume
from Testing.points import points_of

COSINE, SINE = np.cos(0.3), np.sin(0.3)
OBLIQUE = Grid(
    (30, 34, 16), (1.0, 1.2, 2.5), (-20.0, 10.0, 40.0), (COSINE, -SINE, 0.0, SINE, COSINE, 0.0, 0.0, 0.0, 1.0)
)
MIDDLE = OBLIQUE.affine[:3, :3] @ ((np.asarray(OBLIQUE.size) - 1) / 2) + OBLIQUE.affine[:3, 3]

Ball = tuple[int, tuple[float, float, float], float]
"""Label value, center from the middle of the grid (LPS mm), radius (mm)."""

TRUE: tuple[Ball, ...] = ((1, (0, 0, 0), 13.0), (2, (2, -3, 4), 6.0))


def balls(drawn: tuple[Ball, ...], grid: Grid = OBLIQUE) -> Volume:
    """A label map of balls in patient space, later ones inside earlier ones."""
    points = points_of(grid)
    array = np.zeros(grid.shape, np.uint16)
    for value, center, radius in drawn:
        array[((points - MIDDLE - np.asarray(center)) ** 2).sum(-1) <= radius**2] = value
    return Volume(array, grid)
