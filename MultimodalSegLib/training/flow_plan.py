"""The choices that all runs of rectified flows share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from .requirement import require
from .volume_plan import VolumePlan


@dataclass(frozen=True)
class FlowPlan(VolumePlan):
    """What :class:`.flow_loop.FlowTrainer` does, besides :class:`.volume_plan.VolumePlan`; samples are patches.

    Args:
        blocks: residual blocks of each scale of the network.
        noise: standard deviation of the noise from which a flow starts, on the scale of normalized images.
        updates: updates of the weights for each new volume.
        patch: voxels along the edge of what the network sees.
        real_share: part of the volumes that are real, where there are any.
        start_share: part of the patches that are at the start of the flow, from where its longest step goes.
        precision: ``"bf16"`` for mixed precision, ``"32"`` for none.

    Raises:
        InputError: a value out of its range.
    """

    COUNTS: ClassVar[tuple[str, ...]] = ("updates",)

    MARGIN: ClassVar[int] = 0
    """Voxels that a patch is smaller than a volume at least."""

    recent: int = 16
    weight_decay: float = 1e-4
    blocks: int = 2
    noise: float = 0.1
    updates: int = 8
    patch: int = 32
    real_share: float = 0.6
    start_share: float = 0.6
    precision: str = "bf16"

    def __post_init__(self) -> None:
        super().__post_init__()
        stride, most = 2 ** len(self.widths), self.size - self.MARGIN
        good = self.patch % stride == 0 and 0 < self.patch <= most
        require(good, "patch", self.patch, f"a multiple of {stride} and at most {most}")
        for name in ("noise", "real_share", "start_share"):
            require(0 <= getattr(self, name) <= 1, name, getattr(self, name), "between 0 and 1")
        require(self.precision in ("bf16", "32"), "precision", self.precision, "bf16 or 32")
