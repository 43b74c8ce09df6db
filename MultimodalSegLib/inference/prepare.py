"""From volumes in patient space to what the network sees."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import Tensor

from ..errors import InputError
from ..images.grid import Grid
from ..images.intensities import CT_OUTSIDE, outside_value
from ..images.normalization import Normalization
from ..images.resample import resample
from ..images.volume import Volume
from .head_box import constant_padding


def network_images(
    volumes: Mapping[str, Volume],
    grid: Grid,
    normalization: Callable[[str], Normalization],
    report: Callable[[float, str], None],
) -> tuple[Tensor, list[str], list[str]]:
    """Resample and normalize every volume.

    Args:
        volumes: by modality, finite values.
        grid: the working grid.
        normalization: of a modality.
        report: told the finished fraction and the volume at hand.

    Returns:
        Images (M, D, H, W) float32, the M modalities, and warnings about volumes that were left out.

    Raises:
        InputError: values that are not finite, or nothing to see in any volume.
    """
    images, names, warnings = [], [], []
    for n, (name, volume) in enumerate(volumes.items()):
        report(n / len(volumes), f"Preparing {name}")
        if not np.isfinite(np.sum(volume.array, dtype=np.float64)):
            raise InputError(f"The {name} volume holds values that are not finite.", "Repair it, or leave it out.")
        array = resample(_with_air(name, volume), grid, outside=outside_value(name)).array
        if float(np.ptp(array)) == 0.0:
            warnings.append(f"The {name} volume shows nothing in the part that is segmented and was left out.")
            continue
        images.append(normalization(name).apply(array, grid.spacing))
        names.append(name)
    if not images:
        raise InputError("No volume shows anything: all values are the same.", "Give another volume.")
    return torch.from_numpy(np.stack(images)), names, warnings


def _with_air(name: str, volume: Volume) -> Volume:
    """A CT whose surroundings were blanked with a value that would pass for tissue gets air there."""
    padding = constant_padding(volume.array) if name == "CT" else None
    if padding is None or padding <= CT_OUTSIDE / 2:
        return volume
    return volume.with_array(np.where(volume.array == padding, np.float32(CT_OUTSIDE), volume.array))
