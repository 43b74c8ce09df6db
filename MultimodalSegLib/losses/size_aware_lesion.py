"""Size-aware lesion loss: each lesion counts the same, whatever its size.

With C connected components c of the true lesions and the background as one more region,

    L = 1 / (C + 1) * sum over regions R of mean over v in R of BCE(p_v, t_v)      (inverse weighting)
      + 1 / C * sum over c of (1 - TI_c)                                           (per-component Tversky)

    TI_c = h_c / (h_c + a (1 - h_c) + (1 - a) f),   h_c = mean of p in c,   f = sum of p outside / lesion voxels

The first line weights a voxel by 1 / size of its region (Shirokikh et al., MICCAI 2020, "Universal loss reweighting to
balance lesion size inequality"). The second is the blob loss (Kofler et al., IPMI 2023) with the Tversky index (Salehi
et al., MLMI 2017) as its criterion: a component is judged with the other components masked out. False voxels are shared
among the components by volume, so that TI_c depends on fractions alone and a false voxel does not weigh on a small
lesion more than on a large one. Sizes are ratios of voxel counts: the spacing has no influence.

Without any lesion in a volume the first line is the mean over the background and the second is 0.

The first line shows a network lesions as if they filled half of the head, and at its full weight they are then found
everywhere: ``regions`` lowers it.
"""

from __future__ import annotations

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor
from torch.nn import functional as F


def lesion_regions(target: Tensor, connectivity: int = 26) -> tuple[Tensor, list[int]]:
    """Number the connected components of each volume.

    Args:
        target: (B, 1, D, H, W), lesion above 0.5; may lie on any device, the components are found on the processor.
        connectivity: 6 (faces), 18 (edges too) or 26 (corners too).

    Returns:
        int64 (B, D, H, W), 0 outside and 1..C in the components of that volume; C of each volume.

    Raises:
        ValueError: another connectivity.
    """
    if connectivity not in (6, 18, 26):
        raise ValueError(f"Voxels touch in 6, 18 or 26 ways, not {connectivity}.")
    touching = ndimage.generate_binary_structure(3, {6: 1, 18: 2, 26: 3}[connectivity])
    found = [ndimage.label(volume, touching) for volume in (target[:, 0] > 0.5).cpu().numpy()]
    regions = torch.from_numpy(np.stack([numbers for numbers, _ in found]).astype(np.int64))
    return regions.to(target.device), [int(count) for _, count in found]


def size_aware_lesion_loss(
    logit: Tensor, target: Tensor, miss_weight: float = 0.7, connectivity: int = 26, regions: float = 1.0
) -> Tensor:
    """Inversely weighted cross-entropy plus the mean Tversky loss of the components, averaged over the batch.

    Args:
        logit: (B, 1, D, H, W).
        target: the same shape, 0 or 1.
        miss_weight: a, the cost of a missed part against 1 - a for a false one, between 0 and 1.
        connectivity: 6, 18 or 26; which voxels belong together.
        regions: weight of the first line, at least 0.

    Raises:
        ValueError: shapes that differ, or a value out of its range.

    Example:
        >>> target = torch.zeros(1, 1, 16, 16, 16)
        >>> target[..., 2:4, 2:4, 2:4] = 1
        >>> target[..., 6:14, 6:14, 6:14] = 1
        >>> logit = torch.zeros_like(target, requires_grad=True)
        >>> size_aware_lesion_loss(logit, target).backward()
    """
    if logit.dim() != 5 or logit.shape[1] != 1 or logit.shape != target.shape:
        raise ValueError(
            f"Logit and target must both be (B, 1, D, H, W), not {tuple(logit.shape)} and {tuple(target.shape)}."
        )
    if not 0 < miss_weight < 1:
        raise ValueError(f"miss_weight must lie between 0 and 1, not {miss_weight}.")
    if not regions >= 0:
        raise ValueError(f"regions must be at least 0, not {regions}.")
    numbers, counts = lesion_regions(target, connectivity)
    wide = logit if logit.dtype is torch.float64 else logit.float()
    truth = (target > 0.5).to(wide.dtype)
    losses = [
        _volume_loss(wide[b].flatten(), truth[b].flatten(), numbers[b].flatten(), count, miss_weight, regions)
        for b, count in enumerate(counts)
    ]
    return torch.stack(losses).mean()


def _volume_loss(logit: Tensor, truth: Tensor, region: Tensor, count: int, miss_weight: float, first: float) -> Tensor:
    """The loss of one volume; logit, truth and region are (V,), the regions 0..count; ``first`` is a weight."""
    size = torch.bincount(region, minlength=count + 1).to(logit.dtype)
    missed = F.binary_cross_entropy_with_logits(logit, truth, reduction="none")
    zeros = logit.new_zeros(count + 1)
    present = size > 0  # lesion may fill the whole volume
    cross_entropy = (zeros.index_add(0, region, missed) / size.clamp_min(1))[present].mean()
    if not count:
        return first * cross_entropy
    mass = zeros.index_add(0, region, logit.sigmoid())
    hit = mass[1:] / size[1:]
    false = mass[0] / size[1:].sum()
    index = hit / (hit + miss_weight * (1 - hit) + (1 - miss_weight) * false)
    return first * cross_entropy + (1 - index).mean()
