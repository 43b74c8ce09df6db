"""What is explained: the score of one class inside what the network called that class."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor

from ..images.grid import Grid
from ..images.resample import resample
from ..images.volume import Volume
from ..models.bundle import Bundle
from .subject import Answer, Place, Subject, Tile


@dataclass(frozen=True)
class Target:
    """A class inside a region: a structure, all lesions, or a single lesion.

    The score is the sum of the class's logits over the region (Vinogradova et al., Towards interpretable semantic
    segmentation via gradient-weighted class activation mapping, AAAI 2020, equation 2), not over the field of view.

    Args:
        name: as shown.
        channel: of the logits.
        rivals: number of first channels that share a softmax with it; 0 for a channel with a sigmoid of its own.
        mask: (D, H, W) bool on the working grid, not empty.

    Example:
        >>> import torch
        >>> target = Target("Lesion", 4, 0, torch.eye(3)[None] > 0)
        >>> target.box
        (slice(0, 1, None), slice(0, 3, None), slice(0, 3, None))
    """

    name: str
    channel: int
    rivals: int
    mask: Tensor

    @property
    def box(self) -> Place:
        """The block of voxels around the mask."""
        k, j, i = ndimage.find_objects(self.mask.numpy().astype(np.uint8))[0]
        return k, j, i

    def within(self, tile: Tile) -> tuple[Place, Tensor] | None:
        """The part of a tile around the mask, in the tile's voxels, and each voxel's share there; None if outside."""
        both = [(max(b.start, t.start), min(b.stop, t.stop)) for b, t in zip(self.box, tile.place, strict=True)]
        if any(low >= high for low, high in both):
            return None
        inside = tuple(slice(low, high) for low, high in both)
        k, j, i = (slice(low - t.start, high - t.start) for (low, high), t in zip(both, tile.place, strict=True))
        share = tile.weight[k, j, i] * self.mask[inside]
        return ((k, j, i), share) if bool(share.any()) else None

    def score(self, answer: Answer, tile: Tile) -> Tensor | None:
        """This tile's part of the sum of logits over the mask; None if the mask lies elsewhere."""
        found = self.within(tile)
        if found is None:
            return None
        logits = answer.logits(found[0], slice(self.channel, self.channel + 1))[0]
        return (logits * found[1].to(logits.device)).sum()


@torch.no_grad()
def probability(subject: Subject, target: Target) -> float:
    """Mean probability of the class inside the target's region, 0 to 1.

    Shares of overlapping windows are given to their probabilities, where inference gives them to logits.
    """
    total = 0.0
    for tile in subject.tiles:
        found = target.within(tile)
        if found is None:
            continue
        place, share = found
        answer = subject.answer(tile)
        if target.rivals:
            chance = answer.logits(place, slice(0, target.rivals)).softmax(0)[target.channel]
        else:
            chance = answer.logits(place, slice(target.channel, target.channel + 1))[0].sigmoid()
        total += float((chance.cpu() * share).sum())
    return total / int(target.mask.sum())


def channel_of(bundle: Bundle, value: int) -> tuple[int, int]:
    """Channel of the logits that decides about a label value, and the number of its rivals, as in :class:`Target`."""
    values = bundle.label_values()
    lesion = bundle.metadata["lesion"]
    if lesion and int(lesion["value"]) == value:
        return len(values) + int(bundle.metadata["network"].get("side", True)), 0
    return next(n for n, pair in enumerate(values) if value in pair), len(values)


def on_working_grid(mask: np.ndarray, reference: Grid, working: Grid) -> Tensor:
    """A mask of the reference grid as a mask of the working grid that is never empty.

    What is too small to be seen at the working resolution is marked at the nearest voxels.
    """
    coarse = resample(Volume(mask.astype(np.float32), reference), working).array > 0.5
    if not coarse.any():
        index = np.argwhere(mask)[:, ::-1]
        near = np.rint(working.indices(reference.points(index))).astype(int)
        i, j, k = np.clip(near, 0, np.array(working.size) - 1).T
        coarse[k, j, i] = True
    return torch.from_numpy(coarse)
