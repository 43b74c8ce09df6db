"""A student, its labels and its teacher: from a batch to one number.

Hinton et al. (2015) for the answers, Romero et al. (ICLR 2015) for the features, Zagoruyko and Komodakis (ICLR 2017)
for the attention; see :mod:`MultimodalSegLib.losses.distillation`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ...losses.distillation import FeatureLoss, attention_loss
from ...losses.schedule import LossSchedule
from ..batch import Batch
from ..initial.known import KnownModel
from ..task import LossOf, Task, mean_loss, of_sample
from .features import common_scales, recorded_features
from .settings import Distillation
from .soft import SharedClasses, soft_loss
from .teacher import Teacher


class DistillationTask(Task):
    """The weighted sum of the losses against labels, the teacher's answers and the teacher's features.

    The projections from the student's features to the teacher's are trained and saved with the network, but are no part
    of it.

    Args:
        network: the student.
        objective: the loss against labels; not asked if its weight is 0.
        teacher: knows every class and modality of the student.
        settings: the weights.
        schedule: weights of the heads.
        names: class names of the student by channel, the background first.

    Raises:
        InputError: features are wanted of a network that is no fusion network.
    """

    def __init__(
        self,
        network: nn.Module,
        objective: LossOf,
        teacher: Teacher,
        settings: Distillation,
        schedule: LossSchedule,
        names: Sequence[str],
    ) -> None:
        super().__init__(network, objective)
        self.teacher, self.settings, self.schedule = teacher, settings, schedule
        self.shared = shared_classes(teacher.known, names, names[1:], lesion=bool(teacher.known.lesion))
        widths = common_scales(network, teacher.network) if settings.by_features else []
        self.scales = len(widths)
        self.projections = nn.ModuleList(FeatureLoss(*pair) for pair in widths if settings.features)

    def forward(self, batch: Batch, fraction: float, step: int, spacing: float) -> tuple[Tensor, dict[str, float]]:
        with recorded_features(self.network, self.scales, batch.images.shape[2:]) as features:
            output = self.network(batch.images, batch.present, batch.family, (spacing,) * 3)
        meant, _, wanted = self.teacher.answer(batch, (spacing,) * 3, self.scales)
        with torch.autocast(batch.images.device.type, enabled=False):
            labels, parts = self._against_labels(output, batch, fraction, step, spacing)
            weights = self.schedule.at(fraction)
            each = [
                soft_loss(of_sample(output, n), of_sample(meant, n), self.shared, weights, self.settings.temperature)
                for n in range(len(batch))
            ]
            soft = torch.stack(each).mean()
            near, alike = self._by_features(features, wanted, soft)
        total = self.settings.hard * labels + self.settings.soft * soft
        total = total + self.settings.features * near + self.settings.attention * alike
        said = {"soft": soft, "features": near, "attention": alike}
        return total, {**parts, **{name: float(value.detach()) for name, value in said.items()}}

    def _against_labels(
        self, output: Any, batch: Batch, fraction: float, step: int, spacing: float
    ) -> tuple[Tensor, dict[str, float]]:
        if not self.settings.hard:
            return batch.images.new_zeros(()), {}
        return mean_loss([self.judged(output, batch, n, fraction, step, spacing) for n in range(len(batch))])

    def _by_features(self, own: list[Tensor], wanted: list[Tensor], like: Tensor) -> tuple[Tensor, Tensor]:
        """Mean distances of features and of attention over the scales; 0 for what does not count."""
        pairs = list(zip(own, wanted, strict=True))
        near = [project(*pair) for project, pair in zip(self.projections, pairs, strict=False)]
        alike = [attention_loss(*pair) for pair in pairs] if self.settings.attention else []
        nothing = like.new_zeros(())
        return (torch.stack(near).mean() if near else nothing, torch.stack(alike).mean() if alike else nothing)


def shared_classes(known: KnownModel, names: Sequence[str], kept: Sequence[str], lesion: bool) -> SharedClasses:
    """What of a known model's classes a student learns from it.

    Args:
        known: the model.
        names: class names of the student by channel.
        kept: names that both have.
        lesion: whether the model's lesions count.
    """
    channels = [known.names.index(name) for name in kept]
    paired = ["left" in known.classes[channel] for channel in channels]
    return SharedClasses([list(names).index(name) for name in kept], channels, paired, lesion)
