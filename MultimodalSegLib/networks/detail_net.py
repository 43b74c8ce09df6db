"""A network that changes a volume: a compact 3D U-Net that is told time and conditions, for detail and for lesions."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .blocks import depth_to_space, space_to_depth

DETAIL, PAINT = "detail", "paint"
"""Kinds of network in a bundle's metadata: one that adds detail, one that paints lesions."""

IMAGES = 3
"""Channels for detail: that so far, the interpolated volume, the distance of each voxel to the nearest slice."""

SMALL = 0.1
"""Part of the usual weights with which the last convolution of a block starts."""

WAVES = 16
"""Sines and cosines by which the time is told."""


@dataclass(frozen=True)
class DetailConfig:
    """What :class:`DetailNet` is built from.

    Args:
        families: kinds of modality that are told apart.
        widths: channels at strides 2, 4, 8, ... of the volume.
        blocks: residual blocks of each scale, on the way down and on the way up.
        embedding: numbers in which time and conditions are told to each block.
        noise: standard deviation of the noise from which a flow starts, on the scale of normalized images; 0 for a
            network without time that answers at once (regression).
        images: channels that it sees.
        kinds: of lesions that are told apart; 0 for a network that adds detail.

    Raises:
        ValueError: an impossible value.

    Example:
        >>> config = DetailConfig(2)
        >>> DetailConfig.from_dict(config.to_dict()) == config
        True
    """

    families: int
    widths: tuple[int, ...] = (32, 64, 96)
    blocks: int = 2
    embedding: int = 64
    noise: float = 0.1
    images: int = IMAGES
    kinds: int = 0

    def __post_init__(self) -> None:
        counts = (self.families, *self.widths, self.blocks, self.embedding, self.images, self.kinds + 1)
        if not self.widths or not all(isinstance(n, int) and n > 0 for n in counts):
            raise ValueError(f"{self!r} holds a number below 1.")
        if not 0 <= self.noise <= 1:
            raise ValueError(f"noise is {self.noise!r}, not between 0 and 1.")

    @property
    def is_flow(self) -> bool:
        """Whether it samples; else it answers at once."""
        return self.noise > 0

    @property
    def stride(self) -> int:
        """Sides of a volume are multiples of this."""
        return int(2 ** len(self.widths))

    def to_dict(self) -> dict[str, Any]:
        """The ``network`` entry of a bundle's metadata."""
        own = {**asdict(self), "widths": list(self.widths)}
        return {
            "kind": PAINT if self.kinds else DETAIL,
            **own,
            "classes": 1,
            "side": False,
            "lesion": False,
            "stride": self.stride,
        }

    @classmethod
    def from_dict(cls, entry: Mapping[str, Any]) -> DetailConfig:
        """From the ``network`` entry of a bundle's metadata.

        Raises:
            ValueError: an impossible value.
        """
        given = {name: entry[name] for name in ("families", "blocks", "embedding", "noise")}
        later = {name: entry[name] for name in ("images", "kinds") if name in entry}  # older bundles lack them
        return cls(widths=tuple(entry["widths"]), **given, **later)


@dataclass(frozen=True)
class Conditions:
    """What is known of each input of a batch.

    Args:
        family: (B,) int64, kind of modality.
        spacing: (B,) float32, millimetres between slices; between voxels where lesions are painted.
        noise: (B,) float32, standard deviation of the input's noise, on the scale of normalized images.
        kind: (B,) int64, of the lesion that is painted; None for a network that adds detail.
    """

    family: Tensor
    spacing: Tensor
    noise: Tensor
    kind: Tensor | None = None

    def to(self, device: torch.device) -> Conditions:
        """The same on a device."""
        kind = None if self.kind is None else self.kind.to(device)
        return Conditions(self.family.to(device), self.spacing.to(device), self.noise.to(device), kind)


class ToldBlock(nn.Module):
    """Two 3x3x3 convolutions with a shortcut, scaled and shifted in between by what is told.

    There is no normalization over the volume: what the network adds depends on the surroundings alone, not on what else
    is in a window, so that windows fit together (as in EDSR, Lim et al., CVPR workshops 2017). The second convolution
    starts small, so that the block starts close to the identity.

    Shapes: features (B, C, D, H, W) and told (B, E) -> (B, C, D, H, W).
    """

    def __init__(self, channels: int, embedding: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv3d(channels, channels, 3, padding=1)
        self.conv2 = nn.Conv3d(channels, channels, 3, padding=1)
        self.tell = nn.Linear(embedding, 2 * channels)
        nn.init.zeros_(self.tell.weight)
        nn.init.zeros_(self.tell.bias)
        with torch.no_grad():
            self.conv2.weight.mul_(SMALL)

    def forward(self, x: Tensor, told: Tensor) -> Tensor:
        scale, shift = self.tell(told)[:, :, None, None, None].chunk(2, dim=1)
        y = self.conv1(F.leaky_relu(x, 0.1)) * (1 + scale) + shift
        return x + self.conv2(F.leaky_relu(y, 0.1))


class DetailNet(nn.Module):
    """The detail that an interpolated volume lacks: truth minus interpolation, as far as it can be known.

    Or, if its configuration names kinds of lesions, what a lesion of the told kind changes.

    For a flow it is told the time, and sees what the flow has made so far. It works at half resolution, as the other
    networks do (:func:`.blocks.space_to_depth`).

    Args:
        config: widths and depth.

    Shapes:
        images (B, :attr:`DetailConfig.images`, D, H, W), see :data:`IMAGES`; time (B,), 0 at the start of
        the flow and 1 at its end -> (B, 1, D, H, W). D, H, W are multiples of :attr:`DetailConfig.stride`.

    Example:
        >>> network = DetailNet(DetailConfig(2, (8, 16), 1))
        >>> known = Conditions(torch.tensor([1]), torch.tensor([5.0]), torch.tensor([0.02]))
        >>> tuple(network(torch.randn(1, 3, 16, 16, 16), torch.zeros(1), known).shape)
        (1, 1, 16, 16, 16)
    """

    def __init__(self, config: DetailConfig) -> None:
        super().__init__()
        self.config = config
        widths, embedding = config.widths, config.embedding
        pairs = list(zip(widths[:-1], widths[1:], strict=True))
        self.family = nn.Embedding(config.families, embedding)
        self.know = nn.Sequential(nn.Linear(WAVES + 2, embedding), nn.SiLU(), nn.Linear(embedding, embedding))
        self.stem = nn.Conv3d(8 * config.images, widths[0], 3, padding=1)
        self.encode = nn.ModuleList(_blocks(width, config) for width in widths)
        self.down = nn.ModuleList(nn.Conv3d(i, o, 2, stride=2) for i, o in pairs)
        self.up = nn.ModuleList(nn.ConvTranspose3d(coarse, fine, 2, stride=2) for fine, coarse in pairs)
        self.decode = nn.ModuleList(_blocks(fine, config) for fine, _ in pairs)
        self.head = nn.Conv3d(widths[0], 8, 3, padding=1)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)  # type: ignore[arg-type]
        self.kind = nn.Embedding(config.kinds, embedding) if config.kinds else None

    def forward(self, images: Tensor, time: Tensor, known: Conditions) -> Tensor:
        numbers = torch.stack([known.spacing / 5, known.noise * 5], dim=1)
        told = self.know(torch.cat([waves(time), numbers], dim=1)) + self.family(known.family)
        told = F.silu(told if self.kind is None else told + self.kind(known.kind))
        x = self.stem(space_to_depth(images))
        skipped = []
        for n, stage in enumerate(self.encode):
            x = _through(stage, x, told)
            if n < len(self.down):
                skipped.append(x)
                x = self.down[n](x)
        for level in reversed(range(len(self.up))):
            x = _through(self.decode[level], self.up[level](x) + skipped[level], told)
        return depth_to_space(self.head(F.leaky_relu(x, 0.1)))


def waves(time: Tensor) -> Tensor:
    """Times (B,), 0 to 1, as sines and cosines (B, 16) of growing frequency (Vaswani et al., NeurIPS 2017)."""
    frequencies = math.pi * 2.0 ** torch.linspace(-1, 4, WAVES // 2, device=time.device)
    phases = time[:, None] * frequencies
    return torch.cat([phases.sin(), phases.cos()], dim=1)


def _blocks(width: int, config: DetailConfig) -> nn.ModuleList:
    return nn.ModuleList(ToldBlock(width, config.embedding) for _ in range(config.blocks))


def _through(stage: nn.Module, x: Tensor, told: Tensor) -> Tensor:
    assert isinstance(stage, nn.ModuleList)
    for block in stage:
        x = block(x, told)
    return x
