"""What is told to the user about a case: measures, and what to be careful about."""

from __future__ import annotations

from dataclasses import dataclass

from ..explain.explanation import Explanation
from ..inference.segmentation import Segmentation
from ..registration.aligned import AlignedCase
from .measurements import Measurement, measure

LEAST_COVERAGE = 0.9
"""Below this part of the reference grid a moving volume is said to be cut off."""


@dataclass(frozen=True)
class Report:
    """The tables of a case.

    Args:
        measurements: one row for each structure that is present, lesions with their components.
        modality_weights: see :class:`~MultimodalSegLib.explain.explanation.Explanation`.
        flags: sentences about the quality of the input and of the result; empty if nothing was noticed.
    """

    measurements: tuple[Measurement, ...]
    modality_weights: dict[str, float]
    flags: tuple[str, ...]


def report(segmentation: Segmentation, aligned: AlignedCase, explanation: Explanation) -> Report:
    """Measure a case and look for what makes its result doubtful."""
    flags = [
        f"The {name} volume covers {share:.0%} of the reference volume; outside it the result rests on the others."
        for name, share in aligned.coverage.items()
        if name != aligned.reference and share < LEAST_COVERAGE
    ]
    return Report(tuple(measure(segmentation, aligned)), dict(explanation.modality_weights), tuple(flags))
