"""How much memory a pass through the network takes, and how much there is; without torch where it is only said."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import torch

SHARE = 0.9
"""Part of the free memory that may be planned for."""

LIVE_FEATURES = 5.0
"""Float32 tensors of the first stage that are alive at once for each modality: an upper bound of what was measured on a
processor (3.3 to 4.4 for boxes of 96x96x96 to 160x192x192, one and two modalities, 16 and 32 bits)."""

PUBLISHED = 2100.0
"""Bytes per voxel of the published networks, which work at full resolution: the most that was measured (U-Net++ on a
head of 160x192x160 voxels in 16 bits, see the benchmark of the networks), logits included."""


def bytes_per_voxel(network: Mapping[str, Any], modalities: int, precision: torch.dtype | np.dtype[Any]) -> float:
    """Peak bytes per voxel of the network's input.

    The logits count twice (the head's output and its rearranged copy, where an engine holds both), features at half
    resolution an eighth.

    Args:
        network: the ``network`` entry of the bundle's metadata.
        modalities: number of volumes given to the network.
        precision: type of the logits, of torch or numpy.
    """
    if "widths" not in network:
        return PUBLISHED * max(1.0, precision.itemsize / 2)
    logits = 2 * channels(network) * precision.itemsize
    first_stage = int(network["widths"][0]) * 4 / 8
    features = LIVE_FEATURES * first_stage * max(1, modalities)
    gate = 1.5 * first_stage if network.get("size_gate", False) else 0.0  # the factors, and the sizes they follow from
    return logits + features + gate + 4 * modalities


def windowed_bytes(
    network: Mapping[str, Any],
    modalities: int,
    precision: torch.dtype | np.dtype[Any],
    shape: Sequence[int],
    window: Sequence[int],
) -> float:
    """Peak bytes of an answer in windows: one pass, and half-precision logits and a float32 weight of every voxel.

    Args:
        network: as for :func:`bytes_per_voxel`.
        modalities: as for :func:`bytes_per_voxel`.
        precision: as for :func:`bytes_per_voxel`.
        shape: (D, H, W) of the network's input.
        window: (d, h, w), not larger.
    """
    one_pass = bytes_per_voxel(network, modalities, precision) * math.prod(window)
    return one_pass + (2.0 * channels(network) + 4.0) * math.prod(shape)


def channels(network: Mapping[str, Any]) -> int:
    """Logits of a voxel: structures, and side and lesion where the network has these heads."""
    return int(network["classes"]) + int(network.get("side", True)) + int(network.get("lesion", True))


def free_bytes(device: torch.device, memory_limit_mb: float | None) -> float:
    """Memory that may be used for the network, in bytes; a limit counts what is taken beyond what is in use now."""
    if memory_limit_mb is not None:
        return memory_limit_mb * 2**20
    if device.type == "cuda":
        import torch

        return SHARE * torch.cuda.mem_get_info(device)[0]
    return SHARE * available_bytes()


def available_bytes() -> float:
    """Memory that is free on this computer or, if that is less, in this container."""
    import psutil

    return min(float(psutil.virtual_memory().available), _container_bytes())


def _container_bytes() -> float:
    """What the control group of a container or batch job still allows (Linux), else infinity."""
    group = Path("/sys/fs/cgroup")
    try:
        return float((group / "memory.max").read_text(encoding="utf-8")) - float(
            (group / "memory.current").read_text(encoding="utf-8")
        )
    except (OSError, ValueError):
        return float("inf")


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an exception is torch's or Python's way of saying that memory is exhausted."""
    import torch

    text = str(error).lower()
    phrases = ("out of memory", "can't allocate memory", "not enough memory")
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or (
        isinstance(error, RuntimeError) and any(phrase in text for phrase in phrases)
    )
