"""The network of a run: its settings, and weights to start from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from ..errors import InputError
from ..models.checks import WEIGHTS
from ..networks.config import VARIANTS, NetworkConfig, student, teacher, variant
from .checkpoint import read_state
from .plan import Plan
from .source import Source

PRESETS = ("shipped-0.1", "student", "teacher", *VARIANTS)
"""Names of networks that a plan may give."""


def network_settings(plan: Plan, source: Source) -> dict[str, Any]:
    """The ``network`` entry of the bundle that a plan leads to; heads for which the data have no truth are left out.

    Raises:
        InputError: an unknown name, or settings that are unknown or impossible.
    """
    sizes: dict[str, Any] = {"families": len(source.families), "classes": len(source.classes)}
    lesion = bool(source.lesion)
    heads: dict[str, Any] = {"side": source.sided, "lesion": lesion} | ({} if lesion else {"size_gate": False})
    try:
        if isinstance(plan.network, Mapping) and plan.network.get("kind", "fusion") == "fusion":
            return NetworkConfig.from_dict({**sizes, **heads, **plan.network}).to_dict()
        if isinstance(plan.network, Mapping):
            return {**sizes, **heads, **plan.network}
        if plan.network in VARIANTS:
            return replace(variant(plan.network, **sizes), **heads).to_dict()
        if plan.network == "shipped-0.1":
            return NetworkConfig(**sizes, **heads).to_dict()
        if plan.network in ("student", "teacher"):
            return (student if plan.network == "student" else teacher)(**sizes, **heads).to_dict()
    except (TypeError, ValueError) as error:
        raise InputError(f"The plan's network cannot be built: {error}", "Correct the plan.") from error
    raise InputError(f"The plan's network {plan.network!r} is unknown.", f"Use one of {', '.join(PRESETS)}.")


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
