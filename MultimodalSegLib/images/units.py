"""What the numbers of a volume mean."""

from __future__ import annotations

from dataclasses import dataclass

RAW = "raw"
"""Numbers that mean nothing outside their own volume, as those of an MRI, or whose meaning is not known."""


@dataclass(frozen=True)
class Unit:
    """A unit, and how to come to it.

    Args:
        name: such as ``"HU"``, ``"SUVbw g/ml"``, ``"Bq/ml"`` or :data:`RAW`.
        scale: values of the volume times this are in the unit.
        reason: why it is not the unit that one would expect, as one sentence; empty if it is.
    """

    name: str
    scale: float = 1.0
    reason: str = ""


def usual_unit(modality: str) -> Unit:
    """The unit of a volume whose header says nothing: HU for CT, else raw numbers."""
    return Unit("HU" if modality == "CT" else RAW)
