"""The loss of a batch: what the student says of its views beside what the teacher says of the large ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from .crops import Views
from .learner import Answer, Learner, teacher_temperature
from .masking import hide, voxel_mask
from .objectives import place_loss, restoration_loss, spread, spread_loss, view_loss
from .plan import PretrainingPlan
from .sinkhorn import sinkhorn


class Learned(NamedTuple):
    """What a batch tells.

    Args:
        loss: the scalar to minimize.
        parts: each loss by name without its weight, and the spread of the teacher's features.
        said: (2B, K) logits of the teacher for the large crops, for the queue.
    """

    loss: Tensor
    parts: dict[str, float]
    said: Tensor


def learning_loss(
    student: Callable[..., Answer], teacher: Learner, views: Views, plan: PretrainingPlan, step: int, recent: Tensor
) -> Learned:
    """The loss of a batch and its parts.

    Most is learned from places: instance normalization takes most of what tells whole crops apart out of pooled
    features, and where all volumes show the same organ there is little to tell. On the hippocampus the loss of whole
    views stays at chance, so it counts little.

    Args:
        student: a :class:`Learner`, or what Fabric made of it.
        teacher: sees the large crops as they are.
        views: of B volumes, on the learners' device.
        plan: weights, temperatures.
        step: number of the step.
        recent: (R, K) logits of the teacher for large crops of earlier batches, which balance those of this one.

    Source:
        Oquab et al., DINOv2, TMLR 2024, section 4; the queue: Caron et al., SwAV, NeurIPS 2020, section 3.1 (batches
        smaller than the number of prototypes).
    """
    count, batch = views.large.shape[:2]
    large, family, hidden = views.large.flatten(0, 1), views.large_family.flatten(), views.hidden.flatten(0, 1)
    temperature = teacher_temperature(plan, step)
    here = views.here.flatten(2, 3)  # (V, B, T * P, 3)
    there = views.there.permute(2, 1, 0, 3, 4).flatten(2, 3)  # (T, B, V * P, 3)
    with torch.no_grad():
        known = teacher(large, family, there.flatten(0, 1))
    shown = hide(large, hidden, plan.token_stride)
    seen = student(shown, family, here[:count].flatten(0, 1), restore=True)
    small = student(views.small.flatten(0, 1), views.small_family.flatten(), here[count:].flatten(0, 1))
    with torch.autocast(large.device.type, enabled=False):
        of_views = torch.cat([seen.volume, small.volume]).view(-1, batch, plan.prototypes)
        targets = sinkhorn(torch.cat([known.volume, recent]), temperature)[: count * batch]
        shared, unseen = place_losses(seen, small, known, views.here.shape[:4], temperature, plan.student_temperature)
        parts = {
            "views": view_loss(of_views, targets.view(count, batch, -1), plan.student_temperature),
            "places": shared,
            "tokens": unseen,
            "closeness": torch.stack([spread_loss(x) for x in seen.pooled.view(count, batch, -1)]).mean(),
            "restoration": restoration_loss(seen.restored, large, voxel_mask(hidden, plan.token_stride)),
        }
        weights = (plan.view_weight, plan.place_weight, plan.token_weight, plan.spread_weight, plan.restoration_weight)
        loss = torch.stack([w * part for w, part in zip(weights, parts.values(), strict=True)]).sum()
    row = {name: float(part.detach()) for name, part in parts.items()}
    return Learned(loss, {**row, "spread": spread(known.pooled.view(count, batch, -1)[0])}, known.volume)


def place_losses(
    seen: Answer, small: Answer, known: Answer, shape: tuple[int, ...], warm: float, temperature: float
) -> tuple[Tensor, Tensor]:
    """The loss of places that two views share, and that of places hidden from the student; means over the scales.

    The teacher's assignments are balanced over all places of a batch at once, thousands even where the batch is of a
    few volumes.

    Args:
        seen: the student's answer to the masked large crops, at T * P points.
        small: its answer to the small ones.
        known: the teacher's answer to the large crops, at V * P points.
        shape: (V, B, T, P) of the points.
        warm: temperature of the teacher's softmax.
        temperature: of the student's.
    """
    views, batch, large, count = shape
    same = torch.eye(views, large, dtype=torch.bool, device=known.volume.device)
    shared, unseen = [], []
    for a, b, c in zip(seen.places, small.places, known.places, strict=True):
        logits = torch.cat([a, b]).view(views, batch, large, count, -1).transpose(1, 2)  # (V, T, B, P, K)
        assigned = sinkhorn(c.flatten(0, 1), warm).view(large, batch, views, count, -1).permute(2, 0, 1, 3, 4)
        shared.append(place_loss(logits[~same], assigned[~same], temperature))
        unseen.append(place_loss(logits[same], assigned[same], temperature))
    return torch.stack(shared).mean(), torch.stack(unseen).mean()
