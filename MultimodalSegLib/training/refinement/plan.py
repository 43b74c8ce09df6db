"""Every choice of a training run of a click model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ..requirement import require
from ..volume_plan import VolumePlan


@dataclass(frozen=True)
class ClickPlan(VolumePlan):
    """What :class:`.loop.ClickTrainer` does, beside what :class:`..volume_plan.VolumePlan` says; samples are objects.

    Args:
        trunk: model (name or folder) of a fusion network whose features are read; it stays as it is.
        crops: voxels along the edge of the head's crops, one of them for each group of targets.
        targets: objects that are clicked at for each new volume.
        clicks: most clicks at an object; every one is a step of the optimizer.
        lesion_share: part of the objects that are lesions, where there are any.

    Raises:
        InputError: a value out of its range.
    """

    COUNTS: ClassVar[tuple[str, ...]] = ("targets", "clicks")

    name: str = "refine"
    widths: tuple[int, ...] = (16, 32, 48, 64)
    recent: int = 16
    clip: float = 3.0
    ema_decay: float = 0.998
    validation_steps: int = 50
    log_steps: int = 5
    trunk: str = "head-student"
    crops: tuple[int, ...] = (32, 48, 48, 64)
    targets: int = 16
    clicks: int = 4
    lesion_share: float = 0.6

    def __post_init__(self) -> None:
        super().__post_init__()
        stride = 2 ** len(self.widths)
        good = bool(self.crops) and all(n % stride == 0 and n <= self.size for n in self.crops)
        require(good, "crops", self.crops, f"multiples of {stride} and at most {self.size}")
