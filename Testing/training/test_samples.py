"""Made-up samples: each can be made again from its number."""

import numpy as np
import torch

from MultimodalSegLib.training.plan import Stage
from MultimodalSegLib.training.samples import HeldOutSamples, LabelMapSamples, make_sample
from Testing.synthesis.heads import a_head
from Testing.training.small import a_plan

STAGES = (Stage(0.5, 9.0, ((16, 16, 16),), (1.0,)), Stage(1.0, 6.0, ((24, 16, 24),), (1.0,)))


def test_a_sample_depends_on_its_number_alone_and_fits_its_stage(label_maps):
    plan = a_plan(labels=str(label_maps), stages=STAGES, steps=10, batch=2)
    first, again = (LabelMapSamples([label_maps / "one.nii.gz"], plan) for _ in range(2))
    first[3]
    late, same_late = first[19], again[19]
    assert all(torch.equal(a, b) for a, b in zip(vars(late).values(), vars(same_late).values(), strict=True))
    assert late.images.shape[2:] == (24, 16, 24) == late.channel.shape[1:]
    assert again[9].images.shape[2:] == (16, 16, 16) and again[10].images.shape[2:] == (24, 16, 24)
    assert torch.isfinite(late.images).all() and late.images.abs().max() < 2.5


def test_samples_show_every_set_of_modalities():
    head = a_head()
    drawn = (make_sample(head, np.random.default_rng(n), (8, 8, 8), 18.0) for n in (0, 1, 3, 5, 44))
    families = {tuple(sample.family.ravel().tolist()) for sample in drawn}
    assert families == {(0, 1), (1, 0), (0,), (1,), (1, 1)}


def test_held_out_samples_have_the_last_stage(label_maps):
    plan = a_plan(stages=STAGES, validation_samples=2)
    samples = HeldOutSamples([label_maps / "held_out.nii.gz"], plan)
    assert [sample.images.shape[2:] for sample in samples] == [(24, 16, 24)] * 2
    assert not torch.equal(samples[0].channel, samples[1].channel)
