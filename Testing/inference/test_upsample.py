"""Labels on the reference grid: the right side, the right place, and nothing lost by skipping classes."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from MultimodalSegLib.errors import Cancelled
from MultimodalSegLib.images.grid import Grid
from MultimodalSegLib.inference.head_box import Box, field_of_view
from MultimodalSegLib.inference.scaling import Scaling
from MultimodalSegLib.inference.upsample import Labelling, to_reference
from Testing.points import points_of

WORKING = Grid((32, 40, 24), (2.0, 2.0, 2.0), (-31.0, -39.0, -23.0))
WHOLE = field_of_view(WORKING)
OBLIQUE = Grid((50, 60, 40), (1.1, 1.3, 1.7), (-40.0, -20.0, -30.0), (0.8, -0.6, 0.0, 0.6, 0.8, 0.0, 0.0, 0.0, 1.0))
FLIPPED = Grid((70, 83, 55), (0.9, 0.9, 0.9), (31.0, 37.0, -24.0), (-1.0, 0.0, 0.0, 0.0, -1.0, 0.0, 0.0, 0.0, 1.0))


def inside(points, box, inset=0.0):
    return np.all((points >= np.array(box.low) + inset) & (points <= np.array(box.high) - inset), -1)


def logits_from(*channels):
    return torch.from_numpy(np.stack(channels).astype(np.float32))


def half_space_logits():
    """Class 1, paired, where z > 0; left where x > 0; lesion where y > 20."""
    p = points_of(WORKING)
    zero = np.zeros(WORKING.shape)
    return logits_from(zero, p[..., 2], p[..., 0], p[..., 1] - 20)


def ignore(done):
    pass


@pytest.mark.parametrize("reference", [WORKING, OBLIQUE, FLIPPED])
def test_left_is_plus_x_in_patient_space(reference):
    labelling = Labelling(((0, 0), (17, 53)), lesion_value=600)
    labels, _ = to_reference(half_space_logits(), WORKING, WHOLE, reference, labelling, ignore)
    p = points_of(reference)
    expected = np.where(p[..., 2] > 0, np.where(p[..., 0] > 0, 17, 53), 0)
    expected[p[..., 1] > 20] = 600
    expected[~inside(p, WHOLE)] = 0
    sure = np.all(abs(p - [0, 20, 0]) > 1e-3, -1) & (inside(p, WHOLE, 1.1) | ~inside(p, WHOLE))
    assert sure.mean() > 0.8
    np.testing.assert_array_equal(labels[sure], expected[sure])
    assert labels.dtype == np.uint16 and {17, 53, 600} <= set(np.unique(labels).tolist())


def test_a_lesion_stays_in_the_structures_that_can_hold_one():
    labelling = Labelling(((0, 0), (17, 53)), lesion_value=600, lesion_hosts=frozenset({1}))
    labels, _ = to_reference(half_space_logits(), WORKING, WHOLE, WORKING, labelling, ignore)
    p = points_of(WORKING)
    np.testing.assert_array_equal(labels == 600, (p[..., 1] > 20) & (p[..., 2] > 0))


def test_only_the_head_box_is_labelled():
    box = Box((-10.0, -10.0, 2.0), (10.0, 10.0, 12.0))
    labelling = Labelling(((0, 0), (17, 53)))
    labels, _ = to_reference(half_space_logits(), WORKING, box, FLIPPED, labelling, ignore)
    np.testing.assert_array_equal(labels > 0, inside(points_of(FLIPPED), box))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_same_as_sampling_every_class_everywhere(dtype):
    generator = torch.Generator().manual_seed(0)
    coarse = torch.randn(1, 14, 6, 10, 8, generator=generator) * 6
    logits = torch.nn.functional.interpolate(coarse, WORKING.shape, mode="trilinear")[0].to(dtype)
    values = tuple((n, n + 100 * (n > 6)) for n in range(12))
    labels, maps = to_reference(
        logits, WORKING, WHOLE, OBLIQUE, Labelling(values, None, 0.5, (("a", 3, ""), ("b", 9, "left"))), ignore
    )
    inverse = np.linalg.inv(WORKING.affine)
    index = points_of(OBLIQUE) @ inverse[:3, :3].T + inverse[:3, 3]
    unit = torch.from_numpy(2 * index / (np.array(WORKING.size) - 1) - 1).float()[None]
    whole = torch.cat([torch.softmax(logits[:12].float(), 0), logits[12:].float()])
    sampled = torch.nn.functional.grid_sample(whole[None], unit, padding_mode="border", align_corners=True)[0].numpy()
    table = np.array(values)
    best = sampled[:12].argmax(0)
    expected = np.where(sampled[12] > 0, table[best, 0], table[best, 1])
    mask = inside(points_of(OBLIQUE), WHOLE, 1e-3)
    assert np.mean(labels[mask] == expected[mask]) > 0.9999
    np.testing.assert_allclose(maps["a"][mask], sampled[3][mask], atol=1e-5)
    np.testing.assert_allclose(maps["b"][mask], (sampled[9] / (1 + np.exp(-sampled[12])))[mask], atol=1e-5)
    assert maps["a"][~inside(points_of(OBLIQUE), WHOLE)].max() == 0


def test_probabilities_are_calibrated_and_labels_are_not():
    logits = torch.randn(4, *WORKING.shape, generator=torch.Generator().manual_seed(1))
    plain = Labelling(
        ((0, 0), (17, 53)), 600, wanted=(("a", 1, ""), ("right", 1, "right"), ("lesion", -1, "")), lesion_hosts={1}
    )
    scaled = replace(plain, scaling=Scaling(temperature=2.0, slope=0.5, offset=-3.0))
    before, raw = to_reference(logits, WORKING, WHOLE, OBLIQUE, plain, ignore)
    after, maps = to_reference(logits, WORKING, WHOLE, OBLIQUE, scaled, ignore)
    np.testing.assert_array_equal(before, after)
    adjusted = logits.clone()
    adjusted[:2] /= 2.0
    adjusted[3] = 0.5 * adjusted[3] - 3.0
    _, expected = to_reference(adjusted, WORKING, WHOLE, OBLIQUE, plain, ignore)
    assert list(maps) == ["a", "right", "lesion"]
    for name, map_ in maps.items():
        np.testing.assert_allclose(map_, expected[name], atol=1e-6)
        assert np.abs(map_ - raw[name]).max() > 0.05
    assert (after == 600).any() and maps["lesion"].max() < 0.5  # a mask is not where its calibrated map says 0.5


def test_a_reference_far_away_is_all_background():
    far = Grid((20, 20, 20), (1.0, 1.0, 1.0), (500.0, 0.0, 0.0))
    labels, maps = to_reference(
        half_space_logits(), WORKING, WHOLE, far, Labelling(((0, 0), (17, 53)), wanted=(("x", 1, ""),)), ignore
    )
    assert not labels.any() and not maps["x"].any()


def test_stopping_between_bricks():
    def stop(done):
        raise Cancelled("Stopped.")

    with pytest.raises(Cancelled):
        to_reference(half_space_logits(), WORKING, WHOLE, FLIPPED, Labelling(((0, 0), (17, 53))), stop)
