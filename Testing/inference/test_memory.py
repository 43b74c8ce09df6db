"""Memory is estimated before it is taken."""

import numpy as np
import pytest
import torch

from MultimodalSegLib.inference.memory import bytes_per_voxel, free_bytes, is_out_of_memory

NETWORK = {"classes": 27, "widths": [24, 48, 96, 160, 224]}


def test_a_limit_is_taken_at_its_word_and_without_one_there_is_some():
    cpu = torch.device("cpu")
    assert free_bytes(cpu, 100) == 100 * 2**20
    assert 2**20 < free_bytes(cpu, None) < 2**50


def test_more_modalities_and_more_bits_take_more():
    half = bytes_per_voxel(NETWORK, 1, torch.bfloat16)
    assert half < bytes_per_voxel(NETWORK, 2, torch.bfloat16) < bytes_per_voxel(NETWORK, 2, torch.float32)
    assert half > 2 * 29  # the logits alone


def test_a_gate_takes_more():
    assert bytes_per_voxel(NETWORK | {"size_gate": True}, 1, torch.float32) > bytes_per_voxel(NETWORK, 1, torch.float32)


def test_the_precision_may_be_said_without_torch():
    by_torch, by_numpy = torch.float32, np.dtype(np.float32)
    assert bytes_per_voxel(NETWORK, 2, by_torch) == bytes_per_voxel(NETWORK, 2, by_numpy)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (MemoryError(), True),
        (torch.OutOfMemoryError("CUDA out of memory."), True),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 64 bytes"), True),
        (RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 64 bytes"), True),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
        (ValueError("out of memory"), False),
    ],
)
def test_what_counts_as_out_of_memory(error, expected):
    assert is_out_of_memory(error) is expected


def test_torch_says_so_when_it_cannot_allocate():
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**46)
    assert is_out_of_memory(caught.value)
