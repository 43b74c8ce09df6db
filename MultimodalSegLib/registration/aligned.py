"""A case whose volumes share the reference volume's grid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..images.grid import Grid
from ..images.volume import Volume

if TYPE_CHECKING:
    import SimpleITK as sitk


@dataclass(frozen=True)
class Quality:
    """How well two volumes agree, measured without ground truth.

    Args:
        mutual_information_before: Mattes mutual information (nats) of the overlap as the volumes came.
        mutual_information_after: the same after registration.
        head_overlap: Dice of the two foreground (head) masks after registration, 0 to 1.
        converged: the optimiser ended by its own criterion and the result is better than the start.
        message: the optimiser's stop condition, or why a warning is given, one line.
    """

    mutual_information_before: float
    mutual_information_after: float
    head_overlap: float
    converged: bool
    message: str = ""


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
