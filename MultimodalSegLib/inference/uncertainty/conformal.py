"""Intervals for volumes that hold the true one as often as they say: split conformal prediction.

Vovk, Gammerman and Shafer, "Algorithmic learning in a random world", 2005; Angelopoulos and Bates, "Conformal
prediction: a gentle introduction", Found. Trends Mach. Learn. 16:494 (2023), with scores scaled by an uncertainty.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

OFFSET_ML = 0.05
"""Added to every volume before its logarithm, so that nothing found or nothing there is a number too."""

FLOOR = 0.02
"""Added to every spread: answers that agree by chance are not without doubt."""

LEVEL = 0.9


def spread(volumes_ml: Sequence[float]) -> float:
    """Standard deviation of the logarithm of a structure's volume over the samples."""
    return float(np.std(np.log(np.asarray(volumes_ml, float) + OFFSET_ML), ddof=1)) if len(volumes_ml) > 1 else 0.0


def score(found_ml: float, true_ml: float, spread_: float) -> float:
    """How far a volume was from the true one, in spreads: the conformity score.

    Args:
        found_ml: as segmented.
        true_ml: the true one.
        spread_: from :func:`spread`.
    """
    return abs(math.log((true_ml + OFFSET_ML) / (found_ml + OFFSET_ML))) / (spread_ + FLOOR)


def quantile(scores: Sequence[float], level: float = LEVEL) -> float | None:
    """The score that the next case stays below with probability ``level``, or None if there are too few.

    Args:
        scores: of cases on which nothing was trained or fitted.
        level: 0 to 1; 0.9 needs nine scores.

    Example:
        >>> quantile([float(n) for n in range(1, 20)])
        18.0
        >>> quantile([1.0, 2.0]) is None
        True
    """
    rank = math.ceil((len(scores) + 1) * level - 1e-9)
    return float(sorted(scores)[rank - 1]) if 0 < rank <= len(scores) else None


@dataclass(frozen=True)
class Conformal:
    """What the calibration of a model's volumes found: the entry ``conformal`` of its metadata.

    Args:
        level: share of the intervals that hold the true volume.
        usual: quantile of the scores of all structures, for those with too few of their own.
        quantiles: by name of the network's class, both sides together.
    """

    level: float
    usual: float
    quantiles: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def fitted(cls, scores: Mapping[str, Sequence[float]], level: float = LEVEL) -> Conformal:
        """From the scores of each structure.

        Raises:
            ValueError: too few scores even together.
        """
        usual = quantile([s for some in scores.values() for s in some], level)
        if usual is None:
            raise ValueError(f"{sum(map(len, scores.values()))} scores are too few for intervals at {level:.0%}")
        own = {name: quantile(some, level) for name, some in scores.items()}
        return cls(level, usual, {name: q for name, q in own.items() if q is not None})

    @classmethod
    def of(cls, metadata: Mapping[str, Any]) -> Conformal | None:
        """Of a model, or None if it was not calibrated."""
        entry = metadata.get("conformal")
        return cls(float(entry["level"]), float(entry["usual"]), dict(entry["quantiles"])) if entry else None

    def interval(self, structure: str, found_ml: float, spread_: float) -> tuple[float, float]:
        """Lowest and highest volume (ml) of a structure.

        Args:
            structure: name of the network's class, without side.
            found_ml: as segmented.
            spread_: from :func:`spread`.
        """
        reach = math.exp(min(50.0, self.quantiles.get(structure, self.usual) * (spread_ + FLOOR)))
        low = (found_ml + OFFSET_ML) / reach - OFFSET_ML
        return max(0.0, low), (found_ml + OFFSET_ML) * reach - OFFSET_ML
