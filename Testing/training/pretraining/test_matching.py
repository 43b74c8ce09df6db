"""The same place in two views: found where the volumes say it is, mirrored or not."""

import json

import numpy as np
import pytest
import torch

from MultimodalSegLib.training.augment.settings import Augmentation
from MultimodalSegLib.training.data.cache import RECORD, PreparedCase
from MultimodalSegLib.training.pretraining import crops
from MultimodalSegLib.training.pretraining.crops import ViewSamples
from MultimodalSegLib.training.pretraining.matching import (
    Place,
    common_points,
    features_at,
    hidden_points,
    matches,
    whole,
)
from Testing.training.pretraining.small import a_plan

SHAPE = (40, 44, 48)


def a_place(first, extent):
    return Place(np.asarray(first, float), np.asarray(extent, float))


def a_ramp(folder, axis):
    """A case whose intensities are the number of the voxel along an axis."""
    folder.mkdir()
    np.save(folder / "images.npy", np.indices(SHAPE)[axis][None].astype(np.float16))
    entry = {"name": "ramp", "patient": "ramp", "modalities": ["MR"], "family": [0], "spacing": [1, 1, 1]}
    (folder / RECORD).write_text(
        json.dumps(entry | {"shape": SHAPE, "low": [0.0], "labelled": False}), encoding="utf-8"
    )
    return PreparedCase.open(folder)


@pytest.mark.parametrize("mirror", [0.0, 1.0])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_two_views_of_a_ramp_have_the_same_intensity_at_the_same_place(tmp_path, monkeypatch, axis, mirror):
    monkeypatch.setattr(crops, "THICKEST", 1)  # thicker slices round the ramp off
    none = Augmentation(mirror_chance=mirror, noise_chance=0, gamma_chance=0, bias_chance=0, blur_chance=0)
    samples = ViewSamples([a_ramp(tmp_path / "ramp", axis)], a_plan(augmentation=none, masked=(0.2, 0.3)))
    for n in range(3):
        views = samples[n]
        all_views = [*views.large, *views.small]
        for v, image in enumerate(all_views):
            for t, large in enumerate(views.large):
                here, there = (features_at(x, p[v, :, t]) for x, p in ((image, views.here), (large, views.there)))
                apart = (here - there).abs()
                assert float(apart.max()) < 0.8 and float(apart.median()) < 0.1


def test_points_turn_into_places_of_the_volume_and_back():
    place = a_place((2, 4, 6), (8, 8, 4))
    assert place.relative(np.array([[2.0, 8.0, 10.0]])).tolist() == [[-1.0, 0.0, 1.0]]
    assert place.absolute(np.array([[-1.0, 0.0, 1.0]])).tolist() == [[2.0, 8.0, 10.0]]
    assert place.mirrored().first.tolist() == [2, 4, -10]


def test_common_points_lie_in_both_views_and_in_the_volume():
    one, other = a_place((-3, 0, 0), (10, 10, 10)), a_place((2, 5, -4), (10, 10, 10))
    points = common_points(np.random.default_rng(0), one, other, whole((6, 20, 20)), 200)
    assert (points.min(0) >= [2, 5, 0]).all() and (points.max(0) <= [6, 10, 6]).all()
    apart = common_points(np.random.default_rng(0), one, a_place((20, 0, 0), (4, 4, 4)), whole((30, 30, 30)), 5)
    assert np.isfinite(apart).all()


def test_hidden_points_lie_in_hidden_tokens_and_in_the_volume_if_that_can_be():
    hidden = np.zeros((2, 2, 2), bool)
    hidden[0, 1] = True
    view = a_place((0, 0, 0), (8, 8, 8))
    points = hidden_points(np.random.default_rng(0), hidden, view, whole((8, 8, 6)), 50)
    tokens = np.floor(points / 4).astype(int)
    assert hidden[tuple(tokens.T)].all() and points[:, 2].max() <= 6
    outside = hidden_points(np.random.default_rng(0), hidden, view, whole((8, 3, 8)), 50)
    assert outside.shape == (50, 3) and outside[:, 1].min() >= 4


def test_every_view_is_matched_with_every_large_one():
    places = [a_place((n, n, n), (8, 8, 8)) for n in range(3)]
    hidden = [np.ones((2, 2, 2), bool)] * 2
    here, there = matches(np.random.default_rng(0), places, hidden, whole((20, 20, 20)), 7)
    assert here.shape == there.shape == (3, 2, 7, 3) and here.dtype == np.float32
    assert np.array_equal(here[0, 0], there[0, 0]) and np.array_equal(here[1, 1], there[1, 1])
    for v, t in ((0, 1), (1, 0), (2, 0), (2, 1)):
        assert np.allclose(places[v].absolute(here[v, t]), places[t].absolute(there[v, t]), atol=1e-5)


def test_features_between_voxels_are_interpolated():
    features = torch.arange(4.0).view(1, 1, 1, 1, 4)
    points = torch.tensor([[[0.0, 0.0, -0.75], [0.0, 0.0, 0.0], [0.0, 0.0, 1.0]]])
    assert features_at(features, points)[0, :, 0].tolist() == [0.0, 1.5, 3.0]
