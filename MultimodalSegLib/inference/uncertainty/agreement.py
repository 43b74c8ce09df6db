"""Whether the three views, and the single modalities, of a case say the same."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy.fft import irfftn, rfftn
from torch import Tensor
from torch.nn import functional as F

from ...images.grid import Grid

SLICE_MM = 6.0
"""Thickness of the slices of a view; that of much clinical MRI."""

STEP_MM = 3.0
"""How finely a shift between two modalities is searched."""

REACH_MM = 30.0
"""Longest shift along each axis that is searched."""

AXES = {"axial": 0, "coronal": 1, "sagittal": 2}
"""The axis (k, j, i) of the working grid along which the slices of a view are stacked."""


def view_images(images: Tensor, axis: int, step: int) -> Tensor:
    """The case as a scan in thick slices would show it, on the same grid.

    Turning the axes themselves would show the network a lying head, as no training does: what that gives tells nothing
    about the case.

    Args:
        images: (M, D, H, W).
        axis: across the slices, 0, 1 or 2.
        step: thickness of a slice, voxels.
    """
    if step < 2:
        return images
    size = images.shape[axis + 1]
    window = [step if n == axis else 1 for n in range(3)]
    lengthened = F.pad(images[None], _after(axis, -size % step), mode="replicate")
    slices = F.avg_pool3d(lengthened, window)
    wanted = list(lengthened.shape[2:])
    result = F.interpolate(slices, size=wanted, mode="trilinear", align_corners=False)[0]
    return result.narrow(axis + 1, 0, size)


def _after(axis: int, count: int) -> list[int]:
    """Padding of ``count`` voxels behind an axis, as torch wants it: last axis first."""
    padding = [0] * 6
    padding[2 * (2 - axis) + 1] = count
    return padding


def view_steps(spacing: Sequence[float]) -> dict[str, int]:
    """Voxels in a thick slice of each view, for a spacing (x, y, z) in mm."""
    return {name: max(2, round(SLICE_MM / spacing[2 - axis])) for name, axis in AXES.items()}


def agreement(maps: Sequence[np.ndarray | Tensor], values: Collection[int]) -> dict[int, float]:
    """Mean Dice of every two of several label maps, by label value.

    Args:
        maps: integer label maps of one shape.
        values: labels to compare; one that no map has is left out.
    """
    arrays = [np.asarray(m) for m in maps]
    top = max(values, default=0) + 1
    sizes = [np.bincount(a.ravel().clip(max=top), minlength=top + 1) for a in arrays]
    found: dict[int, list[float]] = {}
    for a, b in combinations(range(len(arrays)), 2):
        both = np.bincount(arrays[a][arrays[a] == arrays[b]].clip(max=top), minlength=top + 1)
        for value in values:
            total = sizes[a][value] + sizes[b][value]
            if total:
                found.setdefault(value, []).append(2.0 * float(both[value]) / float(total))
    return {value: float(np.mean(scores)) for value, scores in found.items()}


@dataclass(frozen=True)
class Placement:
    """How two modalities alone place the same structures.

    Args:
        dice: of the two masks, 0 to 1.
        distance_mm: by which one must be shifted for most voxels to say the same.
    """

    dice: float
    distance_mm: float


def placement(first: np.ndarray, second: np.ndarray, values: Collection[int], grid: Grid) -> Placement | None:
    """Compare two label maps on one grid; None where one shows too little to be compared (fewer than 1 ml).

    Args:
        first: (k, j, i).
        second: of the same shape.
        values: labels that count, such as all of the brain.
        grid: of both.
    """
    masks = [np.isin(labels, list(values)) for labels in (first, second)]
    counts = [int(np.count_nonzero(mask)) for mask in masks]
    if min(counts) * grid.voxel_ml < 1.0:
        return None
    both = int(np.count_nonzero(masks[0] & masks[1]))
    return Placement(2.0 * both / sum(counts), _shift_mm(first, second, values, grid))


def _shift_mm(first: np.ndarray, second: np.ndarray, values: Collection[int], grid: Grid) -> float:
    """Length of the shift after which most voxels have the same label.

    Unlike the distance of the middles it does not follow what one of the two has marked by mistake.
    """
    spacing = np.asarray(grid.spacing[::-1])
    steps = np.maximum(1, (STEP_MM / spacing).astype(int))
    coarse = [labels[tuple(slice(None, None, int(s)) for s in steps)] for labels in (first, second)]
    unit = steps * spacing
    reach = np.minimum((REACH_MM / unit).astype(int), np.asarray(coarse[0].shape) - 1)
    shape = [int(n + r) for n, r in zip(coarse[0].shape, reach, strict=True)]
    product = np.zeros((*shape[:2], shape[2] // 2 + 1), np.complex64)
    for value in values:
        one, other = (rfftn((labels == value).astype(np.float32), shape) for labels in coarse)
        product += one * np.conj(other)
    same = irfftn(product, shape)
    near = [np.r_[0 : r + 1, -r:0] for r in reach]
    best = np.unravel_index(same[np.ix_(*near)].argmax(), [len(n) for n in near])
    return float(np.linalg.norm([n[b] * u for n, b, u in zip(near, best, unit, strict=True)]))


def placements(
    maps: Mapping[str, np.ndarray], reference: str, values: Collection[int], grid: Grid
) -> dict[str, Placement]:
    """How each modality alone places structures compared with the reference alone, by modality."""
    others = {name: placement(maps[reference], m, values, grid) for name, m in maps.items() if name != reference}
    return {name: found for name, found in others.items() if found is not None}
