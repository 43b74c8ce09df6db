"""The choices that all runs share which learn from one made-up volume after the other."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, TypeVar

from .plan import Plan
from .requirement import require

SomePlan = TypeVar("SomePlan", bound="VolumePlan")


@dataclass(frozen=True)
class VolumePlan:
    """What :class:`.volume_loop.VolumeTrainer` does; a kind of model adds its own choices.

    Args:
        labels: folder of whole-head label maps to make images from.
        name: of the model.
        version: of the model.
        widths: channels of what is trained at strides 2, 4, 8, ...
        held_out: label maps (stems) that are never trained on and are used for validation.
        steps: volumes of the whole run.
        size: voxels along the edge of a volume.
        batch: samples of one update, each of another volume if there are enough.
        recent: volumes that are kept; the samples of an update are drawn from them, so that neighboring updates differ.
        learning_rate: peak; it rises on a straight line and falls along a cosine.
        weight_decay: of AdamW.
        warm_up_steps: volumes until the peak of the learning rate.
        clip: largest norm of the gradient.
        ema_decay: decay of the averaged weights, which are what is kept.
        validation_steps: volumes between validations.
        validation_samples: samples of the validation.
        log_steps: volumes between rows of the log.
        checkpoint_steps: volumes between checkpoints.
        workers: processes that make volumes; 0 makes them between the steps.
        device: auto, cpu or cuda.
        seed: of weights and samples; volume n of a run is the same whatever was interrupted.

    Raises:
        InputError: a value out of its range.
    """

    COUNTS: ClassVar[tuple[str, ...]] = ()
    """Further numbers that must be at least 1."""

    labels: str = ""
    name: str = ""
    version: str = "0.1.0"
    widths: tuple[int, ...] = (32, 64, 96)
    held_out: tuple[str, ...] = ("training_seg_04", "training_seg_12", "training_seg_17")
    steps: int = 4000
    size: int = 96
    batch: int = 4
    recent: int = 8
    learning_rate: float = 1e-3
    weight_decay: float = 1e-3
    warm_up_steps: int = 5
    clip: float = 1.0
    ema_decay: float = 0.998
    validation_steps: int = 100
    validation_samples: int = 16
    log_steps: int = 10
    checkpoint_steps: int = 20
    workers: int = 1
    device: str = "auto"
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("steps", "batch", "recent", "validation_steps", "log_steps", "checkpoint_steps", *self.COUNTS):
            require(getattr(self, name) >= 1, name, getattr(self, name), "at least 1")
        _ = self.training  # its own checks

    @property
    def training(self) -> Plan:
        """What the learning rate and the device ask for."""
        return Plan(
            labels=self.labels,
            held_out=self.held_out,
            steps=self.steps,
            batch=1,
            learning_rate=self.learning_rate,
            warm_up_steps=self.warm_up_steps,
            device=self.device,
            seed=self.seed,
        )

    def to_dict(self) -> dict[str, Any]:
        """As plain numbers, texts and lists."""
        content: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return content

    @classmethod
    def from_dict(cls: type[SomePlan], content: Mapping[str, Any]) -> SomePlan:
        """The inverse of :meth:`to_dict`."""
        given: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in content.items()}
        return cls(**given)
