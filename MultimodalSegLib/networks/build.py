"""From the ``network`` entry of a bundle's metadata to a module."""

from collections.abc import Mapping
from typing import Any

from torch import nn

from .click_net import CLICK, ClickConfig, ClickNet
from .config import NetworkConfig
from .detail_net import DETAIL, PAINT, DetailConfig, DetailNet
from .fusion_net import FusionNet


def build_network(config: Mapping[str, Any]) -> nn.Module:
    """Build an untrained network.

    Args:
        config: ``{"kind": "fusion", "families": 2, "classes": 27, "widths": [...], "stride": 32, ...}``, see
            :class:`.config.NetworkConfig`; or the name of a baseline as ``kind`` with ``families`` and ``classes``, see
            :data:`.baselines.table.BASELINES`; or ``"click"``, see :class:`.click_net.ClickConfig`, or
            ``"detail"`` and ``"paint"``, see :class:`.detail_net.DetailConfig`.

    Raises:
        ValueError: unknown kind, unknown option, or an impossible value.
    """
    kind = str(config.get("kind"))
    if kind == CLICK:
        return ClickNet(ClickConfig.from_dict(config))
    if kind in (DETAIL, PAINT):
        return DetailNet(DetailConfig.from_dict(config))
    if kind != "fusion":
        from .baselines.table import build_baseline  # MONAI's networks take seconds to import

        return build_baseline(kind, int(config["families"]), int(config["classes"]))
    return FusionNet(NetworkConfig.from_dict(config))
