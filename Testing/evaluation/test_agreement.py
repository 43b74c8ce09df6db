import math

import numpy as np
import pytest
import SimpleITK as sitk

from MultimodalSegLib.evaluation.agreement import cohen_kappa, fleiss_kappa, rater_agreement


def three_raters(seed: int = 0) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    k, j, i = np.indices((10, 12, 14))
    return [
        (k - 5) ** 2 + (j - 6) ** 2 + (i - 7 - shift) ** 2 + rng.normal(0, 2, k.shape) <= 14 for shift in (0, 0.4, 2)
    ]


def test_kappa_of_fleiss_own_example() -> None:
    """Ten subjects, fourteen raters, five categories; the table of the article on the kappa in Wikipedia."""
    table = [
        (0, 0, 0, 0, 14),
        (0, 2, 6, 4, 2),
        (0, 0, 3, 5, 6),
        (0, 3, 9, 2, 0),
        (2, 2, 8, 1, 1),
        (7, 7, 0, 0, 0),
        (3, 2, 6, 3, 0),
        (2, 5, 3, 2, 2),
        (6, 5, 2, 1, 0),
        (0, 2, 2, 3, 7),
    ]
    assert fleiss_kappa(np.array(table)) == pytest.approx(0.210, abs=5e-4)
    doubled = fleiss_kappa(np.array(table), np.full(10, 3))
    assert doubled == pytest.approx(fleiss_kappa(np.array(table))), "every row three times"


def test_kappas_of_two_raters() -> None:
    a, b, _ = three_raters()
    assert cohen_kappa(a, a) == 1
    observed, p, q = (a == b).mean(), a.mean(), b.mean()
    chance = p * q + (1 - p) * (1 - q)
    assert cohen_kappa(a, b) == pytest.approx((observed - chance) / (1 - chance))
    assert math.isnan(cohen_kappa(np.zeros(5, bool), np.zeros(5, bool)))


def test_the_consensus_is_simpleitks_and_the_one_apart_is_told() -> None:
    masks = three_raters()
    agreement, consensus = rater_agreement(masks)
    images = [sitk.GetImageFromArray(mask.astype(np.uint8)) for mask in masks]
    expected = sitk.GetArrayFromImage(sitk.STAPLE(images, 1.0)) >= 0.5
    assert np.array_equal(consensus, expected)
    assert agreement.dice[2] < min(agreement.dice[:2]) and agreement.cohen[0, 1] > agreement.cohen[0, 2]
    ratings = np.stack([np.sum(masks, axis=0).ravel(), 3 - np.sum(masks, axis=0).ravel()], axis=1)
    assert agreement.fleiss == pytest.approx(fleiss_kappa(ratings))
    assert all(0 < x <= 1 for x in (*agreement.sensitivity, *agreement.specificity))


def test_where_nobody_drew_anything_nothing_is_claimed() -> None:
    agreement, consensus = rater_agreement([np.zeros((3, 3, 3), bool)] * 2)
    assert not consensus.any() and math.isnan(agreement.fleiss) and math.isnan(agreement.dice[0])


def test_one_rater_agrees_with_nobody() -> None:
    with pytest.raises(ValueError, match="two raters"):
        rater_agreement([np.ones((2, 2, 2), bool)])
    with pytest.raises(ValueError, match="same number of raters"):
        fleiss_kappa(np.array([[2, 1], [1, 1]]))


def test_what_all_raters_say_is_the_consensus() -> None:
    full = np.ones((4, 5, 6), bool)
    agreement, consensus = rater_agreement([full, full])
    assert consensus.all() and agreement.dice == (1, 1)
    masks = three_raters()
    masks[2][:] = False
    masks[2][5, 6, 7] = True
    _, consensus = rater_agreement(masks)
    assert consensus[5, 6, 7] and not consensus[~np.any(masks, axis=0)].any()


def test_small_masks_apart_have_no_consensus() -> None:
    masks = [np.zeros((20, 20, 20), bool) for _ in range(2)]
    masks[0][2:4, 2:4, 2:4] = masks[1][9:11, 9:11, 9:11] = True
    agreement, consensus = rater_agreement(masks)
    assert not consensus.any() and agreement.dice == (0, 0)
