"""New classes are learnt without forgetting those that a model knows and the new labels do not show.

What is background in the new labels may be anything that the model knew. There the model itself, as it was, is the
teacher (Li and Hoiem, "Learning without forgetting", IEEE TPAMI 40:2935, 2018): its classes fill the gaps of the labels
(Douillard et al., "PLOP", CVPR 2021, section 3.3), and its probabilities are kept, where the background of the one is
everything that the other tells apart (Cermelli et al., CVPR 2020, equations 5 and 9).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from ...losses.schedule import LossSchedule
from ...networks.outputs import CoarseOutput, FusionOutput
from ..batch import Batch
from ..samples import Sample
from ..task import LossOf, Task, mean_loss, of_sample
from .settings import Distillation
from .soft import SharedClasses, shared_logits, soft_loss
from .task import shared_classes
from .teacher import Teacher

NEVER = -1e4
"""Logit of a class that is counted as background."""


class KeepingTask(Task):
    """The losses against labels whose background the teacher has filled, and against the teacher's answers there.

    Args:
        network: begins with the teacher's weights.
        objective: the loss against labels.
        teacher: the model as it was.
        settings: ``temperature``, ``hard`` and ``soft`` count.
        schedule: weights of the heads.
        names: class names of the network by channel, the background first.
        labelled: names of those that the labels show.
        paired: channels that have a left and a right.
        lesion: whether the labels show lesions.
    """

    def __init__(
        self,
        network: nn.Module,
        objective: LossOf,
        teacher: Teacher,
        settings: Distillation,
        schedule: LossSchedule,
        names: Sequence[str],
        labelled: Sequence[str],
        paired: Sequence[int],
        lesion: bool,
    ) -> None:
        super().__init__(network, objective)
        self.teacher, self.settings, self.schedule, self.paired = teacher, settings, schedule, list(paired)
        kept = [name for name in teacher.known.names[1:] if name not in labelled]
        self.shared = shared_classes(teacher.known, names, kept, bool(teacher.known.lesion) and not lesion)

    def forward(self, batch: Batch, fraction: float, step: int, spacing: float) -> tuple[Tensor, dict[str, float]]:
        output = self.network(batch.images, batch.present, batch.family, (spacing,) * 3)
        answers, able, _ = self.teacher.answer(batch, (spacing,) * 3)
        places = (able.cumsum(0) - 1).tolist()
        with torch.autocast(batch.images.device.type, enabled=False):
            losses = []
            for n in range(len(batch)):
                known = of_sample(answers, places[n]) if bool(able[n]) else None
                losses.append(self._one(of_sample(output, n), known, batch.sample(n), fraction, step, spacing))
            return mean_loss(losses)

    def _one(
        self, output: Any, known: FusionOutput | None, sample: Sample, fraction: float, step: int, spacing: float
    ) -> tuple[Tensor, dict[str, float]]:
        """The loss of one sample; one of which the teacher knows no modality says nothing of the old classes."""
        soft = output.structures.new_zeros((), dtype=torch.float32)
        if known is None:
            output = as_background(output, self.shared.student)
        else:
            weights, mask = self.schedule.at(fraction), (sample.channel == 0)[:, None]
            soft = soft_loss(output, known, self.shared, weights, self.settings.temperature, mask)
            sample = completed(sample, known, self.shared, self.paired)
        hard, parts = self.objective(output, sample, fraction, step, (spacing,) * 3, output.deep)
        return self.settings.hard * hard + self.settings.soft * soft, {**parts, "soft": float(soft.detach())}


def completed(sample: Sample, known: FusionOutput, shared: SharedClasses, paired: Sequence[int]) -> Sample:
    """A sample in whose background the teacher's structures are drawn, of the classes that the labels do not show.

    Args:
        sample: with labels.
        known: the teacher's answer.
        shared: the classes that are filled in.
        paired: channels of the sample that have a left and a right; where the labels do not say, the teacher does.
    """
    numbers = torch.tensor([0, *shared.student], device=sample.channel.device)
    found = numbers[shared_logits(known.structures, shared.teacher, 1.0).argmax(1)]
    free = (sample.channel == 0) & (sample.lesion[:, 0] == 0)
    channel = torch.where(free, found, sample.channel)
    side, lesion = sample.side, sample.lesion
    if known.side.numel():
        open_pair = torch.isin(channel, torch.tensor(paired, device=channel.device))[:, None] & (side == 0)
        side = torch.where(open_pair, torch.where(known.side > 0, 1, -1).to(side.dtype), side)
    if shared.lesion and known.lesion.numel():
        lesion = torch.maximum(lesion, ((known.lesion > 0) & (sample.channel == 0)[:, None]).to(lesion.dtype))
    return replace(sample, channel=channel, side=side, lesion=lesion)


def as_background(output: FusionOutput, channels: Sequence[int]) -> FusionOutput:
    """An answer in which some structures count as background, at every scale (Cermelli et al., equation 5)."""

    def folded(logits: Tensor) -> Tensor:
        kept = [n for n in range(1, logits.shape[1]) if n not in set(channels)]
        parts = shared_logits(logits, kept, 1.0)
        filled = torch.full_like(logits, NEVER, dtype=parts.dtype)
        filled[:, [0, *kept]] = parts
        return filled

    deep = tuple(CoarseOutput(folded(one.structures), one.side, one.lesion) for one in output.deep)
    return output._replace(structures=folded(output.structures), deep=deep)
