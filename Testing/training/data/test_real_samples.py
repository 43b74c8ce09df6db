"""Samples of real images are what the loop takes, the same ones however they are made."""

import time

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from MultimodalSegLib.training.augment.settings import Augmentation
from MultimodalSegLib.training.data.cache import Prepared
from MultimodalSegLib.training.data.real_samples import RealSamples, SampleSettings

PATCH = (8, 12, 8)


def equal(first, second) -> bool:
    return all(torch.equal(a, b) for a, b in zip(vars(first).values(), vars(second).values(), strict=True))


def test_a_sample_has_the_shapes_and_types_of_the_loop(prepared: Prepared) -> None:
    samples = RealSamples(prepared.cases, SampleSettings(PATCH), seed=1)
    for index in range(12):
        sample = samples[index]
        count = sample.family.shape[1]
        assert sample.images.shape == (1, count, *PATCH) and sample.images.dtype == torch.float32
        assert sample.family.dtype == torch.int64 and set(sample.family.ravel().tolist()) <= {0, 1}
        assert sample.channel.shape == (1, *PATCH) and sample.channel.dtype == torch.int64
        assert sample.side.shape == sample.lesion.shape == (1, 1, *PATCH)
        assert (sample.side.dtype, sample.lesion.dtype) == (torch.int8, torch.float32)
        assert torch.isfinite(sample.images).all() and int(sample.channel.max()) <= 1
        assert torch.equal(sample.side[0] != 0, sample.channel == 1)  # the one structure is a pair


def test_workers_and_interruptions_change_nothing(prepared: Prepared) -> None:
    samples = RealSamples(prepared.cases, SampleSettings(PATCH), seed=1)
    alone = [samples[n] for n in range(10)]
    loader = DataLoader(samples, batch_size=None, sampler=range(4, 10), num_workers=2, multiprocessing_context="fork")
    assert all(equal(a, b) for a, b in zip(alone[4:], loader, strict=True))
    assert not equal(alone[0], RealSamples(prepared.cases, SampleSettings(PATCH), seed=2)[0])


def test_without_augmentation_a_sample_is_the_crop(prepared: Prepared) -> None:
    case = prepared.cases[0]
    sample = RealSamples([case], SampleSettings(case.shape, augmentation=None), seed=0)[5]
    np.testing.assert_array_equal(sample.images[0].numpy(), case.images.astype(np.float32))
    np.testing.assert_array_equal(sample.channel[0].numpy(), case.truth[0])
    np.testing.assert_array_equal(sample.lesion[0, 0].numpy(), case.truth[2])


def test_modalities_are_left_out_but_never_all(prepared: Prepared) -> None:
    often = SampleSettings(PATCH, augmentation=Augmentation(dropout=0.8))
    samples = RealSamples(prepared.cases[:1], often, seed=0)
    found = {tuple(samples[n].family.ravel().tolist()) for n in range(40)}
    assert found == {(0, 1), (0,), (1,)}


def test_the_size_may_depend_on_the_number(prepared: Prepared) -> None:
    samples = RealSamples(prepared.cases, SampleSettings(PATCH), 0, size_of=lambda n: (8, 8, 8) if n % 2 else PATCH)
    assert [tuple(samples[n].channel.shape[1:]) for n in range(2)] == [PATCH, (8, 8, 8)]


@pytest.mark.parametrize("size", [(40, 56, 40), (96, 96, 96)])
def test_a_sample_does_not_take_long(prepared: Prepared, size: tuple[int, int, int]) -> None:
    samples = RealSamples(prepared.cases, SampleSettings(size), seed=0)
    samples[0]
    began = time.process_time()
    for index in range(1, 11):
        samples[index]
    seconds = (time.process_time() - began) / 10
    print(f"{size}: {1000 * seconds:.0f} ms of processor time a sample, {60 / seconds:.0f} a minute")
    assert seconds < 1.5  # far above what was measured: only a blunder is caught
