"""The settings of the network of a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..errors import InputError
from ..networks.config import VARIANTS, NetworkConfig, small, student, teacher, variant
from .plan import Plan
from .source import Source

PRESETS = ("shipped-0.1", "small", "student", "teacher", *VARIANTS)
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
            gate = {} if lesion else {"size_gate": False}
            return NetworkConfig.from_dict({**sizes, **heads, **plan.network, **gate}).to_dict()
        if isinstance(plan.network, Mapping):
            return {**sizes, **heads, **plan.network}
        if plan.network in VARIANTS:
            return replace(variant(plan.network, **sizes), **heads).to_dict()
        if plan.network == "shipped-0.1":
            return NetworkConfig(**sizes, **heads).to_dict()
        if plan.network in ("small", "student", "teacher"):
            return {"small": small, "student": student, "teacher": teacher}[plan.network](**sizes, **heads).to_dict()
    except (TypeError, ValueError) as error:
        raise InputError(f"The plan's network cannot be built: {error}", "Correct the plan.") from error
    raise InputError(f"The plan's network {plan.network!r} is unknown.", f"Use one of {', '.join(PRESETS)}.")
