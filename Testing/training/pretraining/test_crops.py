"""Views of a volume: always the same by number, of one region, in slices of three planes."""

import numpy as np
import pytest
import torch

from MultimodalSegLib.errors import InputError
from MultimodalSegLib.training.augment.settings import Augmentation
from MultimodalSegLib.training.pretraining.crops import ViewSamples, side_by_side, sliced
from Testing.training.pretraining.small import a_plan


def test_a_number_always_gives_the_same_views_and_another_number_others(cases):
    first, again = ViewSamples(cases, a_plan()), ViewSamples(cases, a_plan())
    again[3]  # what was drawn before is of no account
    for name, value in vars(first[7]).items():
        assert torch.equal(value, getattr(again[7], name)), name
    assert not torch.equal(first[7].large, first[8].large)
    assert not torch.equal(first[7].large, ViewSamples(cases, a_plan(seed=1))[7].large)


def test_views_of_several_volumes_lie_side_by_side(cases):
    samples = ViewSamples(cases, a_plan())
    views = side_by_side([samples[n] for n in range(3)])
    assert views.large.shape == (2, 3, 1, 16, 16, 16) and views.small.shape == (2, 3, 1, 8, 8, 16)
    assert views.large_family.shape == (2, 3) and views.hidden.shape == (2, 3, 2, 2, 2)
    assert views.here.shape == views.there.shape == (4, 3, 2, 16, 3)
    assert torch.equal(views.large[1, 2], samples[2].large[1, 0])


def test_every_volume_is_seen_before_any_is_seen_again(cases):
    class Noting(ViewSamples):
        def _view(self, case, *rest):
            seen.append(case.name)
            return super()._view(case, *rest)

    seen: list[str] = []
    samples = Noting(cases, a_plan())
    for n in range(len(cases)):
        samples[n]
    assert len(set(seen)) == len(cases)


def test_the_large_crops_show_the_same_region(cases):
    plain = Augmentation(noise_chance=0, gamma_chance=0, bias_chance=0, blur_chance=0)
    samples = ViewSamples(cases, a_plan(augmentation=plain))
    same, other = [], []
    for n in range(len(cases)):
        one, two = samples[n].large.flatten(1)
        stranger = samples[(n + 1) % len(cases)].large[0].flatten()
        same.append(np.corrcoef(one, two)[0, 1])
        other.append(np.corrcoef(one, stranger)[0, 1])
    assert np.mean(same) > np.mean(other) + 0.2


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_thick_slices_are_smooth_across_and_sharp_within(axis):
    image = torch.randn(12, 12, 12, generator=torch.Generator().manual_seed(0))
    thick = sliced(image, axis, 4)
    assert thick.shape == image.shape
    change = [float(thick.diff(dim=n).square().mean()) for n in range(3)]
    across = change.pop(axis)
    assert across < 0.3 * min(change)
    assert torch.equal(sliced(image, axis, 1), image)
    assert float(thick.mean()) == pytest.approx(float(image.mean()), abs=0.02)


def test_no_volume_is_refused():
    with pytest.raises(InputError, match="no volume to learn from"):
        ViewSamples([], a_plan())
