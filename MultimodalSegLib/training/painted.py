"""Lesions of made-up patients that a model paints, in place of those of the generator."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from ..enhancement.intensities import Scale
from ..models.bundle import Bundle, load_bundle
from ..models.purpose import PAINT
from ..painting.flow import Painter, Seen
from ..painting.load import painter_of
from ..painting.paint import paint_scan
from ..synthesis.pair import Patient

if TYPE_CHECKING:
    from .plan import Plan

STEPS = 4
"""Of the flow: fewer than where a single lesion is painted, since every sample waits for it."""

MADE_UP = (
    "Made-up CT and MRI images of whole-head label maps (SynthSeg training_label_maps, Apache-2.0; Billot et al., "
    "Med Image Anal 86:102789, 2023)."
)


@dataclass(frozen=True)
class PaintedLesions:
    """How a part of the made-up patients get lesions.

    Place, shape and kind are the generator's; so is which scan shows the lesion at all.

    Args:
        model: name or folder of a model that paints.
        share: part of the patients with lesions.
    """

    model: str
    share: float

    def of_patient(self, patient: Patient, spacing: float, rng: np.random.Generator) -> PatientPaint | None:
        """Draw whether the lesions of a patient are painted.

        Args:
            patient: made up.
            spacing: between voxels, mm.
            rng: source of every choice.

        Returns:
            What paints them; None for a patient who keeps the generator's lesions, or has none.
        """
        if not patient.lesions or rng.random() >= self.share:
            return None
        return PatientPaint(_painter(self.model), patient, spacing, int(rng.integers(2**31)))

    def about(self) -> dict[str, str]:
        """What a model that learned from them says of its training data and its license.

        Raises:
            ModelError: the model is not there, or does not paint.
        """
        bundle = _bundle(self.model)
        said = f"{bundle.name} {bundle.version}, which learned from: {bundle.metadata['training_data']}"
        told = {"training_data": f"{MADE_UP} A part of the lesions were painted by {said}"}
        free = bundle.metadata["license"] == "Apache-2.0"
        return told if free else {**told, "license": str(bundle.metadata["license"])}


@dataclass
class PatientPaint:
    """Paints the lesions of one patient, scan after scan, so that they agree.

    Args:
        painter: draws how they look.
        patient: made up, with lesions of one kind.
        spacing: between voxels, mm.
        seed: of the noise from which the flow starts.
        before: the scan painted last.
    """

    painter: Painter
    patient: Patient
    spacing: float
    seed: int
    before: Seen | None = field(default=None)

    def into(self, values: np.ndarray, mask: np.ndarray, name: str) -> np.ndarray:
        """A scan with the lesions, if it shows them at all.

        Args:
            values: (k, j, i) without lesions, in the scan's own unit.
            mask: same shape, bool.
            name: of the scan.
        """
        shown = any(value is not None for value in self.patient.scans[name].appearance.lesion.values())
        if not shown or not mask.any():
            return values
        scale, kind = Scale.of(values, "CT" if name == "CT" else "MR"), self.patient.lesions[0].kind
        painted, self.before = paint_scan(self.painter, values, mask, kind, scale, self.spacing, self.seed, self.before)
        self.seed += 1
        return painted


def painted_lesions(plan: Plan) -> PaintedLesions | None:
    """What a plan says of them."""
    return PaintedLesions(plan.painter, plan.painted) if plan.painter else None


@lru_cache(maxsize=2)
def _bundle(model: str) -> Bundle:
    bundle = load_bundle(model)
    bundle.check_for(PAINT)
    return bundle


@lru_cache(maxsize=2)
def _painter(model: str) -> Painter:
    """Each process loads it once, when it first needs it; a worker that makes samples computes on the processor."""
    return painter_of(_bundle(model), STEPS, "cpu")
