"""Distances of surfaces are those of MONAI, DeepMind's surface-distance and, where it has them, SimpleITK."""

import math

import numpy as np
import pytest
import SimpleITK as sitk
import surface_distance
import torch
from monai.metrics import compute_hausdorff_distance, compute_surface_dice

from MultimodalSegLib.evaluation.surfaces import surface_score

SHAPE = (14, 18, 20)
SPACINGS = [(1.0, 1.0, 1.0), (0.8, 0.9, 3.0), (2.0, 1.1, 0.7)]


def ball(center: tuple[float, float, float], radius: float, spacing: tuple[float, float, float]) -> np.ndarray:
    """Center in voxels (i, j, k), radius in mm."""
    k, j, i = np.indices(SHAPE)
    squared = sum(((x - c) * s) ** 2 for x, c, s in zip((i, j, k), center, spacing, strict=True))
    return np.asarray(squared <= radius**2)


@pytest.mark.parametrize("spacing", SPACINGS)
def test_surfaces_agree_with_three_libraries(spacing) -> None:
    reach = 0.35 * min(n * s for n, s in zip(reversed(SHAPE), spacing, strict=True))
    truth = ball((10, 9, 7), reach, spacing)
    found = ball((8.7, 9.6, 6.5), 0.8 * reach, spacing)
    found[2, 2, 2] = True  # far away, so that the percentile matters
    tolerance = 0.7 * max(spacing)
    score = surface_score(found, truth, spacing, tolerance)

    axes = tuple(reversed(spacing))
    pair = [torch.from_numpy(mask)[None, None] for mask in (found, truth)]
    monai = {"include_background": True, "spacing": axes}
    assert score.hd95_mm == pytest.approx(float(compute_hausdorff_distance(*pair, percentile=95, **monai)), abs=1e-4)
    whole = float(compute_surface_dice(*pair, class_thresholds=[tolerance], use_subvoxels=True, **monai))
    assert score.surface_dice == pytest.approx(whole, abs=1e-5)

    distances = surface_distance.compute_surface_distances(truth, found, axes)
    theirs = surface_distance.compute_surface_dice_at_tolerance(distances, tolerance)
    assert score.surface_dice == pytest.approx(theirs, abs=1e-5)
    robust = surface_distance.compute_robust_hausdorff(distances, 95)
    assert abs(score.hd95_mm - robust) <= max(spacing), "their surfaces lie between voxels, ours in them"


def test_of_a_shifted_box_the_hausdorff_distance_is_simpleitks() -> None:
    spacing = (0.8, 0.9, 3.0)
    truth, found = np.zeros((2, *SHAPE), bool)
    truth[3:9, 4:12, 4:12] = True
    found[5:11, 4:12, 6:14] = True  # every border voxel of one side is as far away: the percentile is the maximum
    images = [sitk.GetImageFromArray(mask.astype(np.uint8)) for mask in (truth, found)]
    for image in images:
        image.SetSpacing(spacing)
    whole = sitk.HausdorffDistanceImageFilter()
    whole.Execute(*images)
    score = surface_score(found, truth, spacing, 1.0)
    assert whole.GetHausdorffDistance() == pytest.approx(math.hypot(2 * 3.0, 2 * 0.8), abs=1e-4)
    assert 0.8 * whole.GetHausdorffDistance() < score.hd95_mm <= whole.GetHausdorffDistance() + 1e-4


def test_the_order_of_the_axes_matters() -> None:
    """A shift by one voxel along k of 3 mm is 3 mm, not 0.8."""
    truth, found = np.zeros((2, *SHAPE), bool)
    truth[4:8, 4:12, 4:12] = True
    found[5:9, 4:12, 4:12] = True
    assert surface_score(found, truth, (0.8, 0.8, 3.0), 1.0).hd95_mm == pytest.approx(3.0)


@pytest.mark.parametrize(("found", "truth", "dice"), [(0, 0, math.nan), (1, 0, 0.0), (0, 1, 0.0)])
def test_without_a_surface_there_is_no_distance(found: int, truth: int, dice: float) -> None:
    score = surface_score(np.full(SHAPE, bool(found)), np.full(SHAPE, bool(truth)), (1.0, 1.0, 1.0), 1.0)
    assert math.isnan(score.hd95_mm)
    assert score.surface_dice == pytest.approx(dice, nan_ok=True)


def test_masks_that_touch_the_border_are_equal_to_themselves() -> None:
    full = np.ones(SHAPE, bool)
    score = surface_score(full, full, (1.0, 2.0, 3.0), 0.0)
    assert (score.hd95_mm, score.surface_dice) == (0, 1)


@pytest.mark.parametrize("tolerance", [-1.0, math.nan, math.inf])
def test_a_tolerance_is_a_distance(tolerance: float) -> None:
    with pytest.raises(ValueError, match="tolerance"):
        surface_score(np.ones(SHAPE, bool), np.ones(SHAPE, bool), (1.0, 1.0, 1.0), tolerance)
