"""The measures by which a structure is scored, with their names, units and directions."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from .overlap import Counts
from .surfaces import SurfaceScore


@dataclass(frozen=True)
class Measure:
    """How a figure is spoken of.

    Args:
        name: of the attribute of :class:`StructureScore` and of the columns of tables.
        title: shown.
        unit: may be empty.
        digits: decimals that are shown.
    """

    name: str
    title: str
    unit: str = ""
    digits: int = 3

    @property
    def heading(self) -> str:
        """Title with unit."""
        return f"{self.title} ({self.unit})" if self.unit else self.title

    def text(self, value: float) -> str:
        """A value as it is shown; a dash for NaN."""
        return "–" if math.isnan(value) else f"{value:.{self.digits}f}".replace("-", "\N{MINUS SIGN}")


MEASURES: Mapping[str, Measure] = {
    measure.name: measure
    for measure in (
        Measure("dice", "Dice"),
        Measure("iou", "IoU"),
        Measure("surface_dice", "Surface Dice"),
        Measure("hd95_mm", "HD95", "mm", 2),
        Measure("volume_error_ml", "Volume error", "ml", 2),
        Measure("volume_error_percent", "Volume error", "%", 1),
        Measure("absolute_volume_error_ml", "Absolute volume error", "ml", 2),
        Measure("sensitivity", "Sensitivity"),
        Measure("precision", "Precision"),
        Measure("specificity", "Specificity", digits=4),
    )
}

COMPARED = ("dice", "surface_dice", "hd95_mm", "absolute_volume_error_ml")
"""Measures by which models are tested against one another; IoU orders cases as Dice does."""


@dataclass(frozen=True)
class StructureScore:
    """How well one structure of one case was found.

    Args:
        counts: voxels.
        voxel_ml: volume of a voxel.
        surface: distances of the surfaces.
    """

    counts: Counts
    voxel_ml: float
    surface: SurfaceScore

    @property
    def found_ml(self) -> float:
        return (self.counts.hits + self.counts.false) * self.voxel_ml

    @property
    def true_ml(self) -> float:
        return (self.counts.hits + self.counts.missed) * self.voxel_ml

    @property
    def volume_error_ml(self) -> float:
        """Found minus true volume."""
        return self.found_ml - self.true_ml

    @property
    def volume_error_percent(self) -> float:
        """The same in percent of the true volume; NaN where nothing is true."""
        return 100 * self.volume_error_ml / self.true_ml if self.true_ml else math.nan

    @property
    def absolute_volume_error_ml(self) -> float:
        return abs(self.volume_error_ml)

    def value(self, measure: str) -> float:
        """A measure by its name in :data:`MEASURES`; NaN where it is not defined."""
        for part in (self, self.counts, self.surface):
            if hasattr(part, measure):
                return float(getattr(part, measure))
        raise KeyError(measure)
