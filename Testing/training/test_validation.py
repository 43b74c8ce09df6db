"""Validation: Dice as it is defined, whole cases in windows."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from MultimodalSegLib.evaluation.dice import dice
from MultimodalSegLib.networks.outputs import FusionOutput
from MultimodalSegLib.training.devices import make_fabric
from MultimodalSegLib.training.samples import Sample
from MultimodalSegLib.training.validation import Validation, mean_score
from Testing.training.small import RandomSamples, a_plan

NAMES = ["background", "ball", "shell", "never"]


class Threshold(nn.Module):
    """Classes by intensity, voxel by voxel, so that windows change nothing."""

    def forward(self, images, present, family, spacing):
        mean = (images * present[:, :, None, None, None]).sum(1, keepdim=True)
        logits = torch.cat([0.1 - mean.abs(), mean - 0.4, -0.4 - mean, mean - 50], dim=1)
        return FusionOutput(logits, mean[:, :0], mean - 0.8, mean[:, 0, 0, 0, 0], mean)


def samples(shape: tuple[int, int, int] = (8, 8, 8), count: int = 3) -> list[Sample]:
    plan = a_plan()
    drawn = RandomSamples(plan)
    drawn.plan = SimpleNamespace(crop=lambda step: (None, shape), batch=1, seed=0)
    return [drawn[n] for n in range(count)]


def test_scores_are_the_dice_of_each_class_over_the_samples_that_hold_it():
    fabric, held_out = make_fabric(a_plan()), samples()
    held_out[2].channel[held_out[2].channel == 2] = 0
    scores = Validation(held_out, NAMES, (8, 8, 8), (2.0, 2.0, 2.0))(Threshold(), fabric)
    found = {name: [] for name in ("ball", "shell", "lesion")}
    for sample in held_out:
        present = torch.ones(1, sample.images.shape[1], dtype=torch.bool)
        output = Threshold()(sample.images, present, sample.family, None)
        by_class = dice(output.structures.argmax(1).numpy(), sample.channel.numpy(), [1, 2])
        truth = sample.channel.numpy()
        found["ball"] += [by_class[1]] if (truth == 1).any() else []
        found["shell"] += [by_class[2]] if (truth == 2).any() else []
        found["lesion"].append(dice((output.lesion > 0).numpy().astype(int), sample.lesion.numpy().astype(int), [1])[1])
    assert len(found["shell"]) == 2
    for name, values in found.items():
        assert scores[name] == pytest.approx(np.mean(values)), name
    assert math.isnan(scores["never"])
    assert mean_score(scores) == pytest.approx(np.mean([np.mean(values) for values in found.values()]))
    assert math.isnan(mean_score({"never": math.nan}))


def test_a_case_larger_than_the_window_is_answered_in_windows():
    fabric, held_out = make_fabric(a_plan()), samples((20, 9, 12), 2)
    sizes = []

    class Watched(Threshold):
        def forward(self, images, present, family, spacing):
            sizes.append(tuple(images.shape[2:]))
            return super().forward(images, present, family, spacing)

    whole = Validation(held_out, NAMES, (20, 9, 12), (2.0, 2.0, 2.0))(Watched(), fabric)
    assert set(sizes) == {(20, 9, 12)}
    sizes.clear()
    assert Validation(held_out, NAMES, (8, 8, 8), (2.0, 2.0, 2.0))(Watched(), fabric) == pytest.approx(
        whole, nan_ok=True
    )
    assert set(sizes) == {(8, 8, 8)} and len(sizes) > 10


def test_samples_are_made_once():
    class Counted(list):
        asked = 0

        def __getitem__(self, n):
            self.asked += 1
            return super().__getitem__(n)

    held_out, told = Counted(samples()), []
    validation = Validation(held_out, NAMES, (8, 8, 8), (2.0, 2.0, 2.0))
    for _ in range(2):
        validation(Threshold(), make_fabric(a_plan()), lambda: told.append(1))
    assert held_out.asked == 3 and len(told) == 6
