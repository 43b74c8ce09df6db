"""What the network says at chosen points of the patient, without maps of the whole volume."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..images.grid import Grid
from .upsample import Labelling

AT_ONCE = 4096
"""Points that are read together; 29 channels at their corners take 4 MB."""


@dataclass(frozen=True)
class Target:
    """A structure, or a part of it, at whose points the network is asked.

    Args:
        channel: of the structures, or -1 for the lesion.
        side: ``"left"``, ``"right"``, or ``""`` for what has no side.
        points: (N, 3) LPS mm.
    """

    channel: int
    side: str
    points: np.ndarray


def target_channel(labelling: Labelling, value: int) -> tuple[int, str]:
    """The channel and the side that a label value stands for: ``(-1, "")`` for the lesion.

    Raises:
        KeyError: no structure has this value.
    """
    if value == labelling.lesion_value:
        return -1, ""
    for channel, (left, right) in enumerate(labelling.values):
        if channel and value in (left, right):
            return channel, "" if left == right else "left" if value == left else "right"
    raise KeyError(value)


def read_target(logits: Tensor, working: Grid, target: Target, labelling: Labelling) -> tuple[float, float]:
    """Ask the network about one structure at its points.

    Probabilities are interpolated and labels are chosen as in :func:`.upsample.to_reference`.

    Args:
        logits: (C, D, H, W) on ``working``: structures, then side and lesion, where the model has them.
        working: grid of the logits.
        target: what is asked.
        labelling: meaning of the channels.

    Returns:
        The mean probability at the points, and the share of them that get the target's label; both 0 to 1.

    Raises:
        ValueError: a target without points.
    """
    if not len(target.points):
        raise ValueError("a target needs points")
    inverse = np.linalg.inv(working.affine)
    where = target.points @ inverse[:3, :3].T + inverse[:3, 3]  # (N, 3) as (i, j, k)
    probability = found = 0.0
    with torch.inference_mode():
        flat, lesions = logits.flatten(1), labelling.lesions(logits).flatten(1)
        for start in range(0, len(where), AT_ONCE):
            corners, weights = _corners(where[start : start + AT_ONCE], logits.shape[1:])
            at = corners.flatten().to(logits.device)
            block, marked = (part[:, at].float().view(-1, *corners.shape) for part in (flat, lesions))
            values, labelled = _read(block, marked[0], weights.to(logits.device), target, labelling)
            probability, found = probability + float(values.sum()), found + float(labelled.sum())
    return probability / len(where), found / len(where)


def _read(
    block: Tensor, lesions: Tensor, weights: Tensor, target: Target, labelling: Labelling
) -> tuple[Tensor, Tensor]:
    """Probabilities (N,) and whether the label is the target's (N,), from logits (C, N, 8) at corners.

    ``lesions`` (N, 8) are the logits from which lesions are labelled.
    """
    k, s = len(labelling.values), int(labelling.side)
    structures = (torch.softmax(block[:k], 0) * weights).sum(-1)  # (K, N)
    winner = structures.argmax(0)
    lesion = torch.zeros_like(winner, dtype=torch.bool)
    values = structures[target.channel]
    if labelling.lesion_value is not None:
        probability = (torch.sigmoid(block[-1]) * weights).sum(-1)
        lesion = (torch.sigmoid(lesions) * weights).sum(-1) > labelling.lesion_threshold
        if labelling.lesion_hosts:
            lesion &= torch.isin(winner, torch.tensor(sorted(labelling.lesion_hosts), device=winner.device))
        values = probability if target.channel < 0 else values
    labelled = lesion if target.channel < 0 else (winner == target.channel) & ~lesion
    if target.side and s:
        side = (block[k] * weights).sum(-1) * (1 if target.side == "left" else -1)
        values, labelled = values * torch.sigmoid(side), labelled & ((side > 0) if target.side == "left" else side >= 0)
    return values, labelled


def _corners(where: np.ndarray, shape: torch.Size) -> tuple[Tensor, Tensor]:
    """Flat indices (N, 8) of the voxels around points (i, j, k), and their weights; outside, the rim counts."""
    size = np.array(tuple(shape)[::-1])
    where = np.clip(where, 0, size - 1)
    first = np.minimum(np.floor(where).astype(np.int64), np.maximum(size - 2, 0))
    share = where - first
    index, weight = [], []
    for corner in np.ndindex(2, 2, 2):
        i, j, k = np.minimum(first + corner, size - 1).T
        index.append((k * size[1] + j) * size[0] + i)
        weight.append(np.where(corner, share, 1 - share).prod(1))
    return torch.from_numpy(np.stack(index, 1)), torch.from_numpy(np.stack(weight, 1).astype(np.float32))
