"""Every choice of a training run in one place."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ..errors import InputError
from ..images.grid import Triple
from ..images.normalization import Normalization
from ..losses.schedule import HEAD_SCHEDULE, LossSchedule
from .augment.settings import Augmentation
from .distillation.settings import Distillation
from .requirement import require

Size = tuple[int, int, int]

PRECISIONS = ("auto", "32", "16", "bf16")
DEVICES = ("auto", "cpu", "cuda")
REGISTRATIONS = ("rigid", "affine", "bspline", "none")
_CROPS = 1
"""Second number of the seed from which crop shapes are drawn; samples use 0, held-out samples 2."""


def _halved(size: Size, stride: int) -> Size:
    k, j, i = (min(n, max(1, n // 2 // stride) * stride) for n in size)
    return k, j, i


@dataclass(frozen=True)
class Stage:
    """A stretch of training at one resolution.

    Args:
        until: fraction of the steps at which it ends, 0 to 1.
        spacing: millimetres per voxel, one number or three along the patient's x, y, z.
        sizes: crop shapes (k, j, i), multiples of the network's stride.
        chances: probability of each crop shape.

    Raises:
        InputError: a value out of its range.
    """

    until: float
    spacing: float | Triple
    sizes: tuple[Size, ...]
    chances: tuple[float, ...]

    def __post_init__(self) -> None:
        require(0 < self.until <= 1, "stages.until", self.until, "a fraction above 0 and at most 1")
        good = len(self.xyz) == 3 and min(self.xyz) > 0
        require(good, "stages.spacing", self.spacing, "a positive number of millimetres or three of them")
        good = bool(self.sizes) and all(len(size) == 3 and min(size) >= 1 for size in self.sizes)
        require(good, "stages.sizes", self.sizes, "a list of three whole numbers of voxels each")
        good = len(self.chances) == len(self.sizes) and min(self.chances) >= 0 and math.isclose(sum(self.chances), 1)
        require(good, "stages.chances", self.chances, "a probability for each of the sizes, summing to 1")

    @property
    def xyz(self) -> Triple:
        """Millimetres per voxel along x, y, z."""
        return self.spacing if isinstance(self.spacing, tuple) else (self.spacing,) * 3

    @property
    def kji(self) -> Triple:
        """Millimetres per voxel in the order of an array's axes."""
        x, y, z = self.xyz
        return z, y, x

    @property
    def usual_size(self) -> Size:
        """The most probable crop shape."""
        return self.sizes[self.chances.index(max(self.chances))]

    def halved(self, stride: int) -> Stage:
        """The same stretch with crops of half the length along each axis, but not below ``stride``."""
        sizes = tuple(_halved(size, stride) for size in self.sizes)
        return replace(self, sizes=sizes)


@dataclass(frozen=True)
class Plan:
    """Every choice of a training run; written beside the weights as ``plan.yaml``.

    Args:
        name: what the model is called.
        version: of the model, such as 0.1.0.
        labels: folder of whole-head label maps (NIfTI) to make images from; empty if there is a data set.
        data: a data set of real images: its description (JSON or CSV) or a folder in a known layout.
        images: a folder of images without labels, of which a teacher says what they show.
        painter: model (name or folder) that paints lesions into made-up patients; empty for the generator's alone.
        painted: part of the made-up patients with lesions whose lesions are painted, where there is a painter.
        held_out: names of label maps (stems) or of cases that are never trained on and are used for validation.
        cache: folder for prepared cases of the data set; in the folder of the run if empty.
        registration: rigid, affine, bspline or none, for images of a data set that are not aligned.
        preprocessing: by family, such as CT, its kind of normalization, low and high of a window, and clahe or not.
        augmentation: random changes of the images of a data set.
        network: student, teacher, one of the ablations, shipped-0.1, or a mapping with the settings of a network.
        init: model (name or folder), training run or pre-trained encoder to start from; empty for random weights.
        forget: learn the classes of the data alone; else those that the model of 'init' finds beside them are kept.
        anew: outputs of the model of 'init', side or lesion, that begin with random weights all the same.
        distillation: the teacher whose answers and features are learnt, with the weights of each.
        stages: from coarse to fine; the last one's spacing is the working spacing of the model.
        batch: samples of one step, those of all processes and of all accumulated parts together.
        accumulate: parts into which the samples of one process are divided, computed one after the other.
        steps: number of steps of the whole run.
        precision: auto, 32, 16 (with a gradient scaler) or bf16 (mixed precision).
        learning_rate: peak of the learning rate; it rises on a straight line and falls along a cosine to a hundredth.
        weight_decay: weight decay of AdamW.
        warm_up_steps: steps until the peak of the learning rate.
        clip: largest norm of the gradient.
        ema_decay: decay of the averaged weights, which are what is kept.
        losses: weights of the losses at fractions of the run, on straight lines between them.
        topology: names of the structures whose components, rings and hollows count.
        reweighting: scale the gradients of the modalities against each other, so that the weaker one is heard.
        validation_steps: steps between validations.
        validation_samples: made-up samples for validation; of a data set the held-out cases are used.
        log_steps: steps between rows of the log.
        checkpoint_steps: steps between checkpoints.
        checkpoint_minutes: minutes between checkpoints, whichever comes first.
        workers: processes that make samples; 0 makes them between the steps.
        device: auto, cpu or cuda.
        devices: processes that train together.
        seed: seed of weights and samples; sample n of a run is the same whatever was interrupted.

    Raises:
        InputError: a value out of its range, or two that contradict each other.
    """

    name: str = "head"
    version: str = "0.1.0"
    labels: str = ""
    data: str = ""
    images: str = ""
    painter: str = ""
    painted: float = 0.3
    held_out: tuple[str, ...] = ("training_seg_04", "training_seg_12", "training_seg_17")
    cache: str = ""
    registration: str = "rigid"
    preprocessing: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    augmentation: Augmentation = Augmentation()
    network: str | Mapping[str, Any] = "shipped-0.1"
    init: str = ""
    forget: bool = False
    anew: tuple[str, ...] = ()
    distillation: Distillation = Distillation()
    stages: tuple[Stage, ...] = (
        Stage(0.45, 2.25, ((64, 64, 64), (64, 96, 64)), (0.7, 0.3)),
        Stage(1.0, 1.5, ((96, 96, 96), (96, 128, 96), (128, 160, 128)), (0.55, 0.25, 0.2)),
    )
    batch: int = 1
    accumulate: int = 1
    steps: int = 5000
    precision: str = "auto"
    learning_rate: float = 1.5e-3
    weight_decay: float = 1e-2
    warm_up_steps: int = 200
    clip: float = 1.0
    ema_decay: float = 0.999
    losses: LossSchedule = field(default_factory=lambda: HEAD_SCHEDULE)
    topology: tuple[str, ...] = ()
    reweighting: bool = False
    validation_steps: int = 500
    validation_samples: int = 6
    log_steps: int = 20
    checkpoint_steps: int = 500
    checkpoint_minutes: float = 3.0
    workers: int = 1
    device: str = "auto"
    devices: int = 1
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("batch", "accumulate", "steps", "devices", "log_steps", "validation_steps", "checkpoint_steps"):
            value = getattr(self, name)
            require(isinstance(value, int) and value >= 1, name, value, "a whole number from 1 on")
        for name in ("warm_up_steps", "validation_samples", "workers", "seed"):
            value = getattr(self, name)
            require(isinstance(value, int) and value >= 0, name, value, "a whole number from 0 on")
        for name in ("learning_rate", "clip", "checkpoint_minutes"):
            value = getattr(self, name)
            require(math.isfinite(value) and value > 0, name, value, "a positive number")
        require(0 <= self.weight_decay < math.inf, "weight_decay", self.weight_decay, "0 or a positive number")
        require(0 <= self.painted <= 1, "painted", self.painted, "between 0 and 1")
        require(0 <= self.ema_decay < 1, "ema_decay", self.ema_decay, "at least 0 and below 1")
        require(self.precision in PRECISIONS, "precision", self.precision, f"one of {', '.join(PRECISIONS)}")
        require(set(self.anew) <= {"side", "lesion"}, "anew", list(self.anew), "a list of side, lesion or both")
        kinds = ", ".join(REGISTRATIONS)
        require(self.registration in REGISTRATIONS, "registration", self.registration, f"one of {kinds}")
        require(self.device in DEVICES, "device", self.device, f"one of {', '.join(DEVICES)}")
        ends = [stage.until for stage in self.stages]
        good = bool(ends) and ends == sorted(set(ends)) and ends[-1] == 1
        require(good, "stages", ends, "a list whose 'until' ascend to 1")
        parts = self.devices * self.accumulate
        require(self.batch % parts == 0, "batch", self.batch, f"a multiple of devices x accumulate = {parts}")
        if self.labels and any(len(set(stage.xyz)) > 1 for stage in self.stages):
            raise InputError("Images are made from label maps at one spacing along all axes.", "Correct the stages.")
        if sum(map(bool, (self.labels, self.data, self.images))) > 1:
            raise InputError("The plan names more than one of label maps, data set and images.", "Leave one of them.")
        if self.painter and not self.labels:
            raise InputError("Lesions are painted into made-up patients alone.", "Name label maps in 'labels'.")
        if self.normalization and self.labels:
            raise InputError("Images of label maps are normalized as usual.", "Leave 'preprocessing' out of the plan.")
        if self.images and (not self.distillation.teacher or self.distillation.hard):
            raise InputError(
                "The plan names images without labels, from which only a teacher's answers can be learnt.",
                "Name a teacher in 'distillation' and set its 'hard' to 0.",
            )

    @property
    def normalization(self) -> dict[str, Normalization]:
        """What ``preprocessing`` says.

        Raises:
            InputError: an unknown key or an impossible value.
        """
        found = {}
        for family, entry in self.preprocessing.items():
            try:
                found[family] = Normalization.from_dict(entry)
            except (TypeError, ValueError) as error:
                raise InputError(f"The plan's preprocessing of {family}: {error}.", "Correct the plan.") from error
        return found

    @property
    def part(self) -> int:
        """Samples that one process computes at once."""
        return self.batch // (self.devices * self.accumulate)

    def stage(self, fraction: float) -> Stage:
        """The stage in force when ``fraction`` of the run is over."""
        return next((s for s in self.stages if fraction < s.until), self.stages[-1])

    def crop(self, step: int) -> tuple[Stage, Size]:
        """The stage of a step, and the crop shape that all of its samples have."""
        stage = self.stage(step / self.steps)
        draw = np.random.default_rng((self.seed, _CROPS, step)).choice(len(stage.sizes), p=stage.chances)
        return stage, stage.sizes[draw]
