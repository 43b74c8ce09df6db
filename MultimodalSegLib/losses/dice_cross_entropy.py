"""Dice plus cross-entropy over many classes in one pass.

Cross-entropy is the mean over voxels of ``-log p_true``. Dice (Milletari et al., 3DV 2016; without squares, as MONAI's
``DiceLoss(batch=True)``) is the mean over the classes present in the target of
``1 - (2 sum(p t) + s) / (sum(p) + sum(t) + s)``.
With K about 27 classes the usual composition keeps five arrays of the size of the logits and takes longer than the
network itself; here both gradients are written out and share one softmax.
"""

import math
from typing import Any

import torch
from torch import Tensor

SMOOTH = 1.0
"""Voxels added to numerator and denominator of the Dice of each class."""


class _DiceCrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, logits: Tensor, target: Tensor, dice_weight: float, entropy_weight: float) -> Tensor:
        k = logits.shape[1]
        p = torch.softmax(logits.float(), dim=1)
        index = target.unsqueeze(1)
        true_p = p.gather(1, index).squeeze(1)
        cross_entropy = -true_p.clamp_min(1e-12).log().mean()
        flat = target.flatten()
        hits = torch.bincount(flat, weights=true_p.flatten(), minlength=k)[:k].to(p.dtype)
        size = torch.bincount(flat, minlength=k)[:k].to(p.dtype)
        mass = p.sum(dim=(0, 2, 3, 4))
        present = (size > 0).to(p.dtype)
        top, bottom = 2 * hits + SMOOTH, mass + size + SMOOTH
        dice_loss = ((1 - top / bottom) * present).sum() / present.sum()
        share = dice_weight * present / present.sum()
        ctx.save_for_backward(p, target, -2 * share / bottom, share * top / bottom**2)
        ctx.dtype, ctx.entropy_weight = logits.dtype, entropy_weight
        return entropy_weight * cross_entropy + dice_weight * dice_loss

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor, None, None, None]:
        """With g = dL/dp_k = on_true * [k is true] + on_all, softmax gives p * (g - sum_j p_j g_j)."""
        p, target, on_true, on_all = ctx.saved_tensors
        index = target.unsqueeze(1)
        true_p = p.gather(1, index)
        true_gain = on_true[target].unsqueeze(1)
        spread = torch.einsum("bkdhw,k->bdhw", p, on_all).unsqueeze(1) + true_p * true_gain
        entropy = ctx.entropy_weight / target.numel()
        gradient = p * ((on_all + entropy).view(1, -1, 1, 1, 1) - spread)
        gradient.scatter_add_(1, index, true_p * true_gain - entropy)
        return (gradient * grad_outputs[0]).to(ctx.dtype), None, None, None


def dice_cross_entropy(logits: Tensor, target: Tensor, dice_weight: float = 1.0, entropy_weight: float = 1.0) -> Tensor:
    """``entropy_weight`` x cross-entropy + ``dice_weight`` x Dice loss.

    Args:
        logits: (B, K, D, H, W), any floating type.
        target: (B, D, H, W) int64 in 0..K-1.
        dice_weight: weight of the Dice term.
        entropy_weight: weight of the cross-entropy.

    Returns:
        Scalar float32; the Dice term counts the batch as one volume and only classes that the target holds.

    Raises:
        ValueError: shapes that do not fit, or a weight that is negative or not finite.

    Example:
        >>> logits = torch.randn(1, 3, 8, 8, 8, requires_grad=True)
        >>> dice_cross_entropy(logits, torch.randint(0, 3, (1, 8, 8, 8))).backward()
    """
    if logits.dim() != 5 or target.shape != logits[:, 0].shape:
        raise ValueError(
            f"Logits (B, K, D, H, W) and target (B, D, H, W) do not fit: {tuple(logits.shape)}, {tuple(target.shape)}."
        )
    if not all(math.isfinite(weight) and weight >= 0 for weight in (dice_weight, entropy_weight)):
        raise ValueError(f"Weights must be finite and at least 0, not {dice_weight} and {entropy_weight}.")
    result: Tensor = _DiceCrossEntropy.apply(logits, target, dice_weight, entropy_weight)
    return result
