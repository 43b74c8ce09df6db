"""What the network found, on the reference volume's grid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..images.volume import Volume
from ..models.classes import SegmentClass

__all__ = ["SegmentClass", "Segmentation"]


@dataclass(frozen=True)
class Segmentation:
    """Label map and what belongs to it.

    Args:
        labels: uint16 label map on the reference grid; 0 is background.
        classes: every class the model knows, present in this case or not.
        lesion_presence: score of a lesion in the case, 0 to 1, no calibrated probability; None if the model gives none.
        probabilities: asked-for calibrated probability maps by class name, float32 0 to 1, on the reference grid.
        modality_weights: mean fusion weight by modality in what was segmented, summing to 1.
        model: name, version and checksum of the bundle.
        device: where it ran, for example ``"cpu"`` or ``"cuda:0"``.
        engine: that computed the network, ``"torch"`` or ``"openvino"``.
        windows: 1 for one shot over everything, else the number of overlapping windows.
        seconds: wall time of the network part.
        warnings: sentences for the user.
    """

    labels: Volume
    classes: tuple[SegmentClass, ...]
    lesion_presence: float | None = None
    probabilities: Mapping[str, Volume] = field(default_factory=dict)
    modality_weights: Mapping[str, float] = field(default_factory=dict)
    model: Mapping[str, str] = field(default_factory=dict)
    device: str = "cpu"
    windows: int = 1
    seconds: float = 0.0
    warnings: tuple[str, ...] = ()
    engine: str = "torch"
