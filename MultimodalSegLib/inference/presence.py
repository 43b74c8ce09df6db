"""A score of whether a case holds a lesion, from where the network sees the most of one."""

from __future__ import annotations

import torch
from torch import Tensor

from .upsample import Labelling

SUSPECTED_ML = 0.5
"""So much of the most suspicious tissue is looked at: less is noise, more would hide small lesions."""


def lesion_presence(logits: Tensor, labelling: Labelling, voxel_ml: float) -> float:
    """Mean probability of lesion in the most suspicious half millilitre of the structures that can hold one.

    The head of the network that is trained for presence pools features over everything in view; in crops it is right,
    but over a whole head it says nearly the same of everyone. This figure orders cases (a higher one more often holds a
    lesion), but it is no probability that there is one: it is a mean of the network's uncalibrated answers at the
    voxels where they are highest.

    Args:
        logits: (C, D, H, W) on the working grid; structures first, the lesion last.
        labelling: meaning of the channels.
        voxel_ml: millilitres of a working voxel.

    Returns:
        0 to 1.

    Example:
        >>> logits = torch.full((3, 8, 8, 8), -9.0)
        >>> logits[2, 4, 4, 4] = 9.0
        >>> round(lesion_presence(logits, Labelling(((0, 0), (1, 1))), voxel_ml=0.5), 3)
        1.0
    """
    lesion, structures = logits[-1].flatten(), logits[: len(labelling.values)].flatten(1)
    wanted = max(1, round(SUSPECTED_ML / voxel_ml))
    order = lesion.float().topk(min(len(lesion), 50 * wanted)).indices  # enough, although many lie in bone or skin
    if labelling.lesion_hosts:
        hosts = torch.tensor(sorted(labelling.lesion_hosts), device=logits.device)
        order = order[torch.isin(structures[:, order].float().argmax(0), hosts)]
    return float(lesion[order[:wanted]].float().sigmoid().sum() / min(wanted, len(lesion)))
