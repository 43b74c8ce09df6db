"""Entropy and disagreement of answers that are known, streamed as if all had been kept."""

import math

import pytest
import torch

from MultimodalSegLib.inference.scaling import Scaling
from MultimodalSegLib.inference.uncertainty.accumulate import Accumulator, labels_of
from MultimodalSegLib.inference.upsample import Labelling

SHAPE = (10, 4, 4)
WHOLE = tuple(slice(0, n) for n in SHAPE)
TWO = Labelling(((0, 0), (1, 2)), side=True)


def sure_of(channel: int) -> torch.Tensor:
    logits = torch.zeros(3, *SHAPE)
    logits[channel] = 40.0
    return logits


def test_answers_that_agree_leave_no_doubt() -> None:
    found = Accumulator(SHAPE, TWO)
    for _ in range(3):
        found.add(sure_of(1), WHOLE)
    assert float(found.entropy().max()) < 1e-3 and float(found.disagreement().max()) < 1e-3


def test_sure_answers_that_contradict_each_other_are_all_disagreement() -> None:
    found = Accumulator(SHAPE, TWO)
    for channel in (0, 1, 0, 1):
        found.add(sure_of(channel), WHOLE)
    assert found.entropy().numpy() == pytest.approx(math.log(2), abs=1e-3)
    assert found.disagreement().numpy() == pytest.approx(math.log(2), abs=1e-3)


def test_answers_that_are_all_undecided_do_not_disagree() -> None:
    found = Accumulator(SHAPE, TWO)
    for _ in range(4):
        found.add(torch.zeros(3, *SHAPE), WHOLE)
    assert found.entropy().numpy() == pytest.approx(math.log(2), abs=1e-3)
    assert float(found.disagreement().max()) < 1e-3


def test_streaming_in_half_precision_equals_all_at_once() -> None:
    torch.manual_seed(0)
    logits = 3 * torch.randn(8, 6, *SHAPE)
    scaling = Scaling(temperature=2.0, slope=2.0, offset=-0.5)
    rule = Labelling(((0, 0), (1, 2), (3, 3), (4, 4)), lesion_value=9, side=True, scaling=scaling)
    found = Accumulator(SHAPE, rule)
    for one in logits:
        found.add(one, WHOLE)
    p, q = torch.softmax(logits[:, :4] / 2, 1), torch.sigmoid(2 * logits[:, 5] - 0.5)

    def entropy(p: torch.Tensor, q: torch.Tensor, dim: int) -> torch.Tensor:
        return -torch.xlogy(p, p).sum(dim) - torch.xlogy(q, q) - torch.xlogy(1 - q, 1 - q)

    total = entropy(p.mean(0), q.mean(0), 0)
    assert torch.allclose(found.entropy(), total, atol=3e-3)
    assert torch.allclose(found.disagreement(), total - entropy(p, q, 1).mean(0), atol=3e-3)
    assert found.mean.dtype is torch.float16


def test_a_part_counts_only_where_it_answers() -> None:
    found = Accumulator(SHAPE, TWO)
    found.add(sure_of(0), WHOLE)
    found.add(sure_of(1)[:, 3:], (slice(3, 10), *WHOLE[1:]))
    assert float(found.entropy()[:3].max()) < 1e-3
    assert float(found.entropy()[3:].min()) > 0.69


def test_labels_say_sides_and_lesions_only_in_their_hosts() -> None:
    logits = torch.zeros(5, 9, 2, 2)
    logits[1, :, 0], logits[2, :, 1] = 9.0, 9.0
    logits[3, ..., 0], logits[3, ..., 1] = 4.0, -4.0
    logits[4, 8] = 9.0
    rule = Labelling(((0, 0), (1, 2), (3, 3)), lesion_value=7, lesion_hosts=frozenset({1}))
    labels = labels_of(logits, rule)
    assert labels[0].tolist() == [[1, 2], [3, 3]] and labels[8].tolist() == [[7, 7], [3, 3]]
    found = Accumulator((9, 2, 2), rule)
    found.add(logits, (slice(0, 9), slice(0, 2), slice(0, 2)))
    assert found.voxels == [{1: 8, 2: 8, 3: 18, 7: 2}]
