"""What a person said about a crop, as channels of an image.

Points become soft discs, narrow and wide (discs of Sofiiuk et al., Reviving iterative training with mask guidance for
interactive segmentation, ICIP 2022, made soft). Beside them the network sees how unlike each voxel is what lies under
the prompts: in the intensities of each modality and in the trunk's features.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

NEAR_MM, FAR_MM = 3.0, 20.0
"""Standard deviation of the narrow disc; distance at which the wide one has fallen to 1/e."""

MOST_UNLIKE = 1.0
"""Differences of normalized intensities are cut here; features at a multiple of their length."""


@dataclass(frozen=True)
class Said:
    """Prompts in voxels of the working grid.

    Args:
        positive: (P, 3) voxel indices (k, j, i) inside the object.
        negative: (N, 3) outside of it.
        box: lowest and highest voxel (2, 3) of a box around the object, or None.
    """

    positive: np.ndarray
    negative: np.ndarray
    box: np.ndarray | None = None

    def all_points(self) -> np.ndarray:
        """Points and corners of the box, (n, 3)."""
        corners = [] if self.box is None else [self.box]
        return np.concatenate([self.positive.reshape(-1, 3), self.negative.reshape(-1, 3), *corners])

    def with_point(self, point: np.ndarray, positive: bool) -> Said:
        """One more point."""
        one = np.asarray(point).reshape(1, 3)
        if positive:
            return Said(np.concatenate([self.positive.reshape(-1, 3), one]), self.negative, self.box)
        return Said(self.positive, np.concatenate([self.negative.reshape(-1, 3), one]), self.box)


@dataclass(frozen=True)
class Inputs:
    """What :class:`~MultimodalSegLib.networks.click_net.ClickHead` reads of one crop, without the batch axis.

    Args:
        looks: (M, 3, D, H, W).
        features: (C + 2, D/2, H/2, W/2).
        guidance: (6, D, H, W).
    """

    looks: Tensor
    features: Tensor
    guidance: Tensor


def head_inputs(
    images: Tensor,
    features: Tensor,
    said: Said,
    previous: Tensor,
    start: tuple[int, int, int],
    size: tuple[int, int, int],
    spacing: float,
) -> Inputs:
    """Cut a crop and draw the prompts into it.

    Args:
        images: (M, D, H, W) normalized, the whole working grid.
        features: (C, D/2, H/2, W/2) of the same, any floating type.
        said: prompts; those outside the crop still tell what the object looks like.
        previous: (D, H, W) the mask so far, 0 or 1.
        start: first voxel of the crop, even numbers.
        size: of the crop, even numbers, inside the grid.
        spacing: millimetres per voxel.
    """
    part = tuple(slice(s, s + n) for s, n in zip(start, size, strict=True))
    half = tuple(slice(s // 2, (s + n) // 2) for s, n in zip(start, size, strict=True))
    crop = images[(slice(None), *part)]
    known = features[(slice(None), *half)].float()
    looks, unlike, drawn = [crop], [], []
    for points in (said.positive, said.negative):
        points = np.asarray(points, int).reshape(-1, 3)
        looks.append(unlike_images(images, crop, points))
        unlike.append(unlike_features(features, known, points))
        drawn += soft_discs(points - np.asarray(start), size, spacing)
    guidance = torch.stack([*drawn, box_mask(said.box, start, size), previous[part].float()])
    return Inputs(torch.stack(looks, dim=1), torch.cat([known, torch.stack(unlike)]), guidance)


def unlike_images(images: Tensor, crop: Tensor, points: np.ndarray) -> Tensor:
    """How far each voxel's intensity is from that of the most similar prompt: (M, d, h, w), 1 without prompts."""
    nearest = torch.full_like(crop, MOST_UNLIKE)
    for k, j, i in points:
        cube = images[:, max(k - 1, 0) : k + 2, max(j - 1, 0) : j + 2, max(i - 1, 0) : i + 2]
        nearest = torch.minimum(nearest, (crop - cube.mean((1, 2, 3))[:, None, None, None]).abs())
    return nearest


def unlike_features(features: Tensor, crop: Tensor, points: np.ndarray) -> Tensor:
    """Distance of each place's features from those of the most similar prompt, (d, h, w), 0 to 1; 1 without prompts."""
    nearest = crop.new_full(crop.shape[1:], 1.0)
    if not len(points):
        return nearest
    length = crop.square().sum(0).mean().sqrt() + 1e-6
    for k, j, i in points // 2:
        here = features[:, k, j, i].float()[:, None, None, None]
        nearest = torch.minimum(nearest, (crop - here).square().sum(0).sqrt() / (2 * length))
    return nearest


def soft_discs(points: np.ndarray, size: tuple[int, int, int], spacing: float) -> list[Tensor]:
    """A narrow and a wide disc around each of the points (n, 3), two maps (D, H, W) from 0 to 1."""
    if not len(points):
        return [torch.zeros(size), torch.zeros(size)]
    axes = [torch.arange(n, dtype=torch.float32) for n in size]
    square = torch.full(size, torch.inf)
    for point in points:
        k, j, i = ((axis - float(p)).square() for axis, p in zip(axes, point, strict=True))
        square = torch.minimum(square, k[:, None, None] + j[:, None] + i)
    square = square * spacing**2
    return [torch.exp(-square / (2 * NEAR_MM**2)), torch.exp(-square.sqrt() / FAR_MM)]


def box_mask(box: np.ndarray | None, start: tuple[int, int, int], size: tuple[int, int, int]) -> Tensor:
    """1 inside the box, (D, H, W); zeros without one."""
    mask = torch.zeros(size)
    if box is not None:
        low, high = np.asarray(box, int) - np.asarray(start)
        k, j, i = (slice(max(0, int(a)), max(0, int(b) + 1)) for a, b in zip(low, high, strict=True))
        mask[k, j, i] = 1.0
    return mask
