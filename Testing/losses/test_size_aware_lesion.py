"""Each lesion counts the same: the loss against plain loops, and a lesion of 3 mm against one of 30 mm."""

import numpy as np
import pytest
import torch

from MultimodalSegLib.losses.size_aware_lesion import lesion_regions, size_aware_lesion_loss

MISS = 0.7


def two_lesions(spacing: float) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """A field of 72 x 42 x 42 mm with balls of 3 and 30 mm: both together, and each alone (1, 1, D, H, W)."""
    shape = [round(length / spacing) for length in (72, 42, 42)]
    points = np.stack(np.meshgrid(*((np.arange(n) + 0.5) * spacing for n in shape), indexing="ij"), -1)
    balls = [np.linalg.norm(points - c, axis=-1) <= r for c, r in (((60, 21, 21), 1.5), ((24, 21, 21), 15.0))]
    if not balls[0].any():  # a voxel larger than the lesion
        balls[0][tuple((np.array((60, 21, 21)) // spacing).astype(int))] = True
    small, large = (torch.from_numpy(ball.astype(np.float32))[None, None] for ball in balls)
    return small + large, small, large


def by_loops(logit: np.ndarray, regions: np.ndarray, count: int) -> float:
    """One volume, voxel by voxel."""
    p = 1 / (1 + np.exp(-logit))
    means, mass = [], [[] for _ in range(count + 1)]
    for r in range(count + 1):
        each = []
        for index in np.argwhere(regions == r):
            chance = p[tuple(index)]
            each.append(-np.log(chance if r else 1 - chance))
            mass[r].append(chance)
        means.append(np.mean(each))
    false = sum(mass[0]) / sum(map(len, mass[1:]))
    hits = [np.mean(m) for m in mass[1:]]
    blobs = [1 - h / (h + MISS * (1 - h) + (1 - MISS) * false) for h in hits]
    return float(np.mean(means) + np.mean(blobs))


def a_case() -> tuple[torch.Tensor, torch.Tensor]:
    """float64 logits and three lesions in two volumes, one of them a single voxel."""
    torch.manual_seed(1)
    target = torch.zeros(2, 1, 5, 6, 7, dtype=torch.float64)
    target[0, 0, 0, 0, 0] = 1
    target[0, 0, 2:4, 2:5, 2:5] = 1
    target[1, 0, 1:3, 1:3, 5:] = 1
    return torch.randn_like(target), target


def test_the_value_is_that_of_plain_loops():
    logit, target = a_case()
    regions = np.zeros((2, 5, 6, 7), int)
    regions[0, 0, 0, 0], regions[0, 2:4, 2:5, 2:5], regions[1, 1:3, 1:3, 5:] = 1, 2, 1
    wanted = np.mean([by_loops(logit[b, 0].numpy(), regions[b], count) for b, count in enumerate((2, 1))])
    assert float(size_aware_lesion_loss(logit, target, MISS)) == pytest.approx(wanted, rel=1e-12)


def test_the_gradient_is_that_of_finite_differences():
    logit, target = a_case()
    logit.requires_grad_()
    assert torch.autograd.gradcheck(lambda z: size_aware_lesion_loss(z, target), logit)


@pytest.mark.parametrize("spacing", [1.0, 1.5, 3.0])
def test_a_missed_lesion_of_3_mm_pulls_as_hard_as_one_of_30_mm(spacing):
    target, small, large = two_lesions(spacing)
    assert large.sum() > 500 * small.sum()
    logit = torch.full_like(target, -5.0, requires_grad=True)
    size_aware_lesion_loss(logit, target).backward()
    assert logit.grad is not None
    pulls = [float((logit.grad * lesion).sum()) for lesion in (small, large)]
    assert pulls[0] == pytest.approx(pulls[1], rel=1e-4) and pulls[0] < -0.3


@pytest.mark.parametrize("spacing", [1.0, 1.5, 3.0])
def test_to_miss_a_lesion_of_3_mm_costs_what_to_miss_one_of_30_mm_costs(spacing):
    target, small, large = two_lesions(spacing)
    found, without_small, without_large = (
        float(size_aware_lesion_loss(16 * said - 8, target)) for said in (target, large, small)
    )
    assert found < 0.01 and without_small > 1
    assert without_small == pytest.approx(without_large, rel=1e-3)


def test_the_spacing_has_no_influence():
    def missed(spacing: float) -> float:
        target, _, large = two_lesions(spacing)
        return float(size_aware_lesion_loss(16 * large - 8, target))

    assert missed(1.0) == pytest.approx(missed(1.5), rel=1e-3) == pytest.approx(missed(3.0), rel=1e-3)


def test_false_voxels_cost():
    target, _, _ = two_lesions(1.5)
    logit = 16 * target - 8
    more = logit.clone()
    more[..., :2, :, :] = 8
    slab, size = more[..., :2, :, :].numel(), float(target.sum())
    entropy = 8 * slab / (target.numel() - size) / 3  # one of three regions
    overlap = 1 - 1 / (1 + 0.3 * slab / size)
    raised = size_aware_lesion_loss(more, target) - size_aware_lesion_loss(logit, target)
    assert float(raised) == pytest.approx(entropy + overlap, rel=0.01)


def test_without_a_lesion_it_is_the_mean_cross_entropy():
    logit, empty = torch.randn(1, 1, 4, 4, 4), torch.zeros(1, 1, 4, 4, 4)
    wanted = torch.nn.functional.binary_cross_entropy_with_logits(logit, empty)
    assert float(size_aware_lesion_loss(logit, empty)) == pytest.approx(float(wanted))


def test_a_volume_that_is_all_lesion_has_no_background():
    full = torch.ones(1, 1, 4, 4, 4)
    assert float(size_aware_lesion_loss(20 * full, full)) == pytest.approx(0.0, abs=1e-5)
    assert float(size_aware_lesion_loss(0 * full, full)) == pytest.approx(np.log(2) + 1 - 0.5 / 0.85)


def test_the_regions_can_count_less_than_the_components():
    logit, target = a_case()
    whole, half, none = (float(size_aware_lesion_loss(logit, target, MISS, regions=w)) for w in (1.0, 0.5, 0.0))
    assert whole - half == pytest.approx(half - none) and whole > half > none > 0
    assert float(size_aware_lesion_loss(logit, torch.zeros_like(target), regions=0.0)) == 0.0


def test_voxels_that_touch_at_a_corner_are_one_lesion_of_26_and_two_of_6():
    target = torch.zeros(2, 1, 4, 4, 4)
    target[0, 0, 1, 1, 1] = target[0, 0, 2, 2, 2] = target[1, 0, 0, 0, 0] = 1
    assert lesion_regions(target)[1] == [1, 1]
    regions, counts = lesion_regions(target, connectivity=6)
    assert counts == [2, 1]
    assert sorted(regions[target[:, 0] > 0].tolist()) == [1, 1, 2] and regions.dtype is torch.int64


def test_what_does_not_fit_is_refused():
    volume = torch.zeros(1, 1, 4, 4, 4)
    with pytest.raises(ValueError, match="must both be"):
        size_aware_lesion_loss(volume, volume[..., :3])
    with pytest.raises(ValueError, match="must both be"):
        size_aware_lesion_loss(torch.zeros(1, 2, 4, 4, 4), torch.zeros(1, 2, 4, 4, 4))
    with pytest.raises(ValueError, match="between 0 and 1"):
        size_aware_lesion_loss(volume, volume, miss_weight=1.0)
    with pytest.raises(ValueError, match="regions must be at least 0"):
        size_aware_lesion_loss(volume, volume, regions=-1.0)
    with pytest.raises(ValueError, match="not 8"):
        size_aware_lesion_loss(volume, volume, connectivity=8)
