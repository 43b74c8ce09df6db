"""How values become colors: gray windows, structures in their colors, outlines, heat, checkerboards.

Images are uint8 (rows, columns, 3).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy import ndimage

from ...images.intensities import robust_range
from ...images.volume import Volume

WINDOWS = {"head": (0.0, 80.0), "body": (-160.0, 240.0)}
"""Hounsfield units shown as black and white: brain, and soft tissue of the body."""

OUTLINE = (255, 214, 0)
EDGE = (255, 166, 0)
FILL = 0.45
"""Opacity of colored structures."""

HEAT = np.array([(0, 0, 4), (40, 11, 84), (101, 21, 110), (159, 42, 99), (212, 72, 66), (245, 125, 21), (250, 193, 39)])
"""Anchors of the color map "inferno" (van der Walt & Smith 2015, CC0) from 0 to about 0.9: even steps for every eye."""
HEAT_OPACITY = 0.75


def gray_window(volume: Volume, modality: str, region: str = "head") -> tuple[float, float]:
    """Values shown as black and as white.

    Args:
        volume: a whole scan.
        modality: its name; CT is in HU.
        region: what the model works on; see :attr:`~MultimodalSegLib.models.bundle.Bundle.region`.
    """
    if modality == "CT":
        return WINDOWS["head" if region == "head" else "body"]
    return robust_range(volume.array)


def gray(values: np.ndarray, window: tuple[float, float]) -> np.ndarray:
    """Values (rows, columns) as gray image."""
    low, high = window
    level = np.clip((values - low) / max(high - low, 1e-6), 0, 1)
    return np.repeat(np.rint(255 * level).astype(np.uint8)[..., None], 3, axis=2)


def filled(image: np.ndarray, labels: np.ndarray, colors: Mapping[int, tuple[int, int, int]]) -> np.ndarray:
    """Color the structures of a label slice (rows, columns), so that the image shines through."""
    table = np.zeros((int(labels.max()) + 1, 3), np.float32)
    shown = np.zeros(len(table), bool)
    for value, color in colors.items():
        if value < len(table):
            table[value], shown[value] = color, True
    opacity = FILL * shown[labels][..., None]
    return _blend(image, table[labels], opacity)


def outlined(image: np.ndarray, mask: np.ndarray, color: tuple[int, int, int] = OUTLINE) -> np.ndarray:
    """Draw a line around a mask (rows, columns); it runs outside, so that even one pixel stays visible."""
    grown = ndimage.binary_dilation(mask, np.ones((3, 3), bool), iterations=2)
    marked = image.copy()
    marked[grown & ~mask] = color
    return marked


def heated(image: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Lay a map (rows, columns) of 0 to 1 over an image; the higher, the lighter and the less transparent."""
    part = np.clip(np.nan_to_num(values), 0, 1)
    return _blend(image, heat_colors(part), HEAT_OPACITY * part[..., None])


def heat_colors(part: np.ndarray) -> np.ndarray:
    """Colors (..., 3), float, of values of 0 to 1."""
    places = np.linspace(0, 1, len(HEAT))
    return np.stack([np.interp(part, places, HEAT[:, channel]) for channel in range(3)], axis=-1)


def checkerboard(first: np.ndarray, second: np.ndarray, tile: int) -> np.ndarray:
    """Two images in alternate squares of ``tile`` pixels; a misalignment breaks the contours at their borders."""
    row, column = np.indices(first.shape[:2]) // tile
    return np.where(((row + column) % 2 == 0)[..., None], first, second)


def edged(image: np.ndarray, other: np.ndarray, mm_per_pixel: float) -> np.ndarray:
    """Draw the strongest contours of another gray image over an image.

    Canny's detector (1986) with a Gaussian of 1.5 mm.
    """
    from skimage.feature import canny

    edges = canny(
        other[..., 0] / 255.0, sigma=1.5 / mm_per_pixel, low_threshold=0.8, high_threshold=0.92, use_quantiles=True
    )
    marked = image.copy()
    marked[edges] = EDGE
    return marked


def _blend(image: np.ndarray, color: np.ndarray, opacity: np.ndarray) -> np.ndarray:
    return np.rint(image * (1 - opacity) + color * opacity).astype(np.uint8)
