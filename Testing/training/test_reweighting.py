"""Gradient reweighting: the weaker modality is heard, and nothing changes when it is off."""

import pytest
import torch
from torch import nn

from MultimodalSegLib.errors import InputError
from MultimodalSegLib.training.batch import collate
from MultimodalSegLib.training.objective import Objective
from MultimodalSegLib.training.reweighting import DECAY, MOST, GradientReweighting
from MultimodalSegLib.training.samples import Sample
from MultimodalSegLib.training.task import Task
from Testing.training.small import RandomSamples, a_network, a_plan, a_trainer, same, weights

PAIR = torch.tensor([[0, 1]]), torch.tensor([[True, True]])


def a_pair() -> Sample:
    """A sample with both modalities."""
    samples = RandomSamples(a_plan(steps=50))
    return next(samples[n] for n in range(50) if samples[n].images.shape[1] == 2)


def with_share(*share: float) -> GradientReweighting:
    reweighting = GradientReweighting(a_network(), len(share))
    reweighting.share = torch.tensor(share, dtype=torch.float64)
    return reweighting


def test_the_weaker_modality_counts_more_and_the_mean_stays():
    family, present = torch.tensor([[0, 1], [1, 1], [0, 0]]), torch.tensor([[True, True], [True, True], [True, False]])
    factors = with_share(0.8, 0.2).factors(family, present)
    assert factors[0, 1] / factors[0, 0] == pytest.approx(4.0)
    assert factors[0].mean() == pytest.approx(1.0)
    assert torch.allclose(factors[1], torch.ones(2, dtype=torch.float64))
    assert factors[2].tolist() == [1.0, 0.0]
    assert with_share(0.999, 0.001).factors(*PAIR).max() <= 2.0
    extreme = with_share(0.98, 0.01, 0.01).factors(torch.tensor([[0, 1, 2]]), torch.ones(1, 3, dtype=torch.bool))
    assert extreme.max() / extreme.min() <= MOST**2


def test_importance_is_the_mean_of_gradient_times_feature():
    torch.manual_seed(0)
    network = nn.Module()
    network.fuse = nn.ModuleList([nn.Identity()])
    network.fuse[0].forward = lambda f, present, family: f
    reweighting = GradientReweighting(network, 2)
    features = torch.rand(1, 2, 3, 4, 4, 4, requires_grad=True)
    weight = torch.tensor([3.0, 1.0]).view(1, 2, 1, 1, 1, 1) * torch.rand(1, 2, 3, 4, 4, 4)
    (network.fuse[0](features * 1.0, PAIR[1], PAIR[0]) * weight).sum().backward()
    importance = (features.detach() * weight).abs().flatten(2).mean(2)[0]
    share = importance / importance.sum()
    assert torch.allclose(features.grad, weight, atol=1e-6)  # the first step sees equal shares
    reweighting.update()
    assert reweighting.share.tolist() == pytest.approx((DECAY * 0.5 + (1 - DECAY) * share).tolist(), rel=1e-5)
    features.grad = None
    (network.fuse[0](features * 1.0, PAIR[1], PAIR[0]) * weight).sum().backward()
    factors = reweighting.factors(*PAIR)[0]
    assert factors[1] > 1 > factors[0]
    assert torch.allclose(features.grad, weight * factors.float().view(1, 2, 1, 1, 1, 1), atol=1e-5)


def test_samples_of_one_modality_tell_nothing_about_importance():
    network = a_network()
    reweighting = GradientReweighting(network, 2)
    sample = next(s for s in (RandomSamples(a_plan(steps=9))[n] for n in range(9)) if s.images.shape[1] == 1)
    task = Task(network, Objective())
    task(collate([sample]), 0.0, 0, (2.0, 2.0, 2.0))[0].backward()
    reweighting.update()
    assert reweighting.share.tolist() == [0.5, 0.5]


def update_of_the_encoder(share: tuple[float, float] | None) -> torch.Tensor:
    """What one step of AdamW does to the shared encoder."""
    network = a_network()
    if share:
        reweighting = GradientReweighting(network, 2)
        reweighting.share = torch.tensor(share, dtype=torch.float64)
    before = torch.cat([p.detach().flatten().clone() for p in network.encode.parameters()])
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3)
    loss, _ = Task(network, Objective())(collate([a_pair()]), 0.0, 0, (2.0, 2.0, 2.0))
    loss.backward()
    optimizer.step()
    return torch.cat([p.detach().flatten() for p in network.encode.parameters()]) - before


def test_it_turns_the_direction_of_an_adamw_step():
    plain, even, uneven = (
        update_of_the_encoder(None),
        update_of_the_encoder((0.5, 0.5)),
        update_of_the_encoder((0.9, 0.1)),
    )
    cosine = torch.nn.functional.cosine_similarity
    assert cosine(plain, even, dim=0) > 0.9999
    assert cosine(plain, uneven, dim=0) < 0.97
    assert ((plain > 0) != (uneven > 0)).float().mean() > 0.01


def test_one_switch_turns_it_off(tmp_path, one_thread):
    found = {}
    for switch in (False, True):
        trainer = a_trainer(tmp_path / str(switch), a_plan(steps=6, batch=4, reweighting=switch))
        assert (trainer.reweighting is not None) is switch
        trainer.run()
        found[switch] = weights(trainer)
    task = Task(a_network(), Objective())
    assert not any(module._forward_pre_hooks for module in task.modules())
    assert not same(found[False], found[True])


def test_a_network_without_fusion_is_refused(tmp_path):
    with pytest.raises(InputError, match="Linear has no fusion.*"):
        a_trainer(tmp_path, a_plan(reweighting=True), network=nn.Linear(2, 2))
