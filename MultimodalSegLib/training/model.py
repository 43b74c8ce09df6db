"""The network of a run: its settings, and weights to start from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from ..errors import InputError
from ..models.checks import WEIGHTS
from .checkpoint import read_state
from .plan import Plan
from .source import Source

SHIPPED_WIDTHS = (32, 64, 96, 128, 192)
"""Channels at each scale of the model that was shipped with version 0.1.0."""


def network_settings(plan: Plan, source: Source) -> dict[str, Any]:
    """The ``network`` entry of the bundle that a plan leads to.

    Raises:
        InputError: an unknown name.
    """
    sizes = {"families": len(source.families), "classes": len(source.classes)}
    if isinstance(plan.network, Mapping):
        widths = list(plan.network.get("widths", SHIPPED_WIDTHS))
        return {"kind": "fusion", **plan.network, "widths": widths, "stride": 2 ** len(widths), **sizes}
    if plan.network == "shipped-0.1":
        return {"kind": "fusion", "widths": list(SHIPPED_WIDTHS), "stride": 2 ** len(SHIPPED_WIDTHS), **sizes}
    raise InputError(f"The plan's network {plan.network!r} is unknown.", "Use shipped-0.1, student or teacher.")


def start_from(network: nn.Module, path: Path) -> list[str]:
    """Load the weights of a model folder or a checkpoint, as far as they fit.

    Returns:
        Names of the network's weights that keep their random start, such as a head for other classes.

    Raises:
        InputError: neither a model nor a checkpoint, or one of which less than half of the weights fit.
    """
    found = _weights(path)
    own = network.state_dict()
    fitting = {name: value for name, value in found.items() if name in own and own[name].shape == value.shape}
    if sum(own[name].numel() for name in fitting) * 2 < sum(value.numel() for value in own.values()):
        raise InputError(
            f"{path} holds the weights of another network: {len(fitting)} of {len(own)} fit.",
            "Choose the same network in the plan, or another model to start from.",
        )
    network.load_state_dict(fitting, strict=False)
    return [name for name in own if name not in fitting]


def _weights(path: Path) -> dict[str, Tensor]:
    if (path / WEIGHTS).is_file():
        from ..models.bundle import load_bundle

        return load_bundle(path).network().state_dict()
    average: dict[str, Tensor] = read_state(path)["average"]
    return average
