"""Which tokens the student does not see."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor


def block_mask(rng: np.random.Generator, grid: tuple[int, int, int], part: float) -> np.ndarray:
    """Hide boxes of tokens until a part of all is hidden.

    Whole blocks, because a single token can be guessed from its neighbors alone.

    Args:
        rng: source of every choice.
        grid: (d, h, w) tokens.
        part: to be hidden, 0 to 1; rounded to whole tokens, of which at least one is hidden and one is seen.

    Returns:
        (d, h, w) bool, True where hidden.

    Source:
        Zhou et al., iBOT, ICLR 2022, section 3.1 (blockwise masking of Bao et al., BEiT, ICLR 2022, here of boxes).

    Example:
        >>> block_mask(np.random.default_rng(0), (4, 4, 4), 0.5).sum()
        32
    """
    if not 0 < part < 1:
        raise ValueError(f"part is {part}, not between 0 and 1")
    count = min(max(1, round(part * int(np.prod(grid)))), int(np.prod(grid)) - 1)
    hidden = np.zeros(grid, bool)
    while (missing := count - int(hidden.sum())) > 0:
        sides = [int(rng.integers(1, max(1, n // 2) + 1)) for n in grid]
        first = [int(rng.integers(0, n - side + 1)) for n, side in zip(grid, sides, strict=True)]
        box = np.zeros(grid, bool)
        box[tuple(slice(a, a + side) for a, side in zip(first, sides, strict=True))] = True
        new = np.flatnonzero(box & ~hidden)
        hidden.ravel()[new[:missing]] = True
    return hidden


def voxel_mask(hidden: Tensor, stride: int) -> Tensor:
    """Hidden tokens (N, d, h, w) as hidden voxels (N, 1, D, H, W)."""
    for axis in (1, 2, 3):
        hidden = hidden.repeat_interleave(stride, axis)
    return hidden[:, None]


def hide(images: Tensor, hidden: Tensor, stride: int) -> Tensor:
    """Images of which the student sees a part.

    Hidden voxels get the mean of what is seen of the crop. An embedding instead of the features, as for transformers,
    would come too late here: convolutions have looked across the borders of tokens by then.

    Args:
        images: (N, 1, D, H, W).
        hidden: (N, d, h, w) bool.
        stride: voxels along a token's edge.
    """
    mask = voxel_mask(hidden, stride)
    seen = (~mask).to(images.dtype)
    mean = (images * seen).sum((1, 2, 3, 4), keepdim=True) / seen.sum((1, 2, 3, 4), keepdim=True)
    return torch.where(mask, mean, images)
