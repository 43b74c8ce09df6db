"""From the ``network`` entry of a bundle's metadata to a module."""

from collections.abc import Mapping
from typing import Any

from torch import nn

from .config import NetworkConfig
from .fusion_net import FusionNet


def build_network(config: Mapping[str, Any]) -> nn.Module:
    """Build an untrained network.

    Args:
        config: ``{"kind": "fusion", "families": 2, "classes": 27, "widths": [...], "stride": 32, ...}``, see
            :class:`.config.NetworkConfig`.

    Raises:
        ValueError: unknown kind, unknown option, or an impossible value.
    """
    if config.get("kind") != "fusion":
        raise ValueError(f"Unknown kind of network {config.get('kind')!r}; this version knows 'fusion'.")
    return FusionNet(NetworkConfig.from_dict(config))
