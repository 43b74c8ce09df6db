"""A trained network that others learn from; it does not change."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ...errors import InputError
from ...networks.outputs import FusionOutput
from ..batch import Batch
from ..initial.known import KnownModel
from .features import recorded_features


class Teacher:
    """Answers the batches of a student, in the student's numbers of modality families.

    It is no module, so that its weights are neither trained nor saved with the student's.

    Args:
        known: the model.
        families: of the student; samples are answered from those that the teacher knows.
    """

    def __init__(self, known: KnownModel, families: Sequence[str]) -> None:
        self.known, self.network = known, known.network()
        self.family = torch.tensor([known.families.index(n) if n in known.families else -1 for n in families])

    @torch.no_grad()
    def answer(
        self, batch: Batch, spacing: tuple[float, float, float], scales: int = 0
    ) -> tuple[FusionOutput, Tensor, list[Tensor]]:
        """What the teacher says of the samples that show something it knows.

        Args:
            batch: on the student's device, to which the teacher follows.
            spacing: millimetres per voxel (k, j, i).
            scales: of the features to read, from stride 2 on.

        Returns:
            The answer for n samples, (B,) bool which n of the batch these are, and their features.
        """
        self.network.to(batch.images.device)
        family = self.family.to(batch.images.device)[batch.family]
        present = batch.present & (family >= 0)
        able = present.any(1)
        if not bool(able.any()):
            nothing = batch.images.new_zeros(0)
            return FusionOutput(nothing, nothing, nothing, nothing, nothing), able, []
        images, present, family = batch.images[able], present[able], family[able].clamp_min(0)
        with recorded_features(self.network, scales, images.shape[2:]) as features:
            output = self.network(images, present, family, spacing)
        return output, able, features


def require_cover(known: KnownModel, names: Sequence[str], families: Sequence[str]) -> None:
    """Refuse a teacher that does not know everything a student is to learn.

    Args:
        known: the teacher.
        names: class names of the student, the background first.
        families: of the student.

    Raises:
        InputError: names what the teacher does not know.
    """
    if not known.classes:
        raise InputError(f"The teacher {known.title} is an encoder, which segments nothing.", "Give a model.")
    for what, wanted, has in (("class", names, known.names), ("modality", families, known.families)):
        missing = [name for name in wanted if name not in has]
        if missing:
            raise InputError(
                f"The teacher {known.title} does not know the {what} {missing[0]!r}, which the student is to learn.",
                f"Leave it out, choose another teacher, or fine-tune: train --init. It knows {', '.join(has)}.",
            )
