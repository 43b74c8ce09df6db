"""Views in thick slices on the same grid, and how far label maps agree."""

import numpy as np
import pytest
import torch

from MultimodalSegLib.images.grid import Grid
from MultimodalSegLib.inference.uncertainty.agreement import agreement, placement, view_images, view_steps


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_view_blurs_across_its_slices_and_moves_nothing(axis: int) -> None:
    ramp = torch.arange(23.0).reshape([23 if n == axis else 1 for n in range(3)]).expand(23, 23, 23)[None]
    seen = view_images(ramp, axis, 4)
    assert seen.shape == ramp.shape
    inner = seen.narrow(axis + 1, 4, 14)
    assert torch.allclose(inner, ramp.narrow(axis + 1, 4, 14), atol=1e-4)
    other = ramp.transpose(axis + 1, (axis + 1) % 3 + 1)
    assert torch.allclose(view_images(other, axis, 4), other)  # nothing changes along the slices


def test_slices_are_as_thick_on_every_axis_as_the_spacing_makes_them() -> None:
    assert view_steps((1.5, 3.0, 1.0)) == {"axial": 6, "coronal": 2, "sagittal": 4}


def test_agreement_is_the_mean_dice_of_every_two() -> None:
    a, b, c = (np.zeros((4, 4, 4), int) for _ in range(3))
    a[:2], b[:2], c[1:3] = 5, 5, 5
    c[3, 3, 3] = 900
    found = agreement([a, b, c], [5, 7, 900])
    assert found[5] == pytest.approx((1.0 + 0.5 + 0.5) / 3)
    assert found[900] == 0.0 and 7 not in found


def test_placement_measures_how_far_apart_structures_lie() -> None:
    grid = Grid((40, 40, 40), (1.0, 2.0, 1.0))
    a = np.zeros(grid.shape, int)
    a[10:20, 10:20, 10:20] = 3
    b = np.roll(a, 4, axis=1)
    found = placement(a, b, [3], grid)
    assert found is not None
    assert found.distance_mm == pytest.approx(8.0) and found.dice == pytest.approx(0.6)
    assert placement(a, np.zeros_like(a), [3], grid) is None
