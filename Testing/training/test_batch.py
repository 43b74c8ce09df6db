"""Batches: which samples a step has, and samples with different modalities side by side."""

import torch

from MultimodalSegLib.training.batch import StepSampler, collate
from Testing.training.small import RandomSamples, a_plan


def test_a_missing_modality_is_absent_and_a_sample_can_be_taken_out_again():
    samples = [RandomSamples(a_plan(steps=20))[n] for n in range(12)]
    batch = collate(samples)
    assert batch.images.shape == (12, 2, 8, 8, 8) and len(batch) == 12
    counts = [sample.images.shape[1] for sample in samples]
    assert batch.present.sum(1).tolist() == counts and set(counts) == {1, 2}
    for n, sample in enumerate(samples):
        again = batch.sample(n)
        assert all(torch.equal(a, b) for a, b in zip(vars(again).values(), vars(sample).values(), strict=True))


def numbers(first: int = 0, **changes: int) -> list[list[int]]:
    """The samples of each step, over all processes and parts."""
    plan = a_plan(steps=4, batch=8, **changes)
    runs = [list(StepSampler(plan, first, rank)) for rank in range(plan.devices)]
    assert all(len(run) == len(StepSampler(plan, first)) for run in runs)
    assert {len(part) for run in runs for part in run} == {plan.part}
    steps = range(0, (plan.steps - first) * plan.accumulate, plan.accumulate)
    return [sorted(n for run in runs for part in run[s : s + plan.accumulate] for n in part) for s in steps]


def test_a_step_has_the_same_samples_however_they_are_divided():
    whole = [list(range(8 * step, 8 * step + 8)) for step in range(4)]
    assert numbers() == numbers(devices=2) == numbers(accumulate=4) == numbers(devices=2, accumulate=2) == whole


def test_a_run_goes_on_with_the_next_step():
    assert numbers(first=3, devices=4) == [list(range(24, 32))]
