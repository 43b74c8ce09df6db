"""Where and how precisely to compute."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from ..errors import InputError


@contextmanager
def processor_threads(count: int | None) -> Iterator[None]:
    """Use so many processor threads for a while."""
    before = torch.get_num_threads()
    if count:
        torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def choose_device(name: str) -> torch.device:
    """The device meant by ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"cuda:N"``.

    Raises:
        InputError: unknown or not available here.
    """
    if name == "auto":
        return torch.device("cuda:0" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise InputError(f"Unknown device {name!r}.", "Use auto, cpu, cuda or cuda:1.") from error
    if device.type not in ("cpu", "cuda") or (device.type == "cuda" and not torch.cuda.is_available()):
        raise InputError(f"The device {name!r} is not available here.", "Use auto or cpu.")
    return device


def choose_precision(device: torch.device) -> torch.dtype:
    """16-bit convolutions where the device has units for them, float32 elsewhere.

    On a processor with bfloat16 instructions they take a third of the time of float32; on one without, two to three
    times as long. (torch's own ``_is_mkldnn_bf16_supported`` also says yes to emulation, so the instructions count.)
    """
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16
    native = any(getattr(torch.cpu, f"_is_{unit}_supported", bool)() for unit in ("avx512_bf16", "amx_tile"))
    return torch.bfloat16 if native and torch.ops.mkldnn._is_mkldnn_bf16_supported() else torch.float32
