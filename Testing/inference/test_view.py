"""The network's view of a case, and maps brought back from it into the patient."""

import numpy as np
import pytest
import torch

from MultimodalSegLib.images.grid import Grid
from MultimodalSegLib.inference.head_box import Box
from MultimodalSegLib.inference.view import NetworkView

WORKING = Grid((48, 40, 32), (1.5, 1.5, 2.0), (-30.0, 10.0, 5.0))
REFERENCE = Grid((50, 60, 40), (1.2, 1.0, 1.1), (-20.0, 15.0, 12.0))


def a_view() -> NetworkView:
    low, high = WORKING.corners.min(0), WORKING.corners.max(0)
    return NetworkView(torch.zeros(1, *WORKING.shape), ("CT",), torch.tensor([0]), WORKING, Box.of(low, high))


def x_of(grid: Grid, shape: tuple[int, ...], step: int) -> np.ndarray:
    """Patient x of the middle of each coarse voxel of a grid."""
    i = np.arange(shape[2]) * step + (step - 1) / 2
    return np.broadcast_to(grid.origin[0] + i * grid.spacing[0], shape).astype(np.float32)


@pytest.mark.parametrize("step", [1, 2, 8])
def test_maps_of_every_scale_lie_where_the_patient_is(step: int) -> None:
    shape = tuple(-(-n // step) for n in WORKING.shape)
    found = a_view().on(REFERENCE, x_of(WORKING, shape, step)).array
    expected = x_of(REFERENCE, REFERENCE.shape, 1)
    middle = (slice(8, -8),) * 3
    assert np.abs(found - expected)[middle].max() < 0.02


def test_outside_the_working_grid_there_is_nothing() -> None:
    far = Grid((4, 4, 4), (1.0, 1.0, 1.0), (500.0, 500.0, 500.0))
    assert not a_view().on(far, np.ones(WORKING.shape)).array.any()
