"""The few figures by which two models are compared, and what they ought to be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Results = Mapping[str, Any]
INVENTED = "largest invented lesion, ml"
WHOLE_BRAIN = "lowest whole brain of a real MRI"


@dataclass(frozen=True)
class Bar:
    """What a figure ought to be.

    Args:
        value: limit.
        lower: smaller figures are better.
    """

    value: float
    lower: bool = False

    def met(self, figure: float) -> bool:
        """Does a figure keep to the limit?"""
        return figure <= self.value if self.lower else figure >= self.value

    def __str__(self) -> str:
        return f"{'<=' if self.lower else '>='} {self.value:g}"


BARS: Mapping[str, Bar] = {  # of a model that was trained on a GPU
    "seeg-brain T1: mean of 16": Bar(0.80),
    "seeg-brain T1: cerebral white matter": Bar(0.88),
    "seeg-brain T1: cerebral cortex": Bar(0.78),
    "fpg-t2 MR: mean of 16": Bar(0.74),
    WHOLE_BRAIN: Bar(0.95),
    "head-ct CT: bone": Bar(0.93),
    "head-ct CT: intracranial": Bar(0.96),
    "open-ms patient 19 FLAIR + T1 + T2: lesion": Bar(0.50),
    "open-ms patient 07 FLAIR + T1 + T2: lesion": Bar(0.25),
    "stroke-mr T2: lesion": Bar(0.50),
    "synthetic CT + MR: mean of all structures": Bar(0.84),
    "synthetic CT: mean of all structures": Bar(0.80),
    "synthetic MR: mean of all structures": Bar(0.78),
    "synthetic CT + MR: lesions above 2 ml": Bar(0.75),
    "synthetic: fusion gain, mean of all structures": Bar(0.03),
    "synthetic: lowest fusion gain of a class group": Bar(0.0),
    "synthetic: cross-modality error": Bar(0.06, lower=True),
    "synthetic: lesion presence AUC": Bar(0.95),
    INVENTED: Bar(1.0, lower=True),
}
TWO_CORES: Mapping[str, Bar] = {  # of one that was trained on two cores of a processor
    "seeg-brain T1: mean of 16": Bar(0.72),
    WHOLE_BRAIN: Bar(0.94),
    "head-ct CT: bone": Bar(0.90),
    "open-ms patient 19 FLAIR + T1 + T2: lesion": Bar(0.35),
    "synthetic CT + MR: mean of all structures": Bar(0.74),
    "synthetic CT: mean of all structures": Bar(0.70),
    "synthetic MR: mean of all structures": Bar(0.66),
    "synthetic CT + MR: lesions above 2 ml": Bar(0.50),
}
BRAINS = ("seeg-brain", "fpg-t2")
HEALTHY = ("seeg-brain", "fpg-t2", "templates", "head-ct")


def headline(results: Results) -> dict[str, float]:
    """Every figure of the short table by name; what was not measured is missing."""
    found: dict[str, float | None] = {}
    for set_name, measured in results["sets"].items():
        for run, row in measured["runs"].items():
            found |= {f"{set_name} {run}: {name}": value for name, value in row["headline"].items()}
    found[WHOLE_BRAIN] = min((row["dice"]["whole brain"] for row in _rows(results, BRAINS)), default=None)
    found[INVENTED] = max((row["lesion"]["found ml"] for row in _rows(results, HEALTHY)), default=None)
    found |= _synthetic(results["sets"].get("synthetic", {}).get("figures"))
    return {name: value for name, value in found.items() if value is not None}


def _rows(results: Results, sets: Sequence[str]) -> list[Mapping[str, Any]]:
    """All cases of some sets; none unless every set was measured, or extremes could not be compared."""
    if not set(sets) <= set(results["sets"]):
        return []
    return [row for name in sets for row in results["sets"][name]["runs"].values()]


def _synthetic(figures: Mapping[str, Any] | None) -> dict[str, float | None]:
    if not figures:
        return {}
    found: dict[str, float | None] = {}
    for mode, table in figures["dice"].items():
        for name in ("mean of all structures", "mean of 16", "whole brain"):
            found[f"synthetic {mode}: {name}"] = table[name]["mean"]
        found[f"synthetic {mode}: lesions above 2 ml"] = figures["lesions above 2 ml"][mode]["mean"]
    gains = figures["fusion gain"]
    found["synthetic: fusion gain, mean of all structures"] = gains["mean of all structures"]["mean"]
    groups = [g["mean"] for name, g in gains.items() if name.startswith("group: ") and g["mean"] is not None]
    found["synthetic: lowest fusion gain of a class group"] = min(groups, default=None)
    found["synthetic: cross-modality error"] = figures["cross-modality error"]
    found["synthetic: lesion presence AUC"] = figures["lesion presence AUC"]["mean"]
    return found
