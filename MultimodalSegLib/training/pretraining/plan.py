"""Every choice of a pre-training run."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from ...errors import InputError
from ...networks.config import NetworkConfig, student, teacher
from ..augment.settings import Augmentation
from ..plan import Plan, Size
from ..requirement import require

DENSE_SCALES = 3
"""The finest scales of the decoder, whose features are learned place by place: strides 2, 4 and 8."""

LEAST_CLASSES = 2
"""A network must have classes; what is kept knows nothing of them."""

WHOSE = "pre-training"


@dataclass(frozen=True)
class PretrainingPlan:
    """Every choice of a pre-training run; kept in its state and in ``encoder.json``.

    Args:
        network: ``network`` entry of a fusion network; its encoder and decoder are trained.
        families: of modalities, in the order of the network's numbers.
        spacing: of the prepared volumes, millimetres, isotropic.
        global_size: (k, j, i) voxels of the two large crops of a sample, multiples of the network's stride.
        local_size: of the small crops.
        local_crops: number of small crops.
        masked: smallest and largest part of the tokens of a large crop that the student does not see.
        points: P, places at which two views of a volume are compared.
        prototypes: K, outputs of a projection head.
        frozen_steps: first steps in which the prototypes stay as they are.
        queue: the teacher's last answers to whole views that balance those of a small batch; 0 for none.
        batch: volumes of one step.
        steps: of the whole run.
        learning_rate: peak of the learning rate.
        weight_decay: weight decay of AdamW.
        warm_up_steps: until the peak.
        clip: largest norm of the gradient.
        momentum: part of the teacher that stays at the first step; rises to 1 along a cosine.
        student_temperature: of the student's softmax.
        teacher_temperatures: of the teacher's assignments, at the first step and from :attr:`warm_up_steps` on.
        view_weight: of the loss of whole views.
        place_weight: of the loss of places that two views share.
        token_weight: of the loss of places that are hidden from the student.
        spread_weight: of the KoLeo regularizer.
        restoration_weight: of the loss of masked intensities.
        augmentation: changes of intensities; of those of shape only the mirroring is used.
        precision: as in :class:`~MultimodalSegLib.training.plan.Plan`.
        checkpoint_steps: steps between checkpoints.
        log_steps: steps between rows of the log.
        workers: processes that make samples.
        device: auto, cpu or cuda.
        seed: of weights and samples.

    Raises:
        InputError: a value that is impossible, alone or beside another.
    """

    network: Mapping[str, Any]
    families: tuple[str, ...]
    spacing: float = 1.5
    global_size: Size = (96, 96, 96)
    local_size: Size = (64, 64, 64)
    local_crops: int = 4
    masked: tuple[float, float] = (0.2, 0.6)
    points: int = 64
    prototypes: int = 128
    frozen_steps: int = 50
    queue: int = 256
    batch: int = 8
    steps: int = 2000
    learning_rate: float = 1e-3
    weight_decay: float = 0.04
    warm_up_steps: int = 100
    clip: float = 3.0
    momentum: float = 0.99
    student_temperature: float = 0.1
    teacher_temperatures: tuple[float, float] = (0.04, 0.07)
    view_weight: float = 0.25
    place_weight: float = 1.0
    token_weight: float = 1.0
    spread_weight: float = 0.05
    restoration_weight: float = 1.0
    augmentation: Augmentation = Augmentation()
    precision: str = "auto"
    checkpoint_steps: int = 200
    log_steps: int = 10
    workers: int = 1
    device: str = "auto"
    seed: int = 0

    def __post_init__(self) -> None:
        stride = self.config.stride
        for name in ("global_size", "local_size"):
            size = getattr(self, name)
            good = len(size) == 3 and all(n >= stride and n % stride == 0 for n in size)
            require(good, name, size, f"three multiples of the network's stride of {stride}", WHOSE)
        good = all(small <= large for small, large in zip(self.local_size, self.global_size, strict=True))
        require(good, "local_size", self.local_size, f"at most the global_size of {self.global_size}", WHOSE)
        for name in ("batch", "local_crops", "prototypes", "points"):
            require(getattr(self, name) >= 2, name, getattr(self, name), "at least 2", WHOSE)
        weights = [entry.name for entry in fields(self) if entry.name.endswith("_weight")]
        for name in ("queue", "frozen_steps", *weights):
            value = getattr(self, name)
            require(0 <= value < math.inf, name, value, "0 or a positive number", WHOSE)
        low, high = self.masked
        require(0 < low <= high < 1, "masked", self.masked, "two parts between 0 and 1 in ascending order", WHOSE)
        for name in ("student_temperature", "spacing"):
            value = getattr(self, name)
            require(0 < value < math.inf, name, value, "a positive number", WHOSE)
        temperatures = self.teacher_temperatures
        require(min(temperatures) > 0, "teacher_temperatures", temperatures, "positive", WHOSE)
        require(0 <= self.momentum < 1, "momentum", self.momentum, "at least 0 and below 1", WHOSE)
        _ = self.training  # its own checks

    @property
    def config(self) -> NetworkConfig:
        """The network's configuration.

        Raises:
            InputError: it is impossible.
        """
        try:
            return NetworkConfig.from_dict({**self.network, "families": len(self.families)})
        except (TypeError, ValueError) as error:
            raise InputError(f"The network to pre-train cannot be built: {error}", "Choose another one.") from error

    @property
    def dense_scales(self) -> int:
        """Number of scales whose features are learned place by place."""
        return min(DENSE_SCALES, len(self.config.widths))

    @property
    def token_stride(self) -> int:
        """Voxels along the edge of a token that may be hidden: those of the coarsest of these scales."""
        return int(2**self.dense_scales)

    @property
    def training(self) -> Plan:
        """What a run shares with supervised training: steps, optimizer, device."""
        shared = {entry.name for entry in fields(Plan)} & {entry.name for entry in fields(self)}
        return Plan(**{name: getattr(self, name) for name in shared})

    def to_dict(self) -> dict[str, Any]:
        """As plain numbers, texts, lists and mappings."""
        content: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return content

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> PretrainingPlan:
        """The inverse of :meth:`to_dict`."""
        changes = {name: _tuple(value) for name, value in content["augmentation"].items()}
        given = {name: _tuple(value) for name, value in content.items() if name != "augmentation"}
        return cls(**given, augmentation=Augmentation(**changes))


def network_entry(name: str, families: int) -> dict[str, Any]:
    """The ``network`` entry of the student or the teacher, without what knows of classes.

    Raises:
        InputError: another name.
    """
    if name not in ("student", "teacher"):
        raise InputError(f"There is no network {name!r} to pre-train.", "Use student or teacher.")
    without = {"side": False, "lesion": False, "size_gate": False, "deep_supervision": False}
    preset = student if name == "student" else teacher
    return preset(families, LEAST_CLASSES, **without).to_dict()


def crop_sizes(stride: int, large: int | None = None) -> tuple[Size, Size]:
    """Shapes of large and small crops that suit a network.

    Args:
        stride: of the network.
        large: voxels along a large crop's edge; three strides, but at least 32, if None.

    Example:
        >>> crop_sizes(32)
        ((96, 96, 96), (64, 64, 64))
    """
    large = large or max(32, 3 * stride)
    small = max(stride, round(0.7 * large / stride) * stride)
    return (large,) * 3, (small,) * 3


def _tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
