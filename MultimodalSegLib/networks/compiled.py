"""A fusion network that OpenVINO computes, called as the module is."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from .. import __version__
from ..machine import version_of
from .blob_cache import BlobCache
from .blocks import depth_to_space
from .engine import OpenVinoNetwork, import_openvino
from .export import converted
from .graph import HALF, HalfResolutionGraph
from .outputs import FusionOutput


def can_compile(entry: Mapping[str, Any]) -> bool:
    """Whether OpenVINO is installed and computes everything in a network.

    Args:
        entry: ``network`` of a bundle's metadata.
    """
    exports = entry.get("kind") == "fusion" and not entry.get("deformable", False)
    return exports and importlib.util.find_spec("openvino") is not None


@dataclass
class LastCompiled:
    """The network that was compiled or found last, with what it was made from; one only, since it needs memory."""

    key: dict[str, Any] = field(default_factory=dict)
    network: OpenVinoNetwork | None = None


class CompiledNetwork:
    """A fusion network on this computer's processor, compiled for each shape that it is given, or found in the cache.

    Args:
        build: gives the network in evaluation mode; called only if something has to be compiled.
        entry: ``network`` of the bundle's metadata.
        checksum: of the weights.
        precision: ``torch.float32`` or ``torch.bfloat16``.
        threads: of the processor; all if None.
        cache: of compiled networks.
        tell: told before something is compiled, which takes seconds.
        last: what an earlier one has left in this process, and where this one leaves its own.

    Raises:
        MissingPackageError: OpenVINO is not installed.
        RuntimeError: OpenVINO cannot compile the network.

    Shapes:
        images (1, M, D, H, W) float32, sides multiples of the stride; present (1, M), all true; modality (1, M) int64
        -> ``FusionOutput`` with float16 logits; the three heads lie behind each other in memory.
    """

    def __init__(
        self,
        build: Callable[[], nn.Module],
        entry: Mapping[str, Any],
        checksum: str,
        precision: torch.dtype,
        threads: int | None,
        cache: BlobCache,
        tell: Callable[[], None] = lambda: None,
        last: LastCompiled | None = None,
    ) -> None:
        self._last = LastCompiled() if last is None else last
        self._build, self._entry, self._cache, self._tell = build, dict(entry), cache, tell
        self._precision, self._threads = precision, threads
        processor = import_openvino().Core().get_property("CPU", "FULL_DEVICE_NAME")
        self._key = {
            "weights": checksum,
            "network": self._entry,
            "precision": str(precision),
            "threads": threads,
            "processor": str(processor),
            "versions": [__version__, version_of("openvino")],
        }

    def __call__(self, images: Tensor, present: Tensor, modality: Tensor) -> FusionOutput:
        if not bool(present.all()):
            raise ValueError("A compiled network computes every modality; leave absent ones out.")
        found = self._network(tuple(images.shape))(images, modality)
        channels = [int(self._entry["classes"]), *(int(self._entry.get(name, True)) for name in ("side", "lesion"))]
        logits = _put_in_place(found["half"])
        structures, side, lesion = logits.split(channels, dim=1)
        presence = found["presence"].clone() if channels[2] else images.new_zeros(0)
        return FusionOutput(structures, side, lesion, presence, found["weights"].clone())

    def _network(self, shape: tuple[int, ...]) -> OpenVinoNetwork:
        """The network for a shape of images; only the last one is held."""
        key, last = {**self._key, "shape": shape}, self._last
        if last.network is None or last.key != key:
            last.network = None  # its memory is needed
            last.key, last.network = key, self._found(key) or self._compiled(key)
        return last.network

    def _found(self, key: Mapping[str, Any]) -> OpenVinoNetwork | None:
        blob = self._cache.find(key)
        if blob is None:
            return None
        try:
            return OpenVinoNetwork(blob, self._precision, self._threads)
        except RuntimeError:  # of another build of OpenVINO, or of another processor
            self._cache.forget(key)
            return None

    def _compiled(self, key: Mapping[str, Any]) -> OpenVinoNetwork:
        self._tell()
        shape = key["shape"]
        network: Any = self._build()
        model = converted(HalfResolutionGraph(network), HALF, shape[2:], shape[1])
        compiled = OpenVinoNetwork(model, self._precision, self._threads)
        self._cache.keep(key, compiled.blob())
        return compiled


def _put_in_place(half: Tensor) -> Tensor:
    """(1, 8 C, D/2, H/2, W/2) -> (1, C, D, H, W) in the same memory: eight channels of the one are one of the other."""
    logits = half.view(1, half.shape[1] // 8, *(2 * n for n in half.shape[2:]))
    for channel in range(logits.shape[1]):
        logits[:, channel] = depth_to_space(half[:, 8 * channel : 8 * channel + 8])[:, 0]
    return logits
