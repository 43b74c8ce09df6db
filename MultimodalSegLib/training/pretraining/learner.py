"""Student and teacher: an encoder with the heads through which it learns, and the loss of a batch."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn

from ...networks.fusion_net import ENCODER, FusionNet
from .crops import Views
from .heads import ProjectionHead, RestorationHead
from .masking import hide, voxel_mask
from .objectives import restoration_loss, spread, spread_loss, token_loss, view_loss
from .plan import PretrainingPlan
from .sinkhorn import sinkhorn


class Answer(NamedTuple):
    """What a learner says of N crops.

    Args:
        pooled: (N, 2C) mean and maximum of the coarsest features.
        volume: (N, K) logits of the crop.
        tokens: (n, K) logits of the tokens asked for; empty if none were.
        restored: (N, 1, D, H, W) intensities; empty if they were not asked for.
    """

    pooled: Tensor
    volume: Tensor
    tokens: Tensor
    restored: Tensor


class Learner(nn.Module):
    """The encoder of a fusion network with three heads; the rest of the network is neither trained nor run.

    Args:
        plan: network, tokens, prototypes.
    """

    def __init__(self, plan: PretrainingPlan) -> None:
        super().__init__()
        widths = plan.config.widths
        self.scale = plan.token_scale
        self.network = FusionNet(plan.config)
        self.volume_head = ProjectionHead(2 * widths[-1], plan.prototypes)
        self.token_head = ProjectionHead(widths[self.scale], plan.prototypes)
        self.restoration_head = RestorationHead(widths)
        for name, parameter in self.network.named_parameters():
            parameter.requires_grad_(is_encoder(name))

    def forward(self, images: Tensor, family: Tensor, tokens: Tensor | None = None, restore: bool = False) -> Answer:
        """Crops of one modality each.

        Args:
            images: (N, 1, D, H, W).
            family: (N,) int64.
            tokens: (N, d, h, w) bool, those whose logits are wanted.
            restore: intensities are wanted.
        """
        present = torch.ones(len(images), 1, dtype=torch.bool, device=images.device)
        scales = [x[:, 0] for x in self.network.features(images, present, family[:, None])]
        pooled = torch.cat([scales[-1].mean((2, 3, 4)), scales[-1].amax((2, 3, 4))], dim=1)
        of_tokens, restored = pooled.new_zeros(0), pooled.new_zeros(0)
        if tokens is not None:
            of_tokens = self.token_head(scales[self.scale].permute(0, 2, 3, 4, 1)[tokens])
        if restore:
            restored = self.restoration_head(scales)
        return Answer(pooled, self.volume_head(pooled), of_tokens, restored)

    def encoder(self) -> dict[str, Tensor]:
        """Weights of the encoder under the names of the fusion network."""
        return {name: value for name, value in self.network.state_dict().items() if is_encoder(name)}


def is_encoder(name: str) -> bool:
    """Whether a weight of a fusion network belongs to its encoder."""
    return name.partition(".")[0] in ENCODER


def teacher_of(student: Learner) -> Learner:
    """A copy that is never trained."""
    return copy.deepcopy(student).eval().requires_grad_(False)


@torch.no_grad()
def follow(teacher: nn.Module, student: nn.Module, momentum: float) -> None:
    """Move the teacher towards the student: teacher <- momentum * teacher + (1 - momentum) * student.

    Source:
        Caron et al., DINO, ICCV 2021, section 3.1.
    """
    newest = student.state_dict()
    for name, value in teacher.state_dict().items():
        value.lerp_(newest[name].to(value.dtype), 1 - momentum)


def momentum(plan: PretrainingPlan, step: int) -> float:
    """Of the teacher after a step: from the plan's at the first to 1 at the end, along a cosine."""
    return 1 - (1 - plan.momentum) * (1 + math.cos(math.pi * step / plan.steps)) / 2


def teacher_temperature(plan: PretrainingPlan, step: int) -> float:
    """On a straight line from the first to the second over the warm-up."""
    first, second = plan.teacher_temperatures
    return first + (second - first) * min(1.0, step / max(1, plan.warm_up_steps))


def learning_loss(
    student: Callable[..., Answer], teacher: Learner, views: Views, plan: PretrainingPlan, step: int
) -> tuple[Tensor, dict[str, float]]:
    """The loss of a batch and its parts.

    Args:
        student: a :class:`Learner`, or what Fabric made of it.
        teacher: sees the large crops as they are.
        views: of B volumes, on the learners' device.
        plan: weights, temperatures.
        step: number of the step.
    """
    count, batch = views.large.shape[:2]
    large, family, hidden = views.large.flatten(0, 1), views.large_family.flatten(), views.hidden.flatten(0, 1)
    temperature = teacher_temperature(plan, step)
    with torch.no_grad():
        known = teacher(large, family, hidden)
    seen = student(hide(large, hidden, plan.token_stride), family, hidden, restore=True)
    small = student(views.small.flatten(0, 1), views.small_family.flatten())
    with torch.autocast(large.device.type, enabled=False):
        of_views = torch.cat([seen.volume, small.volume]).view(-1, batch, plan.prototypes)
        targets = sinkhorn(known.volume, temperature).view(count, batch, plan.prototypes)
        owner = hidden.nonzero()[:, 0]
        mask = voxel_mask(hidden, plan.token_stride)
        parts = {
            "views": view_loss(of_views, targets, plan.student_temperature),
            "tokens": token_loss(seen.tokens, sinkhorn(known.tokens, temperature), owner, plan.student_temperature),
            "closeness": torch.stack([spread_loss(x) for x in seen.pooled.view(count, batch, -1)]).mean(),
            "restoration": restoration_loss(seen.restored, large, mask),
        }
        weights = (1.0, plan.token_weight, plan.spread_weight, plan.restoration_weight)
        loss = torch.stack([w * part for w, part in zip(weights, parts.values(), strict=True)]).sum()
    row = {name: float(part.detach()) for name, part in parts.items()}
    return loss, {**row, "spread": spread(known.pooled.view(count, batch, -1)[0])}
