"""From the ``network`` entry of a bundle's metadata to a module."""

from collections.abc import Mapping
from typing import Any

from torch import nn

from .fusion_net import FusionNet


def build_network(config: Mapping[str, Any]) -> nn.Module:
    """Build an untrained network.

    Args:
        config: ``{"kind": "fusion", "families": 2, "classes": 27, "widths": [...], "stride": 32}``, or the name of a
            baseline as ``kind`` with ``families`` and ``classes``.

    Raises:
        ValueError: unknown kind, or a stride that does not fit the widths.
    """
    kind = str(config.get("kind"))
    if kind != "fusion":
        from .baselines.table import build_baseline  # MONAI's networks take seconds to import

        return build_baseline(kind, int(config["families"]), int(config["classes"]))
    widths = [int(w) for w in config["widths"]]
    if int(config["stride"]) != 2 ** len(widths):
        raise ValueError(f"A network of {len(widths)} scales has stride {2 ** len(widths)}, not {config['stride']}.")
    return FusionNet(int(config["families"]), int(config["classes"]), widths)
