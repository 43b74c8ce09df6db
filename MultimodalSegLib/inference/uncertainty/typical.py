"""Whether a case looks to the network like those that it was made for.

The distance of the deepest features from those of known cases, as in Gonzalez et al., "Distance-based detection of
out-of-distribution silent failures", Med. Image Anal. 82:102596 (2022); here of their means over the volume, channel by
channel.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor, nn

from .conformal import quantile

LEVEL = 0.95
"""Share of known cases that the usual distance holds."""

MARGIN = 2.0
"""How many times the usual distance a case may be away: real scans differ from the made-up ones of the calibration."""

FLOOR = 0.05
"""Least standard deviation of a channel, as a share of the mean one."""


@contextmanager
def deepest_features(network: nn.Module) -> Iterator[list[np.ndarray]]:
    """Collect the mean of the deepest fused features at each run of a network.

    Yields:
        A list that gets one vector (2 C,) for each run or window: mean and standard deviation of every channel. It
        stays empty for a network without fusion layers.
    """
    found: list[np.ndarray] = []
    layers = getattr(network, "fuse", None)

    def keep(module: nn.Module, given: Any, result: tuple[Tensor, Tensor]) -> None:
        features = result[0][0].detach().float().flatten(1)
        found.append(np.concatenate([features.mean(1).cpu().numpy(), features.std(1).cpu().numpy()]))

    handle = layers[-1].register_forward_hook(keep) if isinstance(layers, nn.ModuleList) else None
    try:
        yield found
    finally:
        if handle is not None:
            handle.remove()


@dataclass(frozen=True)
class Typical:
    """What known cases look like: the entry ``typical`` of a model's metadata.

    Args:
        mean: of each feature.
        sd: standard deviation of each feature.
        limit: distance above which a case is unlike them.
    """

    mean: np.ndarray
    sd: np.ndarray
    limit: float = float("inf")

    @classmethod
    def fitted(cls, known: Sequence[np.ndarray], others: Sequence[np.ndarray]) -> Typical:
        """From features of known cases, and a limit from those of other known cases.

        Raises:
            ValueError: too few cases.
        """
        if len(known) < 5:
            raise ValueError(f"{len(known)} cases are too few to say what is typical")
        rows = np.asarray(known, float)
        sd = rows.std(0, ddof=1)
        found = cls(rows.mean(0), np.maximum(sd, FLOOR * sd.mean()))
        away = [found.distance(row) for row in others]
        usual = quantile(away, LEVEL) or max(away, default=1.0)
        return cls(found.mean, found.sd, MARGIN * usual)

    @classmethod
    def of(cls, metadata: Mapping[str, Any]) -> Typical | None:
        """Of a model, or None if it was not calibrated."""
        entry = metadata.get("typical")
        return (
            cls(np.asarray(entry["mean"], float), np.asarray(entry["sd"], float), float(entry["limit"]))
            if entry
            else None
        )

    def to_dict(self) -> dict[str, Any]:
        """The entry of the metadata."""
        rounded = [[float(f"{x:.4g}") for x in row] for row in (self.mean, self.sd)]
        return {"mean": rounded[0], "sd": rounded[1], "limit": round(self.limit, 4)}

    def distance(self, features: np.ndarray) -> float:
        """Root mean square deviation of the features, each in its standard deviations: about 1 for known cases."""
        return float(np.sqrt(np.mean(((features - self.mean) / self.sd) ** 2)))
