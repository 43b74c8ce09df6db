"""Every choice of a training run in one place."""

from __future__ import annotations

from dataclasses import dataclass

Size = tuple[int, int, int]


@dataclass(frozen=True)
class Stage:
    """A stretch of training at one resolution.

    Args:
        until: fraction of the whole budget at which it ends, 0 to 1.
        spacing: millimetres per voxel, isotropic.
        sizes: crop shapes (k, j, i), multiples of the network's stride.
        chances: probability of each crop shape.
    """

    until: float
    spacing: float
    sizes: tuple[Size, ...]
    chances: tuple[float, ...]


@dataclass(frozen=True)
class Plan:
    """Training on label maps.

    Args:
        minutes: wall time to train for, all resumed stretches together.
        held_out: file-name stems of label maps that are never trained on.
        widths: channels of the network at each scale.
        stages: from coarse to fine; the last one's spacing is the working spacing of the model.
        learning_rate: peak of the schedule (linear warm-up of 200 steps, then cosine over the budget).
        weight_decay: AdamW's.
        ema_decay: of the averaged weights, which are what is kept.
        seed: of weights and samples; sample n of a run is the same whatever was interrupted.
        checkpoint_minutes: how often the state is saved.
    """

    minutes: float = 100.0
    held_out: tuple[str, ...] = ("training_seg_04", "training_seg_12", "training_seg_17")
    widths: tuple[int, ...] = (32, 64, 96, 128, 192)
    stages: tuple[Stage, ...] = (
        Stage(0.22, 2.25, ((64, 64, 64), (64, 96, 64)), (0.7, 0.3)),
        Stage(1.0, 1.5, ((96, 96, 96), (96, 128, 96), (128, 160, 128)), (0.55, 0.25, 0.2)),
    )
    learning_rate: float = 1.5e-3
    weight_decay: float = 1e-2
    ema_decay: float = 0.999
    seed: int = 0
    checkpoint_minutes: float = 3.0

    def stage(self, fraction: float) -> Stage:
        """The stage in force when ``fraction`` of the budget is spent."""
        return next((s for s in self.stages if fraction < s.until), self.stages[-1])
