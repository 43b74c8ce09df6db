"""Rotation, scaling and elastic deformation in one sampling, of images and labels together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor
from torch.nn import functional as F

from ...images.grid import Triple
from ...synthesis.deformation import rotation
from .settings import Augmentation

LATTICE_STEPS = 3
"""Points between two knots to which the coarse displacements are brought by cubic interpolation; the rest is linear."""


@dataclass(frozen=True)
class Deformation:
    """Where each voxel of the result is taken from.

    Args:
        linear: 3x3 matrix on points (x, y, z) in mm about the middle.
        displacement: (3, n, m, l) float32, mm along x, y, z, on a lattice that spans the result; None for none.
    """

    linear: np.ndarray
    displacement: np.ndarray | None = None


def draw_deformation(
    rng: np.random.Generator, size: tuple[int, int, int], spacing: Triple, settings: Augmentation
) -> Deformation | None:
    """Draw a deformation of a crop, or None for none.

    Args:
        rng: source of every choice.
        size: (D, H, W) of the crop.
        spacing: x, y, z, mm.
        settings: chances and amounts.
    """
    moves, bends = rng.random() < settings.move_chance, rng.random() < settings.elastic_chance
    if not moves and not bends:
        return None
    linear = np.eye(3)
    if moves:
        turn = rotation(rng.uniform(-settings.rotation, settings.rotation, 3))
        linear = turn @ np.diag(1 + rng.uniform(-settings.scaling, settings.scaling, 3))
    if not bends:
        return Deformation(linear)
    extent = np.asarray(size) * spacing[::-1]
    knots = np.maximum(2, np.rint(extent / settings.knots_mm).astype(int) + 1)
    coarse = rng.normal(0, settings.elastic_mm, (3, *knots)).astype(np.float32)
    fine = [ndimage.zoom(part, LATTICE_STEPS, order=3, grid_mode=True, mode="nearest") for part in coarse]
    return Deformation(linear, np.stack(fine))


def deform(
    images: Tensor,
    truth: Tensor,
    low: Tensor,
    size: tuple[int, int, int],
    spacing: Triple,
    deformation: Deformation,
) -> tuple[Tensor, Tensor]:
    """Apply a deformation: images by linear interpolation, truth by nearest neighbor.

    Args:
        images: (M, D, H, W) float32, at least as large as the result.
        truth: (T, D, H, W), whole numbers below 2^24.
        low: (M,) value of each image outside of it.
        size: of the result, whose middle is the middle of the images.
        spacing: x, y, z, mm.
        deformation: what to do.

    Returns:
        (M, *size) and (T, *size), types as given.
    """
    where = _sampling_grid(tuple(images.shape[1:]), size, spacing, deformation)
    floor = low[:, None, None, None]
    moved = F.grid_sample((images - floor)[None], where, mode="bilinear", padding_mode="zeros", align_corners=False)
    taken = F.grid_sample(truth[None].float(), where, mode="nearest", padding_mode="zeros", align_corners=False)
    return moved[0] + floor, taken[0].round().to(truth.dtype)


def _sampling_grid(
    given: tuple[int, ...], size: tuple[int, int, int], spacing: Triple, deformation: Deformation
) -> Tensor:
    """(1, D, H, W, 3): x, y, z from -1 to 1 over the given images."""
    # millimetres to grid_sample's units, in which an image of n voxels is 2 long
    units = torch.tensor([2.0 / (n * s) for n, s in zip(given[::-1], spacing, strict=True)])
    axes = [(torch.arange(n) - (n - 1) / 2) * s for n, s in zip(size, spacing[::-1], strict=True)]  # k, j, i in mm
    matrix = torch.tensor(deformation.linear, dtype=torch.float32) * units[:, None]
    where = torch.empty(1, *size, 3)
    for row in range(3):
        where[0, ..., row] = (
            (matrix[row, 2] * axes[0])[:, None, None] + (matrix[row, 1] * axes[1])[:, None] + (matrix[row, 0] * axes[2])
        )
    if deformation.displacement is not None:
        bend = torch.from_numpy(deformation.displacement) * units[:, None, None, None]
        where += F.interpolate(bend[None], size=size, mode="trilinear").permute(0, 2, 3, 4, 1)
    return where
