"""What a model may say of how far it can be trusted: four optional entries that a calibration writes.

- ``calibration``: ``temperature`` (and ``lesion_temperature``), ``ece_before``, ``ece_after``, ``data``, and
  ``reliability``: of ``structures`` and ``lesion`` the curves ``before`` and ``after``, each with ``confidence``,
  ``accuracy`` and ``count`` by bin
- ``conformal``: ``level``, ``usual`` and ``quantiles`` by class, of intervals of volumes
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
    temperatures = [calibration.get(key, 1.0) for key in ("temperature", "lesion_temperature")]
    if not all(map(_positive, temperatures)):
        return f"calibration has the temperatures {temperatures}, not positive numbers"
    if not all(0 <= calibration.get(key, 0) <= 1 for key in ("ece_before", "ece_after")):
        return "calibration has an error that is not from 0 to 1"
    for curve in (curve for curves in calibration.get("reliability", {}).values() for curve in curves.values()):
        if len({len(curve[name]) for name in ("confidence", "accuracy", "count")}) != 1:
            return "calibration has a reliability whose lists are not of one length"
    if conformal:
        if not 0 < conformal["level"] < 1:
            return f"conformal has the level {conformal['level']}, not one between 0 and 1"
        if not all(map(_positive, [conformal["usual"], *conformal["quantiles"].values()])):
            return "conformal has a quantile that is no positive number"
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
