"""What the network sees of a case: one tensor on its own working grid."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from ..images.grid import Grid
from ..images.resample import resample
from ..images.volume import Volume
from ..models.bundle import Bundle
from .head_box import MAX_HEIGHT_MM, Box
from .prepare import network_images
from .region import padded, region_box

Report = Callable[[float, str], None]
"""Takes the finished fraction, 0 to 1, and what is done; may raise to stop."""


@dataclass(frozen=True)
class NetworkView:
    """A case as the network sees it.

    Args:
        images: (M, D, H, W) normalized float32.
        names: the M modalities.
        family: (M,) int64, index of each modality's family.
        grid: working grid of the images.
        box: the part of the patient that is segmented.
        warnings: sentences for the user.
    """

    images: Tensor
    names: tuple[str, ...]
    family: Tensor
    grid: Grid
    box: Box
    warnings: tuple[str, ...] = ()

    def without_images(self) -> NetworkView:
        """The same without the images, whose memory is free then."""
        return replace(self, images=self.images[:, :0])

    def on(self, reference: Grid, values: np.ndarray | Tensor) -> Volume:
        """A map of the working grid, or of a coarser scale of the network, on another grid.

        Args:
            reference: the grid that is asked for.
            values: (d, h, w); the sides are the working grid's divided by a whole number, rounded up.

        Returns:
            float32 by linear interpolation, 0 outside the working grid.
        """
        array = np.ascontiguousarray(np.asarray(values, np.float32))
        k, j, i = (-(-n // s) for n, s in zip(self.grid.shape, array.shape, strict=True))
        (x, y, z), (dx, dy, dz) = self.grid.origin, self.grid.affine[:3, :3] @ ((np.array([i, j, k]) - 1) / 2)
        sx, sy, sz = self.grid.spacing
        depth, height, width = array.shape
        origin = (float(x + dx), float(y + dy), float(z + dz))
        coarse = Grid((width, height, depth), (sx * i, sy * j, sz * k), origin, self.grid.direction)
        return resample(Volume(array, coarse), reference)


def network_view(
    bundle: Bundle, volumes: Mapping[str, Volume], report: Report = lambda done, text: None
) -> NetworkView:
    """Cut, resample and normalize volumes that share a space, as in training, and as large as the network needs.

    A whole volume is normalized by itself and padded then; around a box there is more of the volume to see.

    Raises:
        InputError: a modality that the model does not know, or values that are not finite.
    """
    box = region_box(volumes, bundle.region, float(bundle.metadata.get("max_box_mm", MAX_HEIGHT_MM)))
    stride = 1 if bundle.region == "volume" else bundle.stride
    grid = box.grid(bundle.spacing, stride)
    images, names, warnings = network_images(volumes, grid, bundle.normalization, report)
    least = bundle.patch or (2 * bundle.stride,) * 3
    array, grid = padded(images.numpy(), grid, least, 1 if bundle.patch else bundle.stride)
    family = torch.tensor([bundle.family_index(name) for name in names])
    return NetworkView(torch.from_numpy(array), tuple(names), family, grid, box, tuple(warnings))
