"""A network that answers clicks: features of a frozen fusion network, guidance, and a small 3D U-Net over a crop."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .blocks import ResidualBlock, depth_to_space, space_to_depth
from .config import NetworkConfig
from .fusion_net import FusionNet

CLICK = "click"
"""Kind of network in a bundle's metadata."""

LOOKS = 3
"""Channels of each modality: its intensities, how unlike the positive prompts they are, how unlike the negative."""

GUIDANCE = 6
"""Channels of the prompts: near and far of the positive ones, the same of the negative, the box, the mask so far."""

UNLIKE = 2
"""Channels beside the trunk's features: how unlike those at the positive and at the negative prompts."""


@dataclass(frozen=True)
class ClickConfig:
    """What :class:`ClickNet` is built from.

    Args:
        trunk: of the fusion network whose features are read; it is not trained here.
        widths: channels of the head at strides 2, 4, 8, ... of its crop.
        stem: channels into which a modality, and the rest, are first brought.

    Raises:
        ValueError: an impossible value.

    Example:
        >>> from MultimodalSegLib.networks.config import student
        >>> config = ClickConfig(student(2, 27))
        >>> ClickConfig.from_dict(config.to_dict()) == config
        True
    """

    trunk: NetworkConfig
    widths: tuple[int, ...] = (16, 32, 48, 64)
    stem: int = 12

    def __post_init__(self) -> None:
        if len(self.widths) < 2 or not all(isinstance(w, int) and w > 0 for w in (*self.widths, self.stem)):
            raise ValueError(f"widths {self.widths!r} and stem {self.stem!r} are no numbers of channels.")

    @property
    def crop_stride(self) -> int:
        """Sides of a crop are multiples of this."""
        return int(2 ** len(self.widths))

    def to_dict(self) -> dict[str, Any]:
        """The ``network`` entry of a bundle's metadata; ``stride`` is the trunk's, the classes are object or not."""
        trunk = self.trunk.to_dict()
        same = {"families": self.trunk.families, "classes": 2, "side": False, "lesion": False}
        own = {"widths": list(self.widths), "stem": self.stem, "trunk": trunk, "stride": trunk["stride"]}
        return {"kind": CLICK, **same, **own}

    @classmethod
    def from_dict(cls, entry: Mapping[str, Any]) -> ClickConfig:
        """From the ``network`` entry of a bundle's metadata.

        Raises:
            ValueError: an impossible value.
        """
        return cls(NetworkConfig.from_dict(entry["trunk"]), tuple(entry["widths"]), int(entry["stem"]))


class ClickHead(nn.Module):
    """From what a crop shows and what a person said about it to the object that is meant.

    Every modality goes through the same stem; their mean and maximum go on, so that any number of them will do (HeMIS,
    Havaei et al., MICCAI 2016). The rest works at half resolution, as the trunk does.

    Args:
        config: widths.

    Shapes:
        looks (B, M, 3, D, H, W), features (B, C + 2, D/2, H/2, W/2), guidance (B, 6, D, H, W) -> logits
        (B, 1, D, H, W); D, H, W are multiples of :attr:`ClickConfig.crop_stride`.
    """

    def __init__(self, config: ClickConfig) -> None:
        super().__init__()
        widths, stem = config.widths, config.stem
        pairs = list(zip(widths[:-1], widths[1:], strict=True))
        self.look = nn.Conv3d(8 * LOOKS, stem, 1)
        self.say = nn.Conv3d(8 * GUIDANCE, stem, 1)
        self.know = nn.Conv3d(config.trunk.widths[0] + UNLIKE, stem, 1)
        self.join = nn.Conv3d(4 * stem, widths[0], 1)
        self.encode = nn.ModuleList(ResidualBlock(w, w) for w in widths)
        self.down = nn.ModuleList(nn.Conv3d(i, o, 2, stride=2) for i, o in pairs)
        self.up = nn.ModuleList(nn.ConvTranspose3d(coarse, fine, 2, stride=2) for fine, coarse in pairs)
        self.decode = nn.ModuleList(ResidualBlock(2 * fine, fine) for fine, _ in pairs)
        self.head = nn.Conv3d(widths[0] + stem, 8, 1)
        nn.init.constant_(self.head.bias, -1.0)  # type: ignore[arg-type]

    def forward(self, looks: Tensor, features: Tensor, guidance: Tensor) -> Tensor:
        batch, modalities = looks.shape[:2]
        seen = F.leaky_relu(self.look(space_to_depth(looks.flatten(0, 1))), 0.01)
        seen = seen.unflatten(0, (batch, modalities))
        said = F.leaky_relu(self.say(space_to_depth(guidance)), 0.01)
        known = F.leaky_relu(self.know(features), 0.01)
        x = self.join(torch.cat([seen.mean(1), seen.amax(1), known, said], dim=1))
        skipped = []
        for n, encode in enumerate(self.encode):
            x = encode(x)
            if n < len(self.down):
                skipped.append(x)
                x = self.down[n](x)
        for level in reversed(range(len(self.up))):
            x = self.decode[level](torch.cat([self.up[level](x), skipped[level]], dim=1))
        return depth_to_space(self.head(torch.cat([x, said], dim=1)))


class ClickNet(nn.Module):
    """The trunk and the head in one, so that a bundle of it needs no other model.

    Args:
        config: of both.

    Example:
        >>> from MultimodalSegLib.networks.config import student
        >>> network = ClickNet(ClickConfig(student(families=2, classes=27))).eval()
        >>> images, present = torch.randn(1, 1, 64, 64, 64), torch.tensor([[True]])
        >>> with torch.inference_mode():
        ...     features = network.features(images, present, torch.tensor([[1]]))
        >>> tuple(features.shape)
        (1, 16, 32, 32, 32)
    """

    def __init__(self, config: ClickConfig) -> None:
        super().__init__()
        self.config = config
        self.trunk = FusionNet(config.trunk).requires_grad_(False)
        self.head = ClickHead(config)

    def features(self, images: Tensor, present: Tensor, modality: Tensor) -> Tensor:
        """The trunk's finest features (B, C, D/2, H/2, W/2); inputs as for :class:`.fusion_net.FusionNet`."""
        finest: Tensor = self.trunk.decoded(images, present, modality)[0][0]
        return finest

    def forward(self, looks: Tensor, features: Tensor, guidance: Tensor) -> Tensor:
        """See :class:`ClickHead`."""
        logits: Tensor = self.head(looks, features, guidance)
        return logits
