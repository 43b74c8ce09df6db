"""Whether what was found in a case is made up as in the cases that a model was made for.

A network answers anything: in an abdomen the network of heads finds litres of brain. The shares of the structures, as
logarithms, are compared with those of known cases, each in its own standard deviations (the Mahalanobis distance of
independent features), and so is their whole volume. Features inside the network were tried first (Gonzalez et al., Med.
Image Anal. 82:102596, 2022): instance normalization takes out what would tell, an abdomen was no farther than a head.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...models.bundle import Bundle
from ..flags import SURROUNDINGS
from .conformal import quantile

LEVEL = 0.95
"""Share of known cases whose distance is usual."""

MARGIN = 1.5
"""How many times the usual distance, or the largest volume, is allowed: real scans are not quite like made-up ones."""

LEAST_SHARE = 1e-3
"""Added to every share before its logarithm."""

LEAST_SD = 0.1


def composition(volumes_ml: Mapping[int, float], bundle: Bundle) -> dict[str, float]:
    """Volumes (ml) of the structures that count, both sides together.

    Lesions do not count, nor what goes on beyond the field of view, such as bone and skin.

    Args:
        volumes_ml: by label value.
        bundle: the model.
    """
    names = bundle.structure_names()
    counted = {names[c.value] for c in bundle.classes() if c.group not in (*SURROUNDINGS, "lesion")}
    found = dict.fromkeys(sorted(counted), 0.0)
    for value, ml in volumes_ml.items():
        if names.get(value) in found:
            found[names[value]] += ml
    return found


@dataclass(frozen=True)
class Typical:
    """What known cases are made up of: the entry ``typical`` of a model's metadata.

    Args:
        mean: mean logarithm of each structure's share.
        sd: its standard deviation.
        limit: distance above which a case is unlike them.
        most_ml: volume of all these structures above which it is.
    """

    mean: Mapping[str, float]
    sd: Mapping[str, float]
    limit: float = float("inf")
    most_ml: float = float("inf")

    @classmethod
    def fitted(cls, known: Sequence[Mapping[str, float]], others: Sequence[Mapping[str, float]]) -> Typical:
        """From the compositions (ml) of known cases, and a limit from those of other known cases.

        Raises:
            ValueError: too few cases.
        """
        if len(known) < 5 or not others:
            raise ValueError(f"{len(known)} and {len(others)} cases are too few to say what is typical")
        rows = np.asarray([list(_logs(case).values()) for case in known])
        mean, sd = rows.mean(0).tolist(), np.maximum(rows.std(0, ddof=1), LEAST_SD).tolist()
        found = cls(dict(zip(known[0], mean, strict=True)), dict(zip(known[0], sd, strict=True)))
        away = [found.distance(case) for case in others]
        usual = quantile([[one] for one in away], LEVEL) or max(away)
        return cls(found.mean, found.sd, MARGIN * usual, MARGIN * max(sum(case.values()) for case in (*known, *others)))

    @classmethod
    def of(cls, metadata: Mapping[str, Any]) -> Typical | None:
        """Of a model, or None if it was not calibrated."""
        entry = metadata.get("typical")
        return cls(entry["mean"], entry["sd"], float(entry["limit"]), float(entry["most_ml"])) if entry else None

    def to_dict(self) -> dict[str, Any]:
        """The entry of the metadata."""
        mean, sd = ({name: round(x, 4) for name, x in part.items()} for part in (self.mean, self.sd))
        return {"mean": mean, "sd": sd, "limit": round(self.limit, 4), "most_ml": round(self.most_ml, 1)}

    def distance(self, case: Mapping[str, float]) -> float:
        """How far a composition (ml) is from the known ones: about 1 for one of them.

        The root mean square deviation of the logarithms of the shares, each in its standard deviations; raised in the
        same proportion in which the whole volume is above the largest one.
        """
        logs = _logs(case)
        away = float(np.sqrt(np.mean([((logs[name] - self.mean[name]) / self.sd[name]) ** 2 for name in self.mean])))
        excess = sum(case.values()) / self.most_ml
        return max(away, self.limit * excess) if excess > 1 else away


def _logs(case: Mapping[str, float]) -> dict[str, float]:
    total = max(sum(case.values()), 1e-6)
    return {name: float(np.log(ml / total + LEAST_SHARE)) for name, ml in case.items()}
