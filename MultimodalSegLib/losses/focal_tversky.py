"""Focal Tversky loss for a rare binary structure (Abraham and Khan, ISBI 2019)."""

from torch import Tensor


def focal_tversky(
    probability: Tensor, target: Tensor, miss_weight: float = 0.7, gamma: float = 0.75, smooth: float = 10.0
) -> Tensor:
    """``(1 - TI) ** gamma`` with ``TI = TP / (TP + a FN + (1 - a) FP)``, per volume, averaged.

    Args:
        probability: (B, 1, D, H, W) in 0..1.
        target: same shape, 0 or 1.
        miss_weight: a, cost of a missed voxel against 1 - a for a false one.
        gamma: below 1 it keeps the gradient large while the overlap is poor.
        smooth: voxels added above and below; lets an empty target with an empty prediction cost nothing.
    """
    axes = (1, 2, 3, 4)
    hit = (probability * target).sum(axes)
    missed = ((1 - probability) * target).sum(axes)
    false = (probability * (1 - target)).sum(axes)
    index = (hit + smooth) / (hit + miss_weight * missed + (1 - miss_weight) * false + smooth)
    return (1 - index).clamp_min(1e-6).pow(gamma).mean()
