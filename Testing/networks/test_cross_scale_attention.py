"""Modalities look at each other: softmax(Q K^T / sqrt(d) + M) V, checked against a plain loop."""

import math
from itertools import product

import pytest
import torch

from MultimodalSegLib.networks.cross_scale_attention import CrossScaleAttention, masked_attention

from .conftest import shaken

WIDTHS, STRIDES, SIZES = (6, 10), (4, 8), ((2, 4, 2), (1, 2, 1))
SPACING = torch.tensor([2.0, 1.0, 1.5], dtype=torch.float64)


@pytest.fixture
def attention():
    module = CrossScaleAttention(WIDTHS, STRIDES, width=8, heads=2, radius_mm=11.0)
    return shaken(module, 0.3).double()


@pytest.fixture
def features():
    torch.manual_seed(1)
    return [torch.randn(1, 3, w, *size, dtype=torch.float64) for w, size in zip(WIDTHS, SIZES, strict=True)]


def looped(module, features, present):
    """The answer token by token, as the formula says it; and how many keys the rows had."""
    tokens = []  # scale, modality, voxel, place in millimetres, embedded, with its code
    for scale, (f, stride, size) in enumerate(zip(features, STRIDES, SIZES, strict=True)):
        for m, voxel in product(range(3), product(*map(range, size))):
            place = [(v + 0.5 - n / 2) * stride * float(s) for v, n, s in zip(voxel, size, SPACING, strict=True)]
            embedded = module.embed[scale](f[(0, m, slice(None), *voxel)])
            code = module.position([torch.tensor([p], dtype=torch.float64) for p in place])[0]
            tokens.append((scale, m, voxel, place, embedded, embedded + code))
    result, counts = [f.clone() for f in features], []
    for scale, m, voxel, place, _, located in tokens:
        keys = [t for t in tokens if t[1] != m and present[0, t[1]] and math.dist(t[3], place) <= module.radius_mm]
        counts.append(len(keys))
        heads = []
        for head in range(2):
            part = slice(4 * head, 4 * head + 4)
            query = module.query(located)[part]
            scores = [float(query @ module.key(t[5])[part]) / math.sqrt(4) for t in keys]
            total = sum(math.exp(s) for s in scores)
            answer = torch.zeros(4, dtype=torch.float64)
            for s, t in zip(scores, keys, strict=True):
                answer = answer + math.exp(s) / total * module.value(t[4])[part]
            heads.append(answer)
        result[scale][(0, m, slice(None), *voxel)] += module.back[scale](torch.cat(heads))
    return result, counts


@pytest.mark.parametrize("present", [[[True, True, True]], [[True, False, True]]])
def test_it_is_the_formula(attention, features, present):
    present = torch.tensor(present)
    with torch.inference_mode():
        found = attention(features, present, SPACING)
        wanted, counts = looped(attention, features, present)
    for f, w in zip(found, wanted, strict=True):
        torch.testing.assert_close(f, w, atol=1e-10, rtol=1e-10)
    assert 0 < min(counts) < max(counts) < 36  # the radius excludes some keys of every row, and not all


def test_a_row_without_keys_gives_zeros_and_finite_gradients():
    query, key, value = (torch.randn(1, 2, 3, 4, requires_grad=True) for _ in range(3))
    allowed = torch.tensor([[[True, False, True], [False, False, False], [True, True, True]]])
    answer = masked_attention(query, key, value, allowed)
    assert (answer[:, :, 1] == 0).all() and (answer[:, :, 0] != 0).any()
    for found in torch.autograd.grad(answer.square().sum(), [query, key, value]):
        assert torch.isfinite(found).all()


def test_an_excluded_key_has_no_influence_even_if_its_score_is_high():
    query, key, value = (torch.randn(1, 1, 3, 4) for _ in range(3))
    allowed = torch.tensor([[[True, True, False]] * 3])
    before = masked_attention(query, key, value, allowed)
    key[..., 2, :] = 50 * query[..., 0, :]
    value[..., 2, :] = 1e6
    assert torch.equal(masked_attention(query, key, value, allowed), before)


def test_beyond_the_radius_nothing_is_seen(attention, features):
    """Along the second axis tokens lie 4 mm apart: 12 mm from the first to the last, which is beyond 11."""
    attention.position.lattice.data.zero_()
    present = torch.tensor([[True, True, True]])
    moved = [features[0].clone(), features[1]]
    moved[0][:, 1, :, :, 3] += 5
    with torch.inference_mode():
        change = attention(moved, present, SPACING)[0] - attention(features, present, SPACING)[0]
    seen = change[0, 0].abs().amax((0, 1, 3))
    assert (seen[:1] == 0).all() and (seen[1:] > 0).all()


def test_the_only_present_modality_hears_nothing(attention, features):
    with torch.inference_mode():
        found = attention(features, torch.tensor([[False, True, False]]), SPACING)
        alone = attention([f[:, 1:2] for f in features], torch.tensor([[True]]), SPACING)
    for f, a, given in zip(found, alone, features, strict=True):
        assert torch.equal(f[:, 1], given[:, 1]) and torch.equal(a, given[:, 1:2])


def test_it_starts_as_the_identity(features):
    fresh = CrossScaleAttention(WIDTHS, STRIDES, width=8, heads=2, radius_mm=11.0).double()
    for found, given in zip(fresh(features, torch.ones(1, 3, dtype=torch.bool), SPACING), features, strict=True):
        assert torch.equal(found, given)


@pytest.mark.parametrize("precision", [torch.bfloat16, torch.float16])
def test_sixteen_bits_stay_finite_and_near(attention, features, precision):
    attention, features = attention.float(), [f.float() for f in features]
    present = torch.tensor([[True, False, True]])
    exact = attention(features, present, SPACING.float())
    with torch.autocast("cpu", precision):
        rough = attention(features, present, SPACING.float())
    for r, e in zip(rough, exact, strict=True):
        torch.testing.assert_close(r.float(), e, atol=0.05, rtol=0.05)
