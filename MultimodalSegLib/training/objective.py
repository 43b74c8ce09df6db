"""What a training step minimizes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from ..losses.boundary import Spacing, boundary_loss
from ..losses.dice_cross_entropy import dice_cross_entropy
from ..losses.schedule import HEAD_SCHEDULE, LossSchedule, LossWeights
from ..losses.size_aware_lesion import size_aware_lesion_loss
from ..losses.topology import TopologyLoss
from ..networks.fusion_net import FusionOutput
from .deep_supervision import CoarseAnswer, coarse_sample
from .samples import Sample

PRESENCE_VOXELS = 8
"""Fewer lesion voxels than this in a crop count as none for the presence output."""

LESION_VOXEL_WEIGHT, LESION_SIZE_WEIGHT = 10.0, 0.5
"""Plain cross-entropy over all voxels, and the size-aware loss."""

LESION_SMOOTH = 5e-5
"""Part of the voxels that is added to both sides of the Dice of lesions: where none is, a false alarm costs by size."""


class HeadLosses(NamedTuple):
    """The losses that every resolution has, unweighted but for the structures."""

    structures: Tensor
    side: Tensor
    lesion: Tensor

    def total(self, weights: LossWeights) -> Tensor:
        return self.structures + weights.side * self.side + weights.lesion * self.lesion


class Objective:
    """Weighted sum of the losses of all heads, with weights that follow the training.

    Args:
        schedule: the weights by fraction of the training.
        topology: loss of the topology; None leaves it out, whatever its weight, and needs no gudhi.
        topology_channels: structures whose topology counts, one after the other at each due step.

    Raises:
        ValueError: a topology loss without a structure.
    """

    def __init__(
        self,
        schedule: LossSchedule = HEAD_SCHEDULE,
        topology: TopologyLoss | None = None,
        topology_channels: Sequence[int] = (),
    ) -> None:
        if topology is not None and not topology_channels:
            raise ValueError("A topology loss needs at least one structure.")
        self.schedule, self.topology, self.topology_channels = schedule, topology, tuple(topology_channels)

    def __call__(
        self,
        output: FusionOutput,
        sample: Sample,
        fraction: float,
        step: int,
        spacing: Spacing = (1.0, 1.0, 1.0),
        deep: Sequence[CoarseAnswer] = (),
    ) -> tuple[Tensor, dict[str, float]]:
        """The loss of one step.

        Args:
            output: the network's answer.
            sample: the truth.
            fraction: of the training that is over, 0 to 1.
            step: number of the step.
            spacing: millimetres per voxel along (D, H, W).
            deep: the network's coarse answers, finest first.

        Returns:
            The scalar to minimize, and each part by name for the log; all weights but alpha, that of the cross-entropy
            and those of the coarse scales are left out of the parts. A part that is switched off is 0.
        """
        weights = self.schedule.at(fraction)
        heads = head_losses(output, sample, weights)
        presence = presence_loss(output.presence, sample.lesion) if weights.presence else heads.structures.new_zeros(())
        boundary, topology = self._shape_losses(output.structures, sample.channel, weights, step, spacing)
        coarse = deep_supervision(deep, sample, weights)
        total = (
            heads.total(weights)
            + weights.presence * presence
            + weights.beta * boundary
            + weights.gamma * topology
            + coarse
        )
        parts = {**heads._asdict(), "presence": presence, "boundary": boundary, "topology": topology, "deep": coarse}
        return total, {name: float(value.detach()) for name, value in parts.items()}

    def _shape_losses(
        self, logits: Tensor, channel: Tensor, weights: LossWeights, step: int, spacing: Spacing
    ) -> tuple[Tensor, Tensor]:
        """Boundary and topology; both read the probabilities, which are made only if one of them counts now."""
        boundary = topology = logits.new_zeros((), dtype=torch.float32)
        due = self.topology if weights.gamma and self.topology and self.topology.is_due(step) else None
        if weights.beta or due:
            probability = logits.float().softmax(1)
            if weights.beta:
                boundary = boundary_loss(probability, channel, spacing)
            if due:
                k = self.topology_channels[step // due.interval % len(self.topology_channels)]
                topology = due(probability[:, k : k + 1], (channel == k)[:, None], step)
        return boundary, topology


def head_losses(output: FusionOutput | CoarseAnswer, sample: Sample, weights: LossWeights) -> HeadLosses:
    """Structures, side and lesion at one resolution; a head that is not there (no elements) costs nothing."""
    structures = dice_cross_entropy(output.structures, sample.channel, weights.alpha, weights.cross_entropy)
    nothing = structures.new_zeros(())
    return HeadLosses(
        structures,
        side_loss(output.side, sample.side) if weights.side and output.side.numel() else nothing,
        lesion_loss(output.lesion, sample.lesion, weights.regions)
        if weights.lesion and output.lesion.numel()
        else nothing,
    )


def side_loss(logit: Tensor, side: Tensor) -> Tensor:
    """Cross-entropy of left against right over the voxels of paired structures."""
    paired = side != 0
    each = F.binary_cross_entropy_with_logits(logit.float(), (side > 0).float(), reduction="none")
    return (each * paired).sum() / paired.sum().clamp_min(1)


def lesion_loss(logit: Tensor, lesion: Tensor, regions: float = 0.1) -> Tensor:
    """Voxels and their Dice as they are, plus lesions as they are whatever their size; ``regions`` as in
    :class:`~MultimodalSegLib.losses.schedule.LossWeights`."""
    voxels = F.binary_cross_entropy_with_logits(logit.float(), lesion)
    found = logit.float().sigmoid()
    axes, smooth = tuple(range(1, found.dim())), LESION_SMOOTH * found[0].numel()
    both = 2 * (found * lesion).sum(axes) + smooth
    dice = (both / (found.sum(axes) + lesion.sum(axes) + smooth)).mean()
    sizes = size_aware_lesion_loss(logit, lesion, miss_weight=0.5, regions=regions)
    return LESION_VOXEL_WEIGHT * voxels + 1 - dice + LESION_SIZE_WEIGHT * sizes


def presence_loss(logit: Tensor, lesion: Tensor) -> Tensor:
    """Cross-entropy of "there is a lesion"; 0 without that head (no elements)."""
    if not logit.numel():
        return lesion.new_zeros(())
    holds = (lesion.sum((1, 2, 3, 4)) >= PRESENCE_VOXELS).float()
    return F.binary_cross_entropy_with_logits(logit.float(), holds)


def deep_supervision(deep: Sequence[CoarseAnswer], sample: Sample, weights: LossWeights) -> Tensor:
    """The losses of the coarse answers, each with its weight.

    Args:
        deep: coarse answers, finest first; there may be none, as when the network is not training.
        sample: the truth at full resolution.
        weights: ``deep`` holds one weight per answer.

    Raises:
        ValueError: more answers than weights.
    """
    if len(deep) > len(weights.deep):
        raise ValueError(f"{len(deep)} coarse answers, but weights for {len(weights.deep)}.")
    total = sample.lesion.new_zeros(())
    for answer, weight in zip(deep, weights.deep, strict=False):
        if weight:
            coarse = coarse_sample(sample, answer.structures.shape[2:])
            total = total + weight * head_losses(answer, coarse, weights).total(weights)
    return total
