"""A case whose volumes share the reference volume's grid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Literal

from ..images.grid import Grid
from ..images.volume import Volume

if TYPE_CHECKING:
    import SimpleITK as sitk


Light = Literal["green", "amber", "red", "unknown"]
"""What an estimated error means: go on, look first, do not use it, or nothing is known."""


@dataclass(frozen=True)
class Quality:
    """How well two volumes agree, measured without ground truth.

    Args:
        mutual_information_before: Mattes mutual information (nats) of the overlap as the volumes came.
        mutual_information_after: the same after registration.
        head_overlap: Dice of the two foreground (head) masks after registration, 0 to 1.
        converged: the optimiser ended by its own criterion and the result is better than the start.
        message: the optimiser's stop condition, or why a warning is given, one line.
        light: what the estimated error means; ``"unknown"`` where nothing is known about such a pair or transform.
        error_mm: estimated mean distance, over the fixed head, from the true alignment; None where it is unknown.
        error_high_mm: an upper end, meant for 19 of 20 such alignments; 93.5 % of those in the check did not exceed
            it. None where it is unknown.
        light_reason: why the light is unknown or not green, or that only a linear part was judged; no whole sentence.
    """

    mutual_information_before: float
    mutual_information_after: float
    head_overlap: float
    converged: bool
    message: str = ""
    light: Light = "unknown"
    error_mm: float | None = None
    error_high_mm: float | None = None
    light_reason: str = ""

    @classmethod
    def of(cls, entry: Mapping[str, Any]) -> Quality:
        """The quality in an entry of ``run.json``, which may be of an earlier version and may hold more."""
        return cls(**{each.name: entry[each.name] for each in fields(cls) if each.name in entry})

    @property
    def light_text(self) -> str:
        """The light, and why it is not green or what it does not tell.

        Example:
            >>> Quality(0.1, 0.8, 0.9, True, light="unknown", light_reason="no head").light_text
            'unknown, no head'
        """
        return ", ".join(filter(None, (self.light, self.light_reason)))

    @property
    def error_text(self) -> str:
        """The estimate in words, see :func:`error_text`."""
        return error_text(self.error_mm, self.error_high_mm)


def error_text(error_mm: float | None, high_mm: float | None) -> str:
    """An estimated error in words; empty where it is unknown.

    Example:
        >>> error_text(0.81, 2.14)
        'about 0.8 mm, hardly above 2.1 mm'
    """
    return "" if error_mm is None or high_mm is None else f"about {error_mm:.1f} mm, hardly above {high_mm:.1f} mm"


@dataclass(frozen=True)
class Registration:
    """Result of registering one moving volume.

    Args:
        transform: SimpleITK transform that maps *fixed* points to *moving* points (LPS mm), ready for resampling.
        quality: the measured quality.
        kind: ``"none"`` (the headers were trusted), ``"given"``, ``"rigid"``, ``"affine"`` or ``"bspline"``.
        seconds: wall time.
    """

    transform: sitk.Transform
    quality: Quality
    kind: str
    seconds: float


@dataclass(frozen=True)
class AlignedCase:
    """Volumes by modality name, all on the reference volume's grid.

    Args:
        volumes: resampled volumes, every one with ``volumes[reference].grid``.
        reference: name of the reference volume.
        registrations: by moving modality; empty for a single volume.
        coverage: for each modality the fraction of the reference grid that its field of view covers, 0 to 1.
    """

    volumes: Mapping[str, Volume]
    reference: str
    registrations: Mapping[str, Registration] = field(default_factory=dict)
    coverage: Mapping[str, float] = field(default_factory=dict)

    @property
    def grid(self) -> Grid:
        """The reference volume's grid, on which every result is given."""
        return self.volumes[self.reference].grid
