"""The network's answer in one shot, or in windows that a model or the memory asks for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ..errors import OutOfMemoryError
from ..machine import give_memory_back
from ..models.bundle import Bundle
from ..networks.device import choose_precision
from .engines import choose_engine, make_engine
from .memory import bytes_per_voxel, free_bytes, is_out_of_memory, windowed_bytes
from .windows import Engine, Prediction

WINDOWS = (96, 64, 32)
"""Edges of a window, largest first, in working voxels; those below two strides of the network are not used."""


def fitting_answer(
    bundle: Bundle,
    images: Tensor,
    family: Tensor,
    device: torch.device,
    limit_mb: float | None,
    report: Callable[[float, str], None],
    network: nn.Module | None = None,
    engine: str = "auto",
    threads: int | None = None,
) -> tuple[Prediction, list[str]]:
    """Run a model's network on a prepared case.

    A model that names a patch sees windows of it; one that does not sees everything at once, if that fits. Where the
    engine was not asked for and OpenVINO fails, torch computes.

    Args:
        bundle: the model.
        images: (M, D, H, W) normalized float32.
        family: (M,) int64, index of each modality's family.
        device: where to compute.
        limit_mb: what the network may take; all free memory if None.
        report: told the finished fraction and what is done; may raise to stop.
        network: the model's, where it is loaded already and on ``device``; torch computes it then.
        engine: ``"auto"``, ``"torch"`` or ``"openvino"``.
        threads: of the processor, for OpenVINO.

    Returns:
        The answer, and warnings for the user.

    Raises:
        InputError: an engine that cannot compute the model.
        OutOfMemoryError: not even small windows fit.
    """
    if network is not None:
        return _fitting(Engine(network, device, choose_precision(device)), bundle, images, family, limit_mb, report)
    name = choose_engine(bundle, device, engine)
    ready = make_engine(name, bundle, device, threads, lambda: report(0.0, "Preparing the network for this computer"))
    try:
        return _fitting(ready, bundle, images, family, limit_mb, report)
    except RuntimeError as error:
        if ready.name == "torch" or engine == "openvino" or is_out_of_memory(error):
            raise
        reason = str(error).strip().splitlines()[-1][:200] if str(error).strip() else type(error).__name__
    answer, warnings = _fitting(make_engine("torch", bundle, device, threads), bundle, images, family, limit_mb, report)
    return answer, [f"OpenVINO could not compute the network, torch did: {reason}", *warnings]


def _fitting(
    engine: Engine,
    bundle: Bundle,
    images: Tensor,
    family: Tensor,
    limit_mb: float | None,
    report: Callable[[float, str], None],
) -> tuple[Prediction, list[str]]:
    """In one shot if that fits, else in windows; see :func:`fitting_answer`."""
    device, precision = engine.device, engine.precision
    if engine.name == "openvino":
        precision = torch.float32  # in which the network is recorded, if it is not in the cache
    described: Mapping[str, Any] = bundle.metadata["network"]
    shape = [int(n) for n in images.shape[1:]]
    warnings: list[str] = []
    at_once = bundle.patch is None or all(n <= p for n, p in zip(shape, bundle.patch, strict=True))
    give_memory_back()
    free = free_bytes(device, limit_mb)
    if at_once and bytes_per_voxel(described, len(images), precision) * np.prod(shape) <= free:
        report(0.0, "Segmenting in one shot")
        try:
            return engine.one_shot(images, family), warnings
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            warnings.append("Memory ran out in one shot; overlapping windows were segmented instead.")
        free = free_bytes(device, limit_mb)

    for window in window_sizes(shape, bundle):
        if windowed_bytes(described, len(images), precision, shape, window) <= free:
            break
    else:
        raise OutOfMemoryError(
            f"{free / 2**20:.0f} MB of memory do not hold the {np.prod(shape) / 1e6:.1f} million voxels of this case.",
            "Close other programs, raise the memory limit, or crop the volume.",
        )
    report(0.0, "Segmenting in windows")
    steps = 1 if bundle.patch else bundle.stride
    try:
        return engine.windowed(images, family, window, steps, lambda f: report(f, "Segmenting in windows")), warnings
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        hint = "Close other programs, or crop the volume."
        raise OutOfMemoryError("Memory ran out even in windows.", hint) from error


def window_sizes(shape: Sequence[int], bundle: Bundle) -> list[list[int]]:
    """Windows (d, h, w) to try, largest first: the model's own patch, then cubes; each cut to the volume."""
    most = list(shape)
    found = []
    if bundle.patch:
        most = [min(n, p) for n, p in zip(shape, bundle.patch, strict=True)]
        found.append(most)
    edges = [edge // bundle.stride * bundle.stride for edge in WINDOWS if edge >= 2 * bundle.stride]
    return found + [[min(n, edge) for n in most] for edge in edges]
