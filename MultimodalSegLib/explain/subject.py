"""The network and the case that are asked about, in one piece or in windows without seams."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product

import torch
from torch import Tensor
from torch.nn import functional as F

from ..errors import OutOfMemoryError
from ..inference.fitting import window_sizes
from ..inference.memory import bytes_per_voxel, free_bytes
from ..inference.view import NetworkView
from ..inference.windows import Engine, gaussian, window_starts
from ..models.bundle import Bundle
from ..networks.blocks import depth_to_space
from ..networks.device import choose_device, choose_precision
from ..networks.fusion_net import FusionNet

Place = tuple[slice, slice, slice]
"""A block of voxels (k, j, i)."""

LAYER_GRADIENT, INPUT_GRADIENT = 2.0, 8.0
"""Memory beside that of a pass without gradient, if what is remembered begins at a layer, or at the input."""


@dataclass(frozen=True)
class Tile:
    """A window of the working grid.

    Args:
        place: where.
        weight: (d, h, w) its share in the answer for each voxel; the shares of all tiles add up to 1.
    """

    place: Place
    weight: Tensor


class Answer:
    """One pass of the network over a tile; logits are made only where they are read.

    Args:
        engine: the network and how to run it.
        images: (M, d, h, w) on the engine's device.
        family: (M,) int64.
    """

    def __init__(self, engine: Engine, images: Tensor, family: Tensor) -> None:
        self._engine = engine
        present = torch.ones(1, len(images), dtype=torch.bool, device=engine.device)
        with self._precision():
            if isinstance(engine.network, FusionNet):
                self._finest = engine.network.decoded(images[None], present, family[None].to(engine.device))[0][0]
            else:
                output = engine.network(images[None], present, family[None].to(engine.device))
                self._logits = torch.cat([output.structures[0], output.side[0], output.lesion[0]])

    def logits(self, place: Place, channels: slice) -> Tensor:
        """Logits (c, d, h, w), float32, of some channels in a block of the tile."""
        network = self._engine.network
        if not isinstance(network, FusionNet):
            return self._logits[(channels, *place)].float()
        k, j, i = (slice(p.start // 2, -(-p.stop // 2)) for p in place)  # of the features
        rows = slice(8 * channels.start, 8 * channels.stop)  # the head answers for 2x2x2 voxels at once
        bias = network.head.bias
        assert bias is not None
        with self._precision():
            block = F.conv3d(self._finest[:, :, k, j, i], network.head.weight[rows], bias[rows])
        starts = [p.start - 2 * half.start for p, half in zip(place, (k, j, i), strict=True)]
        inner = [slice(s, s + p.stop - p.start) for s, p in zip(starts, place, strict=True)]
        return depth_to_space(block)[0, :, inner[0], inner[1], inner[2]].float()

    def _precision(self) -> torch.autocast:
        mixed = self._engine.precision != torch.float32
        return torch.autocast(self._engine.device.type, dtype=self._engine.precision if mixed else None, enabled=mixed)


@dataclass(frozen=True)
class Subject:
    """A network and what it sees of a case.

    Args:
        engine: the network, whose parameters ask for no gradient.
        images: (M, D, H, W) normalized float32.
        family: (M,) int64, index of each modality's family.
        tiles: that cover the images.
        spacing: of the working grid in (k, j, i) order, mm.
    """

    engine: Engine
    images: Tensor
    family: Tensor
    tiles: tuple[Tile, ...]
    spacing: tuple[float, float, float]

    @property
    def network(self) -> torch.nn.Module:
        """The network, of which gradients and features can be had: torch computes it."""
        assert isinstance(self.engine.network, torch.nn.Module)
        return self.engine.network

    def with_images(self, images: Tensor) -> Subject:
        """The same network asked about other images of the same shape."""
        return replace(self, images=images)

    def with_network(self, network: torch.nn.Module) -> Subject:
        """Another network asked about the same images."""
        return replace(self, engine=replace(self.engine, network=network))

    def seen(self, tile: Tile) -> Tensor:
        """The images in a tile, (M, d, h, w), on the engine's device."""
        return self.images[(slice(None), *tile.place)].to(self.engine.device)

    def answer(self, tile: Tile) -> Answer:
        """What the network says of a tile."""
        return Answer(self.engine, self.seen(tile), self.family)


def subject_of(
    bundle: Bundle,
    view: NetworkView,
    device: str = "auto",
    memory_limit_mb: float | None = None,
    remembered: float = LAYER_GRADIENT,
) -> Subject:
    """The network of a bundle, ready to be asked about a case, in windows if the model or the memory asks for them.

    Args:
        bundle: the model.
        view: the case as the network sees it.
        device: ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"cuda:N"``.
        memory_limit_mb: what the network may take; all free memory if None.
        remembered: :data:`LAYER_GRADIENT` or :data:`INPUT_GRADIENT`.

    Raises:
        OutOfMemoryError: not even small windows fit.
    """
    where = choose_device(device)
    engine = Engine(bundle.network().requires_grad_(False).to(where), where, choose_precision(where))
    shape = [int(n) for n in view.images.shape[1:]]
    least = bytes_per_voxel(bundle.metadata["network"], len(view.images), engine.precision) * (1 + remembered)
    free = free_bytes(where, memory_limit_mb)
    at_once = bundle.patch is None or all(n <= p for n, p in zip(shape, bundle.patch, strict=True))
    sizes = ([shape] if at_once else []) + window_sizes(shape, bundle)
    for size in sizes:
        if least * math.prod(size) <= free:
            parts = tiles(shape, size, 1 if bundle.patch else bundle.stride)
            x, y, z = bundle.spacing
            return Subject(engine, view.images, view.family, parts, (z, y, x))
    raise OutOfMemoryError(
        f"{free / 2**20:.0f} MB of memory do not hold a window of this case with its gradients.",
        "Close other programs, or raise the memory limit.",
    )


def tiles(shape: Sequence[int], size: Sequence[int], stride: int) -> tuple[Tile, ...]:
    """Windows that overlap by a quarter, with the Gaussian shares by which their logits are put together.

    Args:
        shape: (D, H, W) of the working grid.
        size: (d, h, w) of a window, not larger.
        stride: windows begin at multiples of this many voxels.
    """
    corners = product(*(window_starts(n, w, stride) for n, w in zip(shape, size, strict=True)))
    places = [_block(corner, size) for corner in corners]
    importance, total = gaussian(size), torch.zeros(list(shape))
    for place in places:
        total[place] += importance
    return tuple(Tile(place, importance / total[place]) for place in places)


def _block(corner: Sequence[int], size: Sequence[int]) -> Place:
    k, j, i = (slice(c, c + n) for c, n in zip(corner, size, strict=True))
    return k, j, i
