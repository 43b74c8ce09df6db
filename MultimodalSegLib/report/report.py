"""What is told to the user about a case: measures, and what to be careful about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..explain.explanation import Explanation
from ..images.units import Unit
from ..inference.segmentation import Segmentation
from ..models.classes import SegmentClass
from ..registration.aligned import AlignedCase
from .lesions import Lesion, measure_lesions
from .measurements import Measurement, measure, voxels_by_value

LEAST_COVERAGE = 0.9
"""Below this part of the reference grid a moving volume is said to be cut off."""


@dataclass(frozen=True)
class Report:
    """The tables of a case.

    Args:
        measurements: one entry for each structure that is present.
        lesions: one entry for each single lesion.
        modality_weights: see :class:`~MultimodalSegLib.explain.explanation.Explanation`.
        flags: sentences about the quality of the input and of the result; empty if nothing was noticed.
    """

    measurements: tuple[Measurement, ...]
    lesions: tuple[Lesion, ...]
    modality_weights: dict[str, float]
    flags: tuple[str, ...]


def report(
    segmentation: Segmentation,
    aligned: AlignedCase,
    explanation: Explanation,
    units: Mapping[str, Unit] | None = None,
    at_risk: Sequence[SegmentClass] = (),
) -> Report:
    """Measure a case and look for what makes its result doubtful.

    Args:
        segmentation: a result.
        aligned: the volumes it was made from.
        explanation: what the network tells of itself.
        units: by modality; the usual ones for those that are left out.
        at_risk: structures to which the lesions' distances are wanted.
    """
    flags = [
        f"The {name} volume covers {share:.0%} of the reference volume; outside it the result rests on the others."
        for name, share in aligned.coverage.items()
        if name != aligned.reference and share < LEAST_COVERAGE
    ]
    where = voxels_by_value(segmentation.labels.array)
    return Report(
        tuple(measure(segmentation, aligned, units, where)),
        tuple(measure_lesions(segmentation, aligned, units, at_risk, where)),
        dict(explanation.modality_weights),
        tuple(flags),
    )
