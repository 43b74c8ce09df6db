"""Every choice of a training run of a click model."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ...errors import InputError
from ..plan import Plan


@dataclass(frozen=True)
class ClickPlan:
    """What :class:`.loop.ClickTrainer` does.

    Args:
        labels: folder of whole-head label maps to make images from.
        trunk: model (name or folder) of a fusion network whose features are read; it stays as it is.
        name: of the model.
        version: of the model.
        widths: channels of the head at strides 2, 4, 8, ...
        held_out: label maps (stems) that are never trained on and are used for validation.
        steps: volumes of the whole run.
        size: voxels along the edge of a volume.
        crops: voxels along the edge of the head's crops, one of them for each group of targets.
        targets: objects that are clicked at for each new volume.
        batch: objects of one update, each of another volume if there are enough.
        recent: volumes that are kept; the objects of an update are drawn from them, so that neighboring updates differ.
        clicks: most clicks at an object; every one is a step of the optimizer.
        lesion_share: part of the objects that are lesions, where there are any.
        learning_rate: peak; it rises on a straight line and falls along a cosine.
        weight_decay: of AdamW.
        warm_up_steps: volumes until the peak of the learning rate.
        clip: largest norm of the gradient.
        ema_decay: decay of the averaged weights, which are what is kept.
        validation_steps: volumes between validations.
        validation_samples: objects of the validation.
        log_steps: volumes between rows of the log.
        checkpoint_steps: volumes between checkpoints.
        workers: processes that make volumes and their features; 0 makes them between the steps.
        device: auto, cpu or cuda.
        seed: of weights and samples; volume n of a run is the same whatever was interrupted.

    Raises:
        InputError: a value out of its range.
    """

    labels: str = ""
    trunk: str = "head-student"
    name: str = "refine"
    version: str = "0.1.0"
    widths: tuple[int, ...] = (16, 32, 48, 64)
    held_out: tuple[str, ...] = ("training_seg_04", "training_seg_12", "training_seg_17")
    steps: int = 4000
    size: int = 96
    crops: tuple[int, ...] = (32, 32, 32, 48)
    targets: int = 16
    batch: int = 4
    recent: int = 8
    clicks: int = 4
    lesion_share: float = 0.6
    learning_rate: float = 1e-3
    weight_decay: float = 1e-3
    warm_up_steps: int = 5
    clip: float = 3.0
    ema_decay: float = 0.995
    validation_steps: int = 50
    validation_samples: int = 16
    log_steps: int = 5
    checkpoint_steps: int = 20
    workers: int = 1
    device: str = "auto"
    seed: int = 0

    def __post_init__(self) -> None:
        for name in (
            "steps",
            "targets",
            "batch",
            "clicks",
            "recent",
            "log_steps",
            "validation_steps",
            "checkpoint_steps",
        ):
            if getattr(self, name) < 1:
                raise InputError(
                    f"The plan's {name} is {getattr(self, name)!r}, but must be at least 1.", "Correct it."
                )
        stride = 2 ** len(self.widths)
        if not self.crops or any(n % stride or n > self.size for n in self.crops):
            raise InputError(
                f"The plan's crops are {self.crops!r}, but must be multiples of {stride} and at most {self.size}.",
                "Correct it.",
            )
        _ = self.training

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
    def from_dict(cls, content: Mapping[str, Any]) -> ClickPlan:
        """The inverse of :meth:`to_dict`."""
        given: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in content.items()}
        return cls(**given)
