"""Topology loss: components, rings and hollows of a predicted structure against those of the truth.

    L = sum over k = 0, 1, 2 of lambda_k * W_2(Dgm_k(p), Dgm_k(t))

W_2 is the Wasserstein distance of the persistence diagrams (:mod:`.topology_diagrams`). After Hu et al. (NeurIPS 2019)
and Clough et al. (IEEE TPAMI 44:8766, 2022). Each term sees its own kind of mistake: a structure in two pieces or an
island k = 0, a broken or a superfluous ring k = 1, a filled or a superfluous hollow k = 2.

Two limits to know. Diagrams know nothing of places, so the loss is an addition to Dice, never alone. And a bar that the
prediction does not have at all, as in a hollow filled with one constant value, has a distance but no slope; the values
of a network are never constant.
"""

from __future__ import annotations

import hashlib
import math
from collections import OrderedDict
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from .topology_diagrams import DIMENSIONS, import_gudhi, persistence_diagrams, wasserstein_distance

KEPT_DIAGRAMS = 512
"""Diagrams of so many truths are remembered, about 3 kB each at most."""

LEAST_MARGIN = 2
"""Voxels around the structure that stay in the crop at least."""


class TopologyLoss:
    """The loss of one structure, made cheap: a crop around it, few voxels, every so many steps.

    The crop is the box of the truth, grown on each side by a quarter of its length and at least two voxels (the box of
    ``probability > 0.5`` where the truth is empty). Axes longer than ``size`` are averaged down to it, prediction and
    truth alike, so that equal maps have equal diagrams. Diagrams of truths are remembered by the content of the crop.

    Args:
        weights: lambda_0, lambda_1, lambda_2 for components, rings and hollows.
        size: the most voxels along an axis; the time grows with its third power and more.
        interval: only steps divisible by it are computed, and count so many times, so that the mean over steps is that
            of the loss at every step.
        bars: the most bars per dimension, the longest first.

    Raises:
        ValueError: a value out of its range.
        MissingPackageError: gudhi is not installed.

    Example:
        >>> loss = TopologyLoss(interval=8)
        >>> target = torch.zeros(1, 1, 16, 16, 16)
        >>> target[..., 4:12, 4:12, 4:12] = 1
        >>> probability = torch.rand(1, 1, 16, 16, 16, requires_grad=True)
        >>> loss(probability, target, step=8).backward()
    """

    def __init__(
        self,
        weights: Sequence[float] = (1.0, 1.0, 1.0),
        size: int = 24,
        interval: int = 8,
        bars: int = 64,
    ) -> None:
        if len(weights) != DIMENSIONS or not all(math.isfinite(w) and w >= 0 for w in weights):
            raise ValueError(f"Three weights of at least 0 are needed, not {tuple(weights)}.")
        if size < 4 or interval < 1 or bars < 1:
            raise ValueError(
                f"size must be at least 4, interval and bars at least 1, not {size}, {interval} and {bars}."
            )
        import_gudhi()
        self.weights, self.size, self.interval, self.bars = tuple(weights), size, interval, bars
        self._known: OrderedDict[bytes, tuple[Tensor, ...]] = OrderedDict()

    def is_due(self, step: int) -> bool:
        """Is this step computed? All others give 0."""
        return step % self.interval == 0

    def __call__(self, probability: Tensor, target: Tensor, step: int = 0) -> Tensor:
        """The loss, times the interval, or 0 between intervals; averaged over the batch.

        Args:
            probability: (D, H, W) or (B, 1, D, H, W) in 0..1.
            target: the same shape, 0 or 1.
            step: number of the training step.

        Raises:
            ValueError: shapes that do not fit, or a probability that is not finite.
        """
        if probability.shape != target.shape or not _is_volume(probability):
            raise ValueError(
                "Probability and target must both be (D, H, W) or (B, 1, D, H, W), not "
                f"{tuple(probability.shape)} and {tuple(target.shape)}."
            )
        if not self.is_due(step):
            return probability.new_zeros(())
        volumes = zip(_volumes(probability), _volumes(target), strict=True)
        losses = [torch.stack(self.terms(p, t)).sum() for p, t in volumes]
        return self.interval * torch.stack(losses).mean()

    def terms(self, probability: Tensor, target: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """``lambda_k W_2`` of one volume (D, H, W) for k = 0, 1, 2, without the factor for the interval."""
        wide = probability if probability.dtype is torch.float64 else probability.float()
        truth = target > 0.5
        box = _crop(truth if bool(truth.any()) else wide > 0.5)
        if box is None:
            zero = 0.0 * wide.sum()
            return zero, zero, zero
        small = self._reduce(wide[box])
        if not bool(torch.isfinite(small).all()):
            raise ValueError("The probability holds values that are not finite.")
        found = persistence_diagrams(small, self.bars)
        wanted = self._diagrams_of_truth(self._reduce(truth[box].to(wide.dtype)))
        first, second, third = (
            weight * wasserstein_distance(f, w.to(f)) for weight, f, w in zip(self.weights, found, wanted, strict=True)
        )
        return first, second, third

    def _reduce(self, volume: Tensor) -> Tensor:
        """Averaged down to at most ``size`` voxels along each axis."""
        if max(volume.shape) <= self.size:
            return volume
        depth, height, width = (min(side, self.size) for side in volume.shape)
        return F.adaptive_avg_pool3d(volume[None, None], (depth, height, width))[0, 0]

    def _diagrams_of_truth(self, volume: Tensor) -> tuple[Tensor, ...]:
        values = volume.detach().cpu()
        key = hashlib.blake2b(repr(tuple(values.shape)).encode() + values.float().numpy().tobytes()).digest()
        if key not in self._known:
            self._known[key] = persistence_diagrams(values, self.bars)
            if len(self._known) > KEPT_DIAGRAMS:
                self._known.popitem(last=False)
        self._known.move_to_end(key)
        return self._known[key]


def _is_volume(x: Tensor) -> bool:
    return x.dim() == 3 or (x.dim() == 5 and x.shape[1] == 1)


def _volumes(x: Tensor) -> Tensor:
    """(D, H, W) or (B, 1, D, H, W) -> (B, D, H, W)."""
    return x.reshape(-1, *x.shape[-3:])


def _crop(mask: Tensor) -> tuple[slice, slice, slice] | None:
    """The box of a mask (D, H, W) with its margin, inside the volume; None for an empty mask."""
    if not bool(mask.any()):
        return None
    box = []
    for axis in range(3):
        others = tuple(a for a in range(3) if a != axis)
        first, last = (int(n) for n in torch.aminmax(mask.any(others).nonzero()))
        margin = max(LEAST_MARGIN, math.ceil((last + 1 - first) / 4))
        box.append(slice(max(0, first - margin), min(mask.shape[axis], last + 1 + margin)))
    return box[0], box[1], box[2]
