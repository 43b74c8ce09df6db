"""Clicking at objects turn by turn, as a person would, while the network learns or is scored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor

from ...refinement.clicks import first_click, next_click
from ...refinement.crops import crop_start
from ...refinement.guidance import Inputs, Said, head_inputs
from .samples import ClickVolume
from .targets import corrupted

EARLIER_CHANCE, BOX_CHANCE, BOX_ALONE = 0.25, 0.2, 0.5
"""An earlier wrong mask; a box; a box without a click."""

JITTER = 8
"""Voxels by which a crop may lie off its first prompt."""

NOTHING = np.zeros((0, 3), int)


@dataclass(frozen=True)
class Turn:
    """An object, what has been said of it so far, and the part of the volume that is looked at.

    Args:
        target: bool (k, j, i) of the whole volume.
        said: prompts so far.
        previous: bool (k, j, i), the mask so far.
        start: first voxel of the crop.
        size: of the crop.
    """

    target: np.ndarray
    said: Said
    previous: np.ndarray
    start: tuple[int, int, int]
    size: tuple[int, int, int]

    @property
    def part(self) -> tuple[slice, ...]:
        """Where the crop lies."""
        return tuple(slice(s, s + n) for s, n in zip(self.start, self.size, strict=True))

    def inputs(self, volume: ClickVolume, spacing: float) -> Inputs:
        """What the head reads."""
        previous = torch.from_numpy(self.previous)
        return head_inputs(volume.images, volume.features, self.said, previous, self.start, self.size, spacing)

    def truth(self) -> Tensor:
        """(1, d, h, w) float32 in the crop."""
        return torch.from_numpy(self.target[self.part]).float()[None]

    def answered(self, mask: np.ndarray, rng: np.random.Generator | None) -> Turn:
        """The next turn: a click at the largest error that the crop shows; the same prompts if there is none."""
        previous = np.zeros_like(self.target)
        previous[self.part] = mask
        click = next_click(self.target[self.part], mask, rng)
        if click is None:
            return replace(self, previous=previous)
        said = self.said.with_point(click.point + np.asarray(self.start), click.positive)
        return replace(self, said=said, previous=previous)


def first_turn(target: np.ndarray, size: int, rng: np.random.Generator | None) -> Turn:
    """The beginning: a click, a box, or an earlier mask with a click at its largest error; a click alone without rng.

    Args:
        target: bool (k, j, i).
        size: edge of the crop.
        rng: of a training run; None for the protocol of :mod:`~MultimodalSegLib.refinement.clicks`.
    """
    previous, box = np.zeros_like(target), None
    click = first_click(target, rng)
    if rng is not None and rng.random() < EARLIER_CHANCE:
        previous = corrupted(target, rng)
        click = next_click(target, previous, rng) or click
    elif rng is not None and rng.random() < BOX_CHANCE:
        box = loose_box(target, rng)
    said = Said(NOTHING, NOTHING, box)
    if box is None or rng is None or rng.random() >= BOX_ALONE:
        said = said.with_point(click.point, click.positive)
    middle = said.all_points().mean(0)
    if rng is not None:
        middle = middle + rng.integers(-JITTER, JITTER + 1, 3)
    edges = (size, size, size)
    return Turn(target, said, previous, crop_start(middle, edges, target.shape), edges)


def loose_box(target: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Lowest and highest voxel (2, 3) of a box around an object, off by up to two voxels or a tenth of its edge."""
    box = ndimage.find_objects(target.astype(np.uint8))[0]
    low, high = np.array([s.start for s in box]), np.array([s.stop - 1 for s in box])
    slack = np.maximum(2, (high - low) // 10)
    off = rng.integers(-1, slack + 1, (2, 3))
    return np.clip([low - off[0], high + off[1]], 0, np.array(target.shape) - 1)


def as_batch(inputs: Sequence[Inputs]) -> tuple[Tensor, Tensor, Tensor]:
    """Inputs of objects with crops of one size and equally many modalities."""
    looks, features, guidance = zip(*((one.looks, one.features, one.guidance) for one in inputs), strict=True)
    return torch.stack(looks), torch.stack(features), torch.stack(guidance)
