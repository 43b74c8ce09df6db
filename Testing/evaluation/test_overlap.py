"""Counts of voxels give what MONAI and SimpleITK give."""

import math

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from monai.metrics import compute_dice, compute_iou, get_confusion_matrix

from MultimodalSegLib.evaluation.overlap import Counts, count


def two_masks(seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.random((9, 11, 7)) < 0.3, rng.random((9, 11, 7)) < 0.4


@pytest.mark.parametrize("seed", [0, 1])
def test_measures_agree_with_monai_and_simpleitk(seed: int) -> None:
    found, truth = two_masks(seed)
    counts = count(found, truth)
    pair = [torch.from_numpy(mask)[None, None] for mask in (found, truth)]
    assert counts.dice == pytest.approx(float(compute_dice(*pair)))
    assert counts.iou == pytest.approx(float(compute_iou(*pair)))
    matrix = get_confusion_matrix(pair[0].float(), pair[1].float())[0, 0]  # true and false positives, then negatives
    assert (counts.hits, counts.false, counts.rest, counts.missed) == tuple(int(n) for n in matrix)
    overlap = sitk.LabelOverlapMeasuresImageFilter()
    overlap.Execute(*(sitk.GetImageFromArray(mask.astype(np.uint8)) for mask in (found, truth)))
    assert counts.dice == pytest.approx(overlap.GetDiceCoefficient())
    assert counts.iou == pytest.approx(overlap.GetJaccardCoefficient())
    assert 1 - counts.sensitivity == pytest.approx(overlap.GetFalseNegativeError())


def test_nothing_true_and_nothing_found_has_no_dice_and_a_specificity() -> None:
    empty = np.zeros((3, 3, 3), bool)
    counts = count(empty, empty)
    assert all(math.isnan(x) for x in (counts.dice, counts.iou, counts.sensitivity, counts.precision))
    assert counts.specificity == 1


def test_one_side_empty_is_zero() -> None:
    mask = np.zeros((3, 3, 3), bool)
    mask[1] = True
    missed, invented = count(np.zeros_like(mask), mask), count(mask, np.zeros_like(mask))
    assert (missed.dice, missed.iou, missed.sensitivity) == (0, 0, 0) and math.isnan(missed.precision)
    assert (invented.dice, invented.precision) == (0, 0) and math.isnan(invented.sensitivity)
    assert invented.specificity == pytest.approx(18 / 27)


def test_an_image_that_is_all_structure_has_no_specificity() -> None:
    assert math.isnan(Counts(8, 0, 0, 0).specificity)
