"""What the network looked at: so far, how much each modality weighed in the fusion."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ..images.volume import Volume
from ..inference.segmentation import Segmentation


@dataclass(frozen=True)
class Explanation:
    """Why a segmentation is as it is.

    Args:
        modality_weights: mean fusion weight inside the head by modality, summing to 1. A weight says what the network
            mixed, not what the result would lose without the modality.
        maps: by (class name, method) a float32 map on the reference grid; empty until a method is asked for.
        faithfulness: by (class name, method) the figures that say how far a map can be believed.
    """

    modality_weights: Mapping[str, float]
    maps: Mapping[tuple[str, str], Volume] = field(default_factory=dict)
    faithfulness: Mapping[tuple[str, str], Mapping[str, float]] = field(default_factory=dict)


def explain(segmentation: Segmentation) -> Explanation:
    """Gather what the network tells of itself in passing."""
    return Explanation(dict(segmentation.modality_weights))


def write_modalities(explanation: Explanation, path: Path) -> None:
    """Write the weights of the modalities as CSV: one row a modality."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["modality", "mean fusion weight"])
        writer.writerows([name, f"{weight:.4f}"] for name, weight in explanation.modality_weights.items())
