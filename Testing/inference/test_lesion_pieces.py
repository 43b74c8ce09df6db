"""Pieces of lesion that are nowhere sure are none, the others keep their extent."""

import numpy as np
import pytest
import torch

from MultimodalSegLib.images.grid import Grid
from MultimodalSegLib.inference.head_box import field_of_view
from MultimodalSegLib.inference.lesion_pieces import without_unsure_pieces
from MultimodalSegLib.inference.uncertainty.accumulate import labels_of
from MultimodalSegLib.inference.upsample import Labelling, to_reference

GRID = Grid((24, 20, 16), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0))
SURE, LIKELY, NONE = 3.0, 0.5, -6.0
VALUES = ((0, 0), (2, 41))


def two_pieces() -> torch.Tensor:
    """One piece that is likely with a sure voxel, and one that is only likely: (1, 16, 20, 24)."""
    lesion = torch.full((1, *GRID.shape), NONE)
    lesion[0, 3:8, 4:9, 3:9] = LIKELY
    lesion[0, 5, 6, 5] = SURE
    lesion[0, 10:13, 12:15, 14:18] = LIKELY
    return lesion


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_the_unsure_piece_goes_and_the_sure_one_keeps_its_extent(dtype: torch.dtype) -> None:
    logits = two_pieces().to(dtype)
    before = logits.clone()
    found = without_unsure_pieces(logits, 0.5, 0.9)
    assert torch.equal(logits, before) and found.dtype == dtype
    kept = before.clone()
    kept[0, 10:13, 12:15, 14:18] = found[0, 10, 12, 14]
    assert torch.equal(found, kept) and float(found[0, 10, 12, 14]) < 0


def test_nothing_goes_where_nothing_is_asked_or_all_is_sure() -> None:
    logits = two_pieces()
    assert without_unsure_pieces(logits, 0.5, 0.0) is logits and without_unsure_pieces(logits, 0.5, 0.5) is logits
    assert without_unsure_pieces(logits, 0.5, 0.6) is logits
    empty = torch.full((1, *GRID.shape), NONE)
    assert without_unsure_pieces(empty, 0.5, 0.9) is empty


def test_pieces_that_touch_at_a_corner_are_one() -> None:
    logits = torch.full((1, *GRID.shape), NONE)
    logits[0, 5, 5, 5], logits[0, 6, 6, 6] = SURE, LIKELY
    assert without_unsure_pieces(logits, 0.5, 0.9) is logits


def test_labels_follow_and_probabilities_stay() -> None:
    brain = torch.full((1, *GRID.shape), 8.0)
    logits = torch.cat([torch.zeros_like(brain), brain, torch.ones_like(brain), two_pieces()])
    rule = Labelling(VALUES, lesion_value=99, wanted=(("lesion", -1, ""),), lesion_peak=0.9)
    labels, maps = to_reference(logits, GRID, field_of_view(GRID), GRID, rule, lambda done: None)
    sure, likely = (slice(3, 8), slice(4, 9), slice(3, 9)), (slice(10, 13), slice(12, 15), slice(14, 18))
    assert (labels[sure] == 99).all() and (labels[likely] == 2).all() and (labels == 99).sum() == labels[sure].size
    np.testing.assert_allclose(maps["lesion"][likely], 1 / (1 + np.exp(-LIKELY)), atol=1e-5)
    assert np.array_equal(labels_of(logits, rule).numpy(), labels)
