"""From logits to probabilities that mean what they say: a temperature for structures, slope and offset for lesions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True)
class Scaling:
    """What a model's calibration does to logits before they become probabilities; nothing if it has none.

    Probabilities that are shown are scaled. Masks are not made from them: the label map is where the unscaled structure
    is the most probable and the unscaled lesion exceeds its threshold, as the network was trained and evaluated. The
    temperature leaves the order of the structures at a voxel as it is; the offset of lesions moves their probability,
    so that the edge of a lesion's mask need not lie where its map says 0.5.

    Temperature scaling: Guo et al., "On calibration of modern neural networks", ICML 2017. Slope and offset: Platt,
    "Probabilistic outputs for support vector machines", 1999.

    Args:
        temperature: by which logits of structures are divided.
        slope: of the lesion's logit.
        offset: added to the lesion's logit after that.

    Example:
        >>> Scaling(slope=2.0, offset=-1.0).lesion(torch.tensor([0.5])).item()
        0.5
    """

    temperature: float = 1.0
    slope: float = 1.0
    offset: float = 0.0

    @classmethod
    def of(cls, metadata: Mapping[str, Any]) -> Scaling:
        """Of a model; earlier calibrations have a temperature of the lesion in place of slope and offset."""
        entry = metadata.get("calibration", {})
        slope = entry.get("lesion_slope", 1.0 / float(entry.get("lesion_temperature", 1.0)))
        return cls(float(entry.get("temperature", 1.0)), float(slope), float(entry.get("lesion_offset", 0.0)))

    def structures(self, logits: Tensor) -> Tensor:
        """Probabilities of the structures, (K, ...) -> (K, ...)."""
        return torch.softmax(logits / self.temperature, 0)

    def lesion(self, logits: Tensor) -> Tensor:
        """Probability of lesion, of any shape."""
        return torch.sigmoid(self.slope * logits + self.offset)
