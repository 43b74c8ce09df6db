"""Balanced assignments: what the sums are, and the same numbers as a loop written out."""

import numpy as np
import pytest
import torch

from MultimodalSegLib.training.pretraining.sinkhorn import sinkhorn


def written_out(logits: np.ndarray, temperature: float, iterations: int) -> np.ndarray:
    """Sinkhorn's iteration on the matrix itself, in float64, one number after the other."""
    n, k = logits.shape
    q = [[float(np.exp(np.float64(logits[i, j]) / temperature)) for j in range(k)] for i in range(n)]
    for _ in range(iterations):
        for j in range(k):
            total = sum(q[i][j] for i in range(n))
            for i in range(n):
                q[i][j] /= total
        for i in range(n):
            total = sum(q[i])
            for j in range(k):
                q[i][j] /= total
    return np.array(q)


def test_it_equals_the_iteration_written_out():
    logits = np.random.default_rng(0).uniform(-1, 1, (7, 5)).astype(np.float32)
    found = sinkhorn(torch.from_numpy(logits), 0.1, 3)
    assert np.allclose(found.numpy(), written_out(logits, 0.1, 3), rtol=1e-4, atol=1e-7)


def test_every_sample_has_one_and_every_prototype_gets_its_share():
    logits = torch.rand(40, 8, generator=torch.Generator().manual_seed(0))
    found = sinkhorn(logits, 0.1, 50)
    assert torch.allclose(found.sum(1), torch.ones(40), atol=1e-5)
    assert torch.allclose(found.sum(0), torch.full((8,), 40 / 8), rtol=1e-3)


def test_a_prototype_that_all_prefer_does_not_get_all():
    logits = torch.randn(64, 16, generator=torch.Generator().manual_seed(1)) * 0.1
    logits[:, 3] += 1.0
    plain, balanced = (logits / 0.07).softmax(1), sinkhorn(logits, 0.07)
    assert plain.argmax(1).bincount(minlength=16)[3] == 64
    assert balanced.sum(0)[3] < 2 * 64 / 16


def test_sharp_logits_do_not_overflow():
    assert bool(torch.isfinite(sinkhorn(torch.tensor([[1e4, 0.0], [0.0, 1e4]]), 0.01)).all())


@pytest.mark.parametrize(("shape", "temperature"), [((0, 4), 0.1), ((4,), 0.1), ((4, 4), 0.0)])
def test_what_makes_no_sense_is_refused(shape, temperature):
    with pytest.raises(ValueError, match="samples, prototypes|not positive"):
        sinkhorn(torch.zeros(shape), temperature)
