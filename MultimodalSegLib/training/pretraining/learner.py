"""Student and teacher: a network without its outputs, and the heads through which it learns."""

from __future__ import annotations

import copy
import math
from typing import NamedTuple

import torch
from torch import Tensor, nn

from ...networks.fusion_net import DECODER, ENCODER, FusionNet
from .heads import ProjectionHead, RestorationHead
from .matching import features_at
from .plan import PretrainingPlan


class Answer(NamedTuple):
    """What a learner says of N crops.

    Args:
        pooled: (N, F) what is known of each crop as a whole.
        volume: (N, K) logits of the crop.
        places: (N, P, K) logits of each scale that is learned place by place, finest first.
        restored: (N, 1, D, H, W) intensities; empty if they were not asked for.
    """

    pooled: Tensor
    volume: Tensor
    places: list[Tensor]
    restored: Tensor


class Learner(nn.Module):
    """Encoder and decoder of a fusion network with the heads through which they learn.

    What needs several modalities or labels is neither trained nor kept: fusion, attention between modalities, heads.

    Args:
        plan: network, prototypes.
    """

    def __init__(self, plan: PretrainingPlan) -> None:
        super().__init__()
        widths = plan.config.widths
        self.network = FusionNet(plan.config)
        self.volume_head = ProjectionHead(2 * widths[-1], plan.prototypes)
        self.place_heads = nn.ModuleList(ProjectionHead(w, plan.prototypes) for w in widths[: plan.dense_scales])
        self.restoration_head = RestorationHead(widths[0])
        for name, parameter in self.network.named_parameters():
            parameter.requires_grad_(is_kept(name))

    def forward(self, images: Tensor, family: Tensor, points: Tensor, restore: bool = False) -> Answer:
        """Crops of one modality each.

        Args:
            images: (N, 1, D, H, W).
            family: (N,) int64.
            points: (N, P, 3) whose logits are wanted, -1 to 1 along (k, j, i) between the outer faces.
            restore: intensities are wanted.
        """
        present = torch.ones(len(images), 1, dtype=torch.bool, device=images.device)
        decoded, _, _ = self.network.decoded(images, present, family[:, None])
        pooled = torch.cat([decoded[-1].mean((2, 3, 4)), decoded[-1].amax((2, 3, 4))], dim=1)
        restored = self.restoration_head(decoded[0]) if restore else pooled.new_zeros(0)
        places = [self._at(head, x, points) for head, x in zip(self.place_heads, decoded, strict=False)]
        return Answer(pooled, self.volume_head(pooled), places, restored)

    @staticmethod
    def _at(head: nn.Module, features: Tensor, points: Tensor) -> Tensor:
        """Logits (N, P, K) at points."""
        logits: Tensor = head(features_at(features, points).flatten(0, 1))
        return logits.view(*points.shape[:2], -1)

    def kept(self) -> dict[str, Tensor]:
        """Weights of encoder and decoder under the names of the fusion network."""
        return {name: value for name, value in self.network.state_dict().items() if is_kept(name)}


def is_kept(name: str) -> bool:
    """Whether a weight of a fusion network belongs to its encoder or decoder."""
    return name.partition(".")[0] in ENCODER + DECODER


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


def hold_prototypes(student: Learner) -> None:
    """Leave the prototypes as they are in this step: while features are still random they would run after noise.

    Source:
        Caron et al., DINO, ICCV 2021, appendix (the last layer is frozen during the first epoch).
    """
    for head in (student.volume_head, *student.place_heads):
        head.prototypes.grad = None


def momentum(plan: PretrainingPlan, step: int) -> float:
    """Of the teacher after a step: from the plan's at the first to 1 at the end, along a cosine."""
    return 1 - (1 - plan.momentum) * (1 + math.cos(math.pi * step / plan.steps)) / 2


def teacher_temperature(plan: PretrainingPlan, step: int) -> float:
    """On a straight line from the first to the second over the warm-up."""
    first, second = plan.teacher_temperatures
    return first + (second - first) * min(1.0, step / max(1, plan.warm_up_steps))
