"""What a teacher's answer costs a student that says something else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from ...losses.distillation import soft_label_loss
from ...losses.schedule import LossWeights
from ...networks.outputs import CoarseOutput, FusionOutput


class SharedClasses(NamedTuple):
    """The structures that teacher and student both find, by channel; the rest of either is background to the other.

    Args:
        student: channels.
        teacher: channels, in the same order.
        paired: whether each has a left and a right.
        lesion: the teacher's lesions are to be learnt.
    """

    student: list[int]
    teacher: list[int]
    paired: list[bool]
    lesion: bool


def shared_logits(logits: Tensor, channels: Sequence[int], temperature: float) -> Tensor:
    """Logits (B, 1 + len(channels), D, H, W) of "none of these" and of some channels.

    The probability of the first is, at this temperature, the sum of those of all other channels (Cermelli et al., CVPR
    2020, equations 5 and 9).
    """
    rest = [n for n in range(logits.shape[1]) if n not in set(channels)]
    none = temperature * (logits[:, rest].float() / temperature).logsumexp(1, keepdim=True)
    return torch.cat([none, logits[:, list(channels)].float()], dim=1)


def soft_loss(
    student: FusionOutput,
    teacher: FusionOutput,
    shared: SharedClasses,
    weights: LossWeights,
    temperature: float,
    mask: Tensor | None = None,
) -> Tensor:
    """Divergence from the teacher over all heads and, in training, the coarse scales; weighted as the labels are.

    Args:
        student: answer of one sample.
        teacher: answer to the same.
        shared: what both find.
        weights: ``side``, ``lesion``, ``presence`` and ``deep`` count.
        temperature: of the soft labels.
        mask: (1, 1, D, H, W) bool, where the teacher is to be believed; everywhere if None.
    """
    total = _heads(student, teacher, shared, weights, temperature, mask)
    if shared.lesion and weights.presence and student.presence.numel() and teacher.presence.numel():
        said, meant = (presence.view(-1, 1, 1, 1, 1) for presence in (student.presence, teacher.presence))
        total = total + weights.presence * soft_label_loss(said, meant, temperature)
    for answer, weight in zip(student.deep, weights.deep, strict=False):
        if weight:
            d, h, w = answer.structures.shape[2:]
            size = (d, h, w)
            there = None if mask is None else F.adaptive_avg_pool3d(mask.float(), size)
            coarse = _coarse(teacher, size)
            total = total + weight * _heads(answer, coarse, shared, weights, temperature, there)
    return total


def _heads(
    student: Any, teacher: Any, shared: SharedClasses, weights: LossWeights, temperature: float, mask: Tensor | None
) -> Tensor:
    """Structures, side and lesion at one resolution."""
    said = shared_logits(student.structures, shared.student, temperature)
    meant = shared_logits(teacher.structures, shared.teacher, temperature)
    total = soft_label_loss(said, meant, temperature, mask)
    if weights.side and any(shared.paired) and student.side.numel() and teacher.side.numel():
        paired = torch.tensor([False, *shared.paired], device=meant.device)[meant.argmax(1, keepdim=True)]
        where = paired.float() if mask is None else paired * mask.float()
        total = total + weights.side * soft_label_loss(student.side, teacher.side, temperature, where)
    if weights.lesion and shared.lesion and student.lesion.numel() and teacher.lesion.numel():
        total = total + weights.lesion * soft_label_loss(student.lesion, teacher.lesion, temperature, mask)
    return total


def _coarse(answer: FusionOutput, size: tuple[int, int, int]) -> CoarseOutput:
    """An answer at a coarser resolution: mean logits, but the highest of lesion, so that small ones stay."""
    side, lesion = answer.side, answer.lesion
    return CoarseOutput(
        F.adaptive_avg_pool3d(answer.structures.float(), size),
        F.adaptive_avg_pool3d(side.float(), size) if side.numel() else side,
        F.adaptive_max_pool3d(lesion.float(), size) if lesion.numel() else lesion,
    )
