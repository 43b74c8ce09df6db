"""Training samples of real images."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch.utils.data import Dataset

from ..augment.deform import deform, draw_deformation
from ..augment.intensity import IntensityChange
from ..augment.mirror import mirror
from ..augment.modality_dropout import kept_modalities
from ..augment.settings import Augmentation
from ..samples import Sample
from .cache import PreparedCase
from .patches import FOREGROUND, PatchSampler, Size

MARGIN = 0.15
"""Part of a crop that is read on each side for a deformation to take from."""


@dataclass(frozen=True)
class SampleSettings:
    """How samples are drawn.

    Args:
        patch: (D, H, W).
        foreground: part of the crops that are put around a labelled voxel.
        augmentation: None for none, as in validation.
        shaded: numbers of the families that can have a coil shading (MRI).
        labelled: False for cases without labels, which are all background.
    """

    patch: Size
    foreground: float = FOREGROUND
    augmentation: Augmentation | None = Augmentation()
    shaded: tuple[int, ...] = (1,)
    labelled: bool = True


class RealSamples(Dataset[Sample]):
    """Sample number n of prepared cases; it depends on n and the seed alone, so any number of workers gives the same.

    Args:
        cases: with labels.
        settings: how.
        seed: of every choice.
        size_of: the size (D, H, W) of sample number n, where not all have that of the settings.

    Raises:
        InputError: no case, or one without label.

    Example:
        >>> samples = RealSamples(prepared.cases, SampleSettings((96, 96, 96)), seed=0)      # doctest: +SKIP
        >>> samples[12].images.shape                                                         # doctest: +SKIP
        torch.Size([1, 2, 96, 96, 96])
    """

    def __init__(
        self,
        cases: Sequence[PreparedCase],
        settings: SampleSettings,
        seed: int,
        size_of: Callable[[int], Size] | None = None,
    ) -> None:
        self.sampler = PatchSampler(cases, seed, settings.foreground, settings.labelled)
        self.settings, self.seed, self.size_of = settings, seed, size_of
        change = settings.augmentation
        self.changes = (
            {shading: IntensityChange(change, shading=shading) for shading in (False, True)} if change else {}
        )

    def __getitem__(self, index: int) -> Sample:
        """Sample number ``index`` (0 or more; there is no end)."""
        size = self.size_of(index) if self.size_of else self.settings.patch
        change = self.settings.augmentation
        rng = np.random.default_rng((self.seed, 2, index))
        if change is None:
            patch = self.sampler.sample(index, size)
            images, truth, family = torch.from_numpy(patch.images), torch.from_numpy(patch.truth), [*patch.family]
        else:
            images, truth, family = self._changed(index, size, change, rng)
        return Sample(
            images[None],
            torch.tensor([family]),
            truth[0].long()[None],
            truth[1].to(torch.int8)[None, None],
            truth[2].float()[None, None],
        )

    def _changed(
        self, index: int, size: Size, change: Augmentation, rng: np.random.Generator
    ) -> tuple[torch.Tensor, torch.Tensor, list[int]]:
        spacing = self.sampler.cases[0].spacing
        deformation = draw_deformation(rng, size, spacing, change)
        d, h, w = (round(MARGIN * n) for n in size) if deformation else (0, 0, 0)
        patch = self.sampler.sample(index, size, (d, h, w))
        kept = kept_modalities(rng, len(patch.family), change.dropout)
        images, truth = torch.from_numpy(patch.images[kept]), torch.from_numpy(patch.truth)
        if deformation:
            images, truth = deform(images, truth, torch.tensor(patch.low)[kept], size, patch.spacing, deformation)
        if rng.random() < change.mirror_chance:
            images, truth = mirror(images, truth)
        family = [patch.family[number] for number in kept]
        seeds = rng.integers(0, 2**32, len(kept)).tolist()
        changed = [
            self.changes[number in self.settings.shaded](image, seed)
            for image, number, seed in zip(images, family, seeds, strict=True)
        ]
        return torch.stack(changed), truth, family
