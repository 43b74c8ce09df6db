"""What a federation minimizes, and that averaging local steps is a step on it."""

import pytest
import torch

from MultimodalSegLib.federation.objective import federated_objective, norm, proximal_term, shares


def a_loss(theta: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    return ((x * theta).sum(1) - 1).square().mean()


def test_the_objective_is_the_mean_by_cases_with_the_norm() -> None:
    theta = torch.tensor([3.0, 4.0])
    found = federated_objective([torch.tensor(2.0), torch.tensor(6.0)], [3, 1], [theta], norm_weight=0.1)
    assert float(found) == pytest.approx(0.75 * 2 + 0.25 * 6 + 0.1 * 5)


def test_the_mean_of_one_local_step_each_is_a_step_on_the_objective() -> None:
    torch.manual_seed(0)
    images = [torch.randn(n, 2) for n in (6, 2)]
    cases, begin, rate = [6, 2], torch.randn(2), 0.1
    ended = []
    for x in images:
        theta = begin.clone().requires_grad_()
        (gradient,) = torch.autograd.grad(a_loss(theta, x) + 0.3 * norm([theta]), theta)
        ended.append(begin - rate * gradient)
    theta = begin.clone().requires_grad_()
    whole = federated_objective([a_loss(theta, x) for x in images], cases, [theta], 0.3)
    (gradient,) = torch.autograd.grad(whole, theta)
    mean = sum(share * end for share, end in zip(shares(cases), ended, strict=True))
    assert torch.allclose(mean, begin - rate * gradient, atol=1e-6)


def test_the_proximal_term_pulls_back_to_what_was_sent() -> None:
    begin, now = {"w": torch.tensor([1.0, 1.0])}, torch.tensor([2.0, 3.0], requires_grad=True)
    term = proximal_term({"w": now, "new": torch.ones(3)}, begin, 0.5)
    term.backward()
    assert float(term.detach()) == pytest.approx(0.25 * (1 + 4))
    assert now.grad is not None and torch.allclose(now.grad, 0.5 * (now.detach() - begin["w"]))


def test_the_norm_of_nothing_has_a_gradient_of_zero() -> None:
    theta = torch.zeros(3, requires_grad=True)
    norm([theta]).backward()
    assert theta.grad is not None and theta.grad.tolist() == [0, 0, 0]


@pytest.mark.parametrize("cases", [[], [0, 0], [3, -1]])
def test_sites_without_cases_have_no_shares(cases: list[int]) -> None:
    with pytest.raises(ValueError, match="at least one must have some"):
        shares(cases)


def test_every_site_has_a_loss() -> None:
    with pytest.raises(ValueError, match="1 losses of 2 sites"):
        federated_objective([torch.ones(())], [1, 2], [])
