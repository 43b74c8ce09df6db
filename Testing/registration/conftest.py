"""A head of ellipsoids, as a CT sees it and as an MRI of a patient who moved sees it."""

from collections.abc import Callable

import numpy as np
import pytest
import SimpleITK as sitk

from MultimodalSegLib.images.grid import Grid
from MultimodalSegLib.images.volume import Volume
from Testing.points import points_of

# center and half axes (LPS mm), HU, MRI signal; later ones lie inside earlier ones
PARTS = (
    ((0, 0, 0), (75, 92, 85), 20, 600),
    ((0, 4, 6), (68, 84, 74), 1000, 40),
    ((0, 4, 6), (61, 77, 67), 36, 350),
    ((30, -68, -25), (13, 13, 13), 8, 120),
    ((-32, -68, -25), (13, 13, 13), 8, 120),
    ((0, -96, -30), (12, 16, 20), 10, 500),
    ((15, 0, 16), (9, 30, 14), 5, 90),
    ((-13, -2, 14), (7, 24, 11), 5, 90),
    ((0, 45, -30), (40, 25, 20), 45, 250),
    ((-32, 30, 32), (15, 12, 13), 65, 560),
)
COUCH = (slice(None), slice(-5, -3), slice(4, -4))

CT_GRID = Grid((84, 92, 62), (2.4, 2.4, 3.0), (-100.0, -110.0, -92.0))
# sagittal slices of an MRI, turned and flipped: i runs to posterior, j to inferior, k to the right
MR_GRID = Grid((76, 72, 58), (3.0, 3.0, 3.5), (105.0, -120.0, 118.0), (0.0, 0.0, -1.0, 1.0, 0.0, 0.0, 0.0, -1.0, 0.0))

MOTION = sitk.Euler3DTransform((0.0, 0.0, 0.0), 0.2, -0.1, 0.15, (14.0, -9.0, 8.0))
"""Maps points of the CT to points of the MRI."""


def draw(grid: Grid, column: int, outside: float, noise: float, motion: sitk.Transform | None = None) -> Volume:
    """The head on a grid, in a patient moved by ``motion``, with soft borders."""
    points = points_of(grid)
    if motion is not None:
        back = motion.GetInverse()
        start = np.asarray(back.TransformPoint((0.0, 0.0, 0.0)))
        points = points @ np.array([np.asarray(back.TransformPoint(row)) - start for row in np.eye(3).tolist()]) + start
    array = np.full(grid.shape, outside, np.float32)
    for part in PARTS:
        center, axes, value = np.asarray(part[0]), np.asarray(part[1]), part[column]
        distance = (np.linalg.norm((points - center) / axes, axis=-1) - 1.0) * axes.min()
        inside = np.clip(0.5 - distance / 3.0, 0.0, 1.0)
        array += inside * (value - array)
    array += np.random.default_rng(column).normal(0.0, noise, grid.shape)
    return Volume(array.astype(np.float32), grid)


@pytest.fixture(scope="session")
def a_ct() -> Volume:
    """With a couch, and -3024 outside the scanner's circle."""
    volume = draw(CT_GRID, 2, -1000.0, 10.0)
    volume.array[COUCH] = 200.0
    j, i = np.indices(CT_GRID.shape[1:])
    volume.array[:, (j - 46) ** 2 + (i - 42) ** 2 > 47**2] = -3024.0
    return volume


@pytest.fixture(scope="session")
def an_mr() -> Volume:
    """Sagittal slices of the patient after :data:`MOTION`, with noise in the air as magnitudes have."""
    volume = draw(MR_GRID, 3, 0.0, 15.0, MOTION)
    return volume.with_array(np.abs(volume.array))


@pytest.fixture(scope="session")
def motion() -> sitk.Transform:
    return MOTION


@pytest.fixture(scope="session")
def error() -> Callable[[sitk.Transform], float]:
    """Mean distance in mm, over the head, between a transform and the true motion."""

    def measure(transform: sitk.Transform) -> float:
        points = np.random.default_rng(0).uniform(-1.0, 1.0, (600, 3))
        points = points[np.linalg.norm(points, axis=1) < 1.0] * PARTS[0][1]
        apart = [np.subtract(transform.TransformPoint(p), MOTION.TransformPoint(p)) for p in points.tolist()]
        return float(np.linalg.norm(apart, axis=1).mean())

    return measure
