"""Boundary loss: the mean length of the difference of the spatial gradients of prediction and truth.

    L = 1 / (B K V) * sum over batch, classes and voxels of || grad p - grad t ||_2        (1/mm)

p is the probability, t the truth (0 or 1), ``grad`` the forward difference along each axis divided by the voxel's side
in millimetres; beyond the last voxel the difference is 0. It is the gradient difference loss of Mathieu et al. (ICLR
2016, eq. 6) with the Euclidean norm of the vector in place of its components, taken on segmentation maps: only voxels
at a true or a predicted border count, and a border in the wrong place counts twice.

With K about 27 classes automatic differentiation keeps a dozen arrays of the size of the probabilities; here value and
slope are worked out class by class and only one such array is kept.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

Spacing = tuple[float, float, float]


class _Boundary(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, probability: Tensor, target: Tensor, spacing: Spacing) -> Tensor:
        p = probability if probability.dtype is torch.float64 else probability.float()
        slope = torch.empty_like(p)
        total = p.new_zeros(())
        for k in range(p.shape[1]):
            truth = target[:, k] if target.dim() == p.dim() else target == k
            length, slope[:, k] = _length_and_slope(p[:, k] - truth.to(p.dtype), spacing)
            total += length
        ctx.save_for_backward(slope)
        ctx.dtype = probability.dtype
        return total / p.numel()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor, None, None]:
        (slope,) = ctx.saved_tensors
        return (slope * (grad_outputs[0] / slope.numel())).to(ctx.dtype), None, None


def _length_and_slope(difference: Tensor, spacing: Spacing) -> tuple[Tensor, Tensor]:
    """Sum over voxels of the length of the gradient of a map (B, D, H, W), and the derivative of that sum."""
    steps = [difference.diff(dim=axis + 1) / side for axis, side in enumerate(spacing)]
    squared = torch.zeros_like(difference)
    for axis, step in enumerate(steps, start=1):
        squared.narrow(axis, 0, step.shape[axis]).add_(step.square())
    length = squared.sqrt()
    slope = torch.zeros_like(difference)
    for axis, (step, side) in enumerate(zip(steps, spacing, strict=True), start=1):
        count = step.shape[axis]
        pull = step / length.narrow(axis, 0, count).clamp_min(1e-12) / side  # where both are 0 the slope is taken as 0
        slope.narrow(axis, 1, count).add_(pull)
        slope.narrow(axis, 0, count).sub_(pull)
    return length.sum(), slope


def boundary_loss(probability: Tensor, target: Tensor, spacing: Spacing = (1.0, 1.0, 1.0)) -> Tensor:
    """Mean over batch, classes and voxels of ``|| grad probability - grad target ||`` in 1/mm.

    Args:
        probability: (B, K, D, H, W) in 0..1.
        target: the same shape with 0 and 1, or (B, D, H, W) integers in 0..K-1.
        spacing: millimetres per voxel along (D, H, W).

    Returns:
        Scalar, float64 for float64 probabilities and float32 for all others.

    Raises:
        ValueError: shapes that do not fit, a class that is not there, a spacing that is not positive and finite.

    Example:
        >>> target = torch.zeros(1, 8, 8, 8, dtype=torch.int64)
        >>> target[:, 2:6, 2:6, 2:6] = 1
        >>> logits = torch.zeros(1, 2, 8, 8, 8, requires_grad=True)
        >>> loss = boundary_loss(logits.softmax(1), target, spacing=(3.0, 1.0, 1.0))
        >>> loss.backward()
    """
    if probability.dim() != 5:
        raise ValueError(f"Probabilities must be (B, K, D, H, W), not {tuple(probability.shape)}.")
    batch, classes, *space = probability.shape
    if target.shape != probability.shape:
        if tuple(target.shape) != (batch, *space) or target.is_floating_point():
            raise ValueError(
                f"A target of shape {tuple(target.shape)} and type {target.dtype} fits no probabilities of shape "
                f"{tuple(probability.shape)}: give that shape, or integers without the class axis."
            )
        lowest, highest = (int(value) for value in torch.aminmax(target))
        if lowest < 0 or highest >= classes:
            raise ValueError(f"The target holds {lowest} to {highest}, but there are {classes} classes.")
    if len(spacing) != 3 or not all(math.isfinite(side) and side > 0 for side in spacing):
        raise ValueError(f"The spacing must be three positive millimetres, not {spacing}.")
    result: Tensor = _Boundary.apply(probability, target, spacing)
    return result
