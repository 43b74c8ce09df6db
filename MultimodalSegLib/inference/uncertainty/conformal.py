"""Intervals for volumes that hold the true one as often as they say: split conformal prediction.

Vovk, Gammerman and Shafer, "Algorithmic learning in a random world", 2005; Angelopoulos and Bates, "Conformal
prediction: a gentle introduction", Found. Trends Mach. Learn. 16:494 (2023), with scores scaled by an uncertainty.
Left and right of one patient are not two independent cases: Dunn, Wasserman and Ramdas, "Distribution-free prediction
sets for two-layer hierarchical models", J. Am. Stat. Assoc. 118:2491 (2023).
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


def quantile(scores: Sequence[Sequence[float]], level: float = LEVEL) -> float | None:
    """The score that one of the next patient's stays below with probability ``level``, or None if there are too few.

    Every patient counts the same, however many scores it has; the one that is still to come counts as infinite.

    Args:
        scores: by patient; of patients on whom nothing was trained or fitted. Those without a score do not count.
        level: 0 to 1; 0.9 needs nine patients.

    Example:
        >>> quantile([[float(n)] for n in range(1, 20)])
        18.0
        >>> quantile([[1.0, 2.0]]) is None
        True
    """
    patients = [some for some in scores if len(some)]
    weighted = sorted((value, 1.0 / len(some)) for some in patients for value in some)
    wanted, below = (len(patients) + 1) * level - 1e-9, 0.0
    for value, weight in weighted:
        below += weight
        if below >= wanted:
            return float(value)
    return None


@dataclass(frozen=True)
class Conformal:
    """What the calibration of a model's volumes found: the entry ``conformal`` of its metadata.

    Args:
        level: share of the intervals that hold the true volume.
        quantiles: by name of the network's class, both sides together; structures of too few patients have none.
        method: of the answers whose spread was scored, such as ``"tta"``; empty if that is not known.
        samples: how many answers.
        coverage: by name of the class, the share of intervals that held the true volume of patients of a label map that
            the quantiles had not seen, as far as it was measured.

    Example:
        >>> found = Conformal(0.9, {"skull": 2.0}, "tta", 8)
        >>> found.holds("tta", 8), found.holds("dropout", 8)
        (True, False)
        >>> found.interval("vessels", 10.0, 0.1) is None
        True
    """

    level: float
    quantiles: Mapping[str, float] = field(default_factory=dict)
    method: str = ""
    samples: int = 0
    coverage: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def fitted(
        cls, scores: Mapping[str, Sequence[Sequence[float]]], method: str, samples: int, level: float = LEVEL
    ) -> Conformal:
        """From the scores of each structure, by patient.

        Raises:
            ValueError: no structure has enough patients.
        """
        own = {name: quantile(some, level) for name, some in scores.items()}
        known = {name: q for name, q in own.items() if q is not None}
        if not known:
            most = max((sum(1 for one in some if len(one)) for some in scores.values()), default=0)
            raise ValueError(f"{most} patients are too few for intervals at {level:.0%}")
        return cls(level, known, method, samples)

    @classmethod
    def of(cls, metadata: Mapping[str, Any]) -> Conformal | None:
        """Of a model, or None if it was not calibrated."""
        entry = metadata.get("conformal")
        if not entry:
            return None
        coverage = {name: float(found["share"]) for name, found in entry.get("coverage", {}).items()}
        method, samples = str(entry.get("method", "")), int(entry.get("samples", 0))
        return cls(float(entry["level"]), dict(entry["quantiles"]), method, samples, coverage)

    def to_dict(self) -> dict[str, Any]:
        """For a model's metadata, without the coverage."""
        quantiles = {name: round(q, 4) for name, q in self.quantiles.items()}
        return {"level": self.level, "method": self.method, "samples": self.samples, "quantiles": quantiles}

    def holds(self, method: str, samples: int) -> bool:
        """Whether the quantiles were fitted to the spread of such answers; other spreads mean something else."""
        return (self.method, self.samples) == (method, samples)

    def interval(self, structure: str, found_ml: float, spread_: float) -> tuple[float, float] | None:
        """Lowest and highest volume (ml) of a structure, or None if its quantile is not known.

        Args:
            structure: name of the network's class, without side.
            found_ml: as segmented.
            spread_: from :func:`spread`.
        """
        if structure not in self.quantiles:
            return None
        reach = math.exp(min(50.0, self.quantiles[structure] * (spread_ + FLOOR)))
        low = (found_ml + OFFSET_ML) / reach - OFFSET_ML
        return max(0.0, low), (found_ml + OFFSET_ML) * reach - OFFSET_ML
