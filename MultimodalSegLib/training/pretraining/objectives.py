"""What the student learns from the teacher, one function an idea."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

EPSILON = 1e-8


def view_loss(student: Tensor, targets: Tensor, temperature: float) -> Tensor:
    """Cross-entropy between the teacher's view of a volume and every other view that the student has of it.

    Args:
        student: (V, B, K) logits of the student; the first views are those of the teacher.
        targets: (T, B, K) probabilities of the teacher, T <= V.
        temperature: of the student's softmax.

    Returns:
        Mean over pairs of different views, and over volumes.

    Raises:
        ValueError: there are no two different views.

    Source:
        Caron et al., DINO, ICCV 2021, equation 3; Oquab et al., DINOv2, TMLR 2024, section 4 (image-level objective).

    Example:
        >>> certain = torch.tensor([[[1.0, 0.0]], [[1.0, 0.0]]])
        >>> float(view_loss(20 * certain, certain, 1.0)) < 1e-6
        True
    """
    pairs = [(t, v) for t in range(len(targets)) for v in range(len(student)) if t != v]
    if not pairs:
        raise ValueError(f"{len(student)} views of the student and {len(targets)} of the teacher make no pair")
    logarithms = F.log_softmax(student.float() / temperature, dim=-1)
    losses = [-(targets[t] * logarithms[v]).sum(-1).mean() for t, v in pairs]
    return torch.stack(losses).mean()


def place_loss(student: Tensor, targets: Tensor, temperature: float) -> Tensor:
    """Cross-entropy between what the teacher and the student say of the same places, mean over all of them.

    The places are seen by both, each in a view of its own, or hidden from the student.

    Args:
        student: (..., K) logits of the student.
        targets: (..., K) probabilities of the teacher.
        temperature: of the student's softmax.

    Source:
        Zhou et al., iBOT, ICLR 2022, equation 2 (hidden places); Wang et al., DenseCL, CVPR 2021, section 3.3 and
        Yun et al., SelfPatch, CVPR 2022 (the same place in two views), here by position and not by likeness.

    Example:
        >>> round(float(place_loss(torch.zeros(5, 2), torch.tensor([1.0, 0.0]).expand(5, 2), 0.1)), 4)  # log(2)
        0.6931
    """
    return -(targets * F.log_softmax(student.float() / temperature, dim=-1)).sum(-1).mean()


def spread_loss(features: Tensor) -> Tensor:
    """KoLeo: minus the mean logarithm of the distance to the nearest other sample, on the unit sphere.

    It is large where two samples come close to each other, and so spreads a batch evenly.

    Args:
        features: (B, C), at least two samples.

    Raises:
        ValueError: fewer than two samples.

    Source:
        Sablayrolles et al., Spreading vectors for similarity search, ICLR 2019, equation 2 (Kozachenko-Leonenko
        estimator of entropy); Oquab et al., DINOv2, TMLR 2024, section 4.

    Example:
        >>> round(float(spread_loss(torch.eye(2))), 4)  # -log(sqrt(2))
        -0.3466
    """
    if len(features) < 2:
        raise ValueError(f"{len(features)} sample has no neighbor to be far from")
    x = F.normalize(features.float(), dim=-1, eps=EPSILON)
    with torch.no_grad():
        nearness = (x @ x.T).fill_diagonal_(-2.0)
        nearest = nearness.argmax(1)
    distance = F.pairwise_distance(x, x[nearest], eps=EPSILON)
    return -torch.log(distance + EPSILON).mean()


def restoration_loss(restored: Tensor, images: Tensor, mask: Tensor) -> Tensor:
    """Mean squared error of the intensities that were hidden, relative to the variance of their crop.

    Args:
        restored: (N, 1, D, H, W).
        images: (N, 1, D, H, W) as the teacher sees them.
        mask: (N, 1, D, H, W) bool, True where hidden.

    Source:
        He et al., Masked autoencoders are scalable vision learners, CVPR 2022, section 3 (normalized targets; here by
        crop, not by patch, because absolute intensities tell tissues apart).
    """
    images = images.float()
    variance = images.var(dim=(1, 2, 3, 4), keepdim=True).clamp_min(EPSILON)
    errors = (restored.float() - images).square() / variance
    return errors[mask].mean()


def spread(features: Tensor) -> float:
    """How far the features of a batch lie apart: 1 for directions at random, 0 if all are the same (collapse).

    The root of the summed variances of the coordinates on the unit sphere.

    Args:
        features: (B, C).

    Example:
        >>> spread(torch.ones(4, 8)), round(spread(torch.cat([torch.eye(8), -torch.eye(8)])), 3)
        (0.0, 1.0)
    """
    x = F.normalize(features.float(), dim=-1, eps=EPSILON)
    return float(x.var(0, correction=0).sum().sqrt())
