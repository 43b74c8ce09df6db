"""The features of a fusion network at each scale, read while it answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn

from ...errors import InputError
from ...networks.inputs import cropped


@contextmanager
def recorded_features(network: nn.Module, scales: int, sides: Sequence[int]) -> Iterator[list[Tensor]]:
    """Fused features of the finest scales, of what the network answers meanwhile.

    The fused features are read because they have one shape whatever modalities are there.

    Args:
        network: with ``fuse``, a list of modules from fine to coarse that give fused features first.
        scales: how many, from stride 2 on; 0 reads nothing, of any network.
        sides: (D, H, W) of the volume; what lies in the network's padding is cut off.

    Yields:
        A list that fills with (B, C, d, h, w) at strides 2, 4, 8, ...
    """
    found: list[Tensor] = []

    def keep(_module: nn.Module, _given: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:
        found.append(cropped(output[0], tuple(sides), 2 ** (len(found) + 1)))

    handles = [stage.register_forward_hook(keep) for stage in (_stages(network)[:scales] if scales else [])]
    try:
        yield found
    finally:
        for handle in handles:
            handle.remove()


def common_scales(student: nn.Module, teacher: nn.Module) -> list[tuple[int, int]]:
    """Channels of student and teacher at each scale that both have, fine to coarse.

    Raises:
        InputError: one of them is no fusion network.
    """
    own, known = ([_channels(network, n) for n in range(len(_stages(network)))] for network in (student, teacher))
    return list(zip(own, known, strict=False))


def _stages(network: nn.Module) -> list[nn.Module]:
    stages = getattr(network, "fuse", None)
    if not isinstance(stages, nn.ModuleList):
        raise InputError(
            f"The network {type(network).__name__} has no fused features that could be compared.",
            "Set 'features' and 'attention' of the distillation to 0.",
        )
    return list(stages)


def _channels(network: nn.Module, scale: int) -> int:
    widths: Sequence[int] = network.config.widths  # type: ignore[union-attr,assignment]
    return widths[scale]
