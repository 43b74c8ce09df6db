"""Which engine computes a model here: torch, or OpenVINO on the processor."""

from __future__ import annotations

import os
from collections.abc import Callable

import torch

from ..errors import InputError
from ..models.bundle import Bundle
from ..networks.blob_cache import BlobCache, cache_folder
from ..networks.compiled import CompiledNetwork, LastCompiled, can_compile
from ..networks.device import choose_precision
from .windows import Engine

ENGINES = ("auto", "torch", "openvino")
USUAL = "MMS_ENGINE"
"""Environment variable that says what ``"auto"`` means."""


def choose_engine(bundle: Bundle, device: torch.device, wanted: str = "auto") -> str:
    """The engine meant by ``"auto"``, ``"torch"`` or ``"openvino"``.

    Of itself OpenVINO is taken on a processor, where it is installed and computes everything in the network.

    Raises:
        InputError: unknown, or one that cannot compute this model there.
    """
    if wanted == "auto":
        wanted = os.environ.get(USUAL, "auto")
    if wanted not in ENGINES:
        raise InputError(f"Unknown engine {wanted!r}.", f"Use one of {', '.join(ENGINES)}.")
    able = can_compile(bundle.metadata["network"])
    if wanted == "auto":
        return "openvino" if device.type == "cpu" and able else "torch"
    if wanted == "openvino" and device.type != "cpu":
        raise InputError(f"OpenVINO computes on the processor, not on {device}.", "Choose the device cpu.")
    if wanted == "openvino" and not able:
        raise InputError(
            f"OpenVINO cannot compute the model {bundle.name!r}: it is not installed, or the network samples at "
            "learned positions.",
            "Install it with: pip install 'multimodalseg[openvino]', or use the engine torch or a student model.",
        )
    return wanted


def make_engine(
    name: str, bundle: Bundle, device: torch.device, threads: int | None, tell: Callable[[], None] = lambda: None
) -> Engine:
    """A model's network, ready to run.

    Args:
        name: ``"torch"`` or ``"openvino"``, see :func:`choose_engine`.
        bundle: the model.
        device: where to compute.
        threads: of the processor, for OpenVINO; all if None.
        tell: called before something has to be compiled.

    Raises:
        ModelError: the weights do not fit the network.
    """
    precision = choose_precision(device)
    if name == "torch":
        return Engine(bundle.network().to(device), device, precision)
    entry = {**bundle.metadata["network"], "spacing": list(reversed(bundle.spacing))}
    cache, last = BlobCache(cache_folder()), bundle.kept(LastCompiled)
    network = CompiledNetwork(bundle.network, entry, bundle.checksum, precision, threads, cache, tell, last)
    return Engine(network, device, precision, "openvino")
