"""What a model may say of how far it can be trusted: four optional entries that a calibration writes.

- ``calibration``: ``temperature`` of structures, ``lesion_slope`` and ``lesion_offset`` (or ``lesion_temperature``),
  ``ece_before``, ``ece_after``, ``data``, and ``reliability``: by what was judged the curves ``before`` and ``after``,
  each with ``confidence``, ``accuracy`` and ``count`` by bin
- ``conformal``: ``level``, ``quantiles`` by class, of intervals of volumes, ``method`` and ``samples`` of the answers
  for which they hold (without these they hold for none), and ``coverage`` by class, measured on held-out label maps
- ``typical``: ``mean`` and ``sd`` of the share of each class, ``limit`` and ``most_ml``
- ``asymmetry``: by class the largest difference of left and right that is usual, as a share of their mean
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

KEYS = ("calibration", "conformal", "typical", "asymmetry")


def trust_problem(metadata: Mapping[str, Any]) -> str:
    """What is wrong with these entries, or an empty string; absent ones are fine."""
    calibration, conformal, typical, asymmetry = (metadata.get(key, {}) for key in KEYS)
    temperatures = [calibration.get(key, 1.0) for key in ("temperature", "lesion_temperature", "lesion_slope")]
    if not all(map(_positive, temperatures)):
        return f"calibration has the temperatures or slope {temperatures}, not positive numbers"
    if not math.isfinite(calibration.get("lesion_offset", 0.0)):
        return "calibration has an offset that is not finite"
    if not all(0 <= calibration.get(key, 0) <= 1 for key in ("ece_before", "ece_after")):
        return "calibration has an error that is not from 0 to 1"
    for curve in (curve for curves in calibration.get("reliability", {}).values() for curve in curves.values()):
        if len({len(curve[name]) for name in ("confidence", "accuracy", "count")}) != 1:
            return "calibration has a reliability whose lists are not of one length"
    if conformal:
        if not 0 < conformal["level"] < 1:
            return f"conformal has the level {conformal['level']}, not one between 0 and 1"
        if not all(map(_positive, conformal["quantiles"].values())):
            return "conformal has a quantile that is no positive number"
        if "samples" in conformal and not (isinstance(conformal["samples"], int) and conformal["samples"] > 1):
            return f"conformal has {conformal['samples']} samples, not two or more"
        if not all(0 <= found["share"] <= 1 for found in conformal.get("coverage", {}).values()):
            return "conformal has a coverage that is not from 0 to 1"
    if typical:
        if set(typical["mean"]) != set(typical["sd"]) or not all(map(math.isfinite, typical["mean"].values())):
            return "typical has means that do not belong to its deviations"
        if not all(map(_positive, [*typical["sd"].values(), typical["limit"], typical["most_ml"]])):
            return "typical has a deviation or limit that is no positive number"
    if not all(map(_positive, asymmetry.values())):
        return "asymmetry has a limit that is no positive number"
    return ""


def _positive(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < math.inf
