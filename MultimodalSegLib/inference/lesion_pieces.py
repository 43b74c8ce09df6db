"""Pieces of lesion that are nowhere sure enough."""

from __future__ import annotations

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor

EVERY_NEIGHBOR = np.ones((3, 3, 3), bool)
BELOW = 0.1
"""The threshold less this is what remains of a piece, as a logit."""


def without_unsure_pieces(logits: Tensor, threshold: float, peak: float) -> Tensor:
    """Lesions without the pieces whose probability nowhere exceeds a second, higher threshold.

    This is hysteresis (Canny, IEEE Trans Pattern Anal Mach Intell 8:679-698, 1986): what is found for sure keeps its
    whole extent, and a spot that is nowhere more than likely goes.

    Args:
        logits: (..., d, h, w) of the lesion.
        threshold: probability above which a voxel is lesion.
        peak: probability that a piece has to exceed; nothing goes if it is not above the threshold.

    Returns:
        The same tensor if nothing goes, else a copy that is just below the threshold in the pieces that do.
    """
    if peak <= threshold:
        return logits
    edge, least = (float(np.log(p / (1 - p))) for p in (threshold, peak))
    values = logits.detach().float().cpu().numpy()
    values = values.reshape(values.shape[-3:])
    pieces, count = ndimage.label(values > edge, EVERY_NEIGHBOR)
    highest = ndimage.maximum(values, pieces, np.arange(1, count + 1)) if count else np.zeros(0)
    unsure = np.concatenate([[False], np.asarray(highest) <= least])
    if not unsure.any():
        return logits
    gone = torch.from_numpy(unsure[pieces]).to(logits.device)
    return logits.masked_fill(gone, edge - BELOW)
