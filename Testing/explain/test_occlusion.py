"""Occlusion finds what the network needs, with no more cubes than allowed."""

import torch

from MultimodalSegLib.explain.occlusion import cubes, occlusion
from Testing.explain.conftest import a_subject, a_target, pointwise_network


def test_the_score_falls_only_where_the_network_looks() -> None:
    subject, target = a_subject(pointwise_network()), a_target()
    away = torch.full_like(subject.images, 9.0)
    assert not occlusion(subject, target, away, most=30).whole.any()  # brighter is more lesion, never less
    falls = occlusion(subject, target, -away, most=30).whole
    for place in cubes(subject, target, 30):
        assert bool((falls[place] > 0).any()) == bool(target.mask[place].any())


def test_cubes_cover_the_target_and_are_not_too_many() -> None:
    subject, target = a_subject(pointwise_network()), a_target()
    for most in (1, 8, 64):
        places = cubes(subject, target, most)
        covered = torch.zeros(target.mask.shape, dtype=torch.int)
        for place in places:
            covered[place] += 1
        assert len(places) <= most and int(covered.max()) == 1 and bool(covered[target.mask].all())
