"""The part of a case that a model works on, as it asks for."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..images.grid import Grid
from ..images.volume import Volume
from .head_box import MARGIN_MM, MAX_HEIGHT_MM, Box, field_of_view, head_box

BODY_SHARE = 0.1
"""A separate part of the body, such as a leg, counts from this share of the largest one on."""


def region_box(volumes: Mapping[str, Volume], region: str, max_height_mm: float = MAX_HEIGHT_MM) -> Box:
    """The box of what a model is to see.

    Args:
        volumes: by modality, all on one grid.
        region: ``"head"``; ``"body"``, what is not background; or ``"volume"``, the whole field of view.
        max_height_mm: of a head with its neck.

    Raises:
        ValueError: an unknown region.
    """
    view = field_of_view(next(iter(volumes.values())).grid)
    if region == "head":
        return head_box(volumes, max_height_mm=max_height_mm)
    if region == "body":
        return head_box(volumes, max_height_mm=float(view.size[2]) + MARGIN_MM, least_share=BODY_SHARE)
    if region == "volume":
        return view
    raise ValueError(f"region is {region!r}, none of head, body, volume")


def padded(images: np.ndarray, grid: Grid, least: tuple[int, int, int], multiple: int) -> tuple[np.ndarray, Grid]:
    """Put images in the middle of a larger array, with each one's lowest value around it.

    Images are normalized before they are padded, as crops are in training, so that what surrounds them does not count.

    Args:
        images: (M, D, H, W) on ``grid``.
        grid: along the patient's axes.
        least: smallest sides (D, H, W) of the result.
        multiple: of which the sides of the result are multiples.

    Returns:
        Images (M, D', H', W') and their grid.
    """
    shape = np.asarray(images.shape[1:])
    wanted = -(-np.maximum(shape, least) // multiple) * multiple
    before = (wanted - shape) // 2
    if np.array_equal(wanted, shape):
        return images, grid
    result = np.empty((len(images), *wanted), images.dtype)
    result[:] = images.min((1, 2, 3))[:, None, None, None]
    result[(slice(None), *(slice(b, b + n) for b, n in zip(before, shape, strict=True)))] = images
    x, y, z = (grid.affine @ [*(-before[::-1]), 1.0])[:3].tolist()
    i, j, k = (int(n) for n in wanted[::-1])
    return result, Grid((i, j, k), grid.spacing, (x, y, z), grid.direction)
