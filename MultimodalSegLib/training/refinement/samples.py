"""Made-up volumes with what the trunk sees in them, and objects to click at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from ...networks.click_net import ClickNet
from ...synthesis.anatomy import Anatomy, load_anatomy
from ..samples import make_sample
from .plan import ClickPlan
from .targets import draw_target

LESION_CHANCE = 0.85


@dataclass(frozen=True)
class ClickVolume:
    """One volume.

    Args:
        images: (M, D, H, W) float32 normalized.
        features: (C, D/2, H/2, W/2) float32 of the trunk.
        targets: (n, D, H, W) bool, the objects.
    """

    images: Tensor
    features: Tensor
    targets: Tensor


def click_volume(
    network: ClickNet, anatomy: Anatomy, rng: np.random.Generator, plan: ClickPlan, lesion_share: float, count: int
) -> ClickVolume:
    """Draw a patient, let the trunk look, and choose objects; fewer if the volume shows few."""
    sample = make_sample(anatomy, rng, (plan.size,) * 3, network.config.trunk.spacing[0], LESION_CHANCE)
    with torch.inference_mode():
        features = network.features(sample.images, torch.ones(sample.family.shape, dtype=torch.bool), sample.family)[0]
    drawn = [draw_target(sample, rng, lesion_share) for _ in range(count)]
    found = [torch.from_numpy(target) for target in drawn if target is not None]
    empty = torch.zeros(0, *sample.images.shape[2:], dtype=torch.bool)
    return ClickVolume(sample.images[0], features.clone(), torch.stack(found) if found else empty)


class ClickVolumes(Dataset[ClickVolume]):
    """The volumes of a run by number; number n is the same after every interruption.

    Args:
        paths: label maps.
        network: whose trunk looks at the volumes; never changed here.
        plan: seed, steps, sizes.
    """

    def __init__(self, paths: Sequence[Path], network: ClickNet, plan: ClickPlan) -> None:
        self.paths, self.network, self.plan = list(paths), network, plan
        self._anatomies: dict[Path, Anatomy] = {}

    def __len__(self) -> int:
        return self.plan.steps

    def __getitem__(self, n: int) -> ClickVolume:
        rng = np.random.default_rng((self.plan.seed, 0, n))
        path = self.paths[rng.integers(len(self.paths))]
        if path not in self._anatomies:
            self._anatomies[path] = load_anatomy(path)
        plan = self.plan
        return click_volume(self.network, self._anatomies[path], rng, plan, plan.lesion_share, plan.targets)


def held_out_lesions(paths: Sequence[Path], network: ClickNet, plan: ClickPlan) -> list[ClickVolume]:
    """Volumes of label maps that are not trained on, each with one lesion; the same through a run."""
    found: list[ClickVolume] = []
    anatomies = [load_anatomy(path) for path in paths] if plan.validation_samples else []
    for n in range(4 * plan.validation_samples):
        if len(found) == plan.validation_samples or not anatomies:
            break
        rng = np.random.default_rng((plan.seed, 2, n))
        volume = click_volume(network, anatomies[n % len(anatomies)], rng, plan, 1.0, 1)
        if len(volume.targets):
            found.append(volume)
    return found
