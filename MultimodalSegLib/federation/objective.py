"""What a federation minimizes, and what keeps a site near the others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import torch
from torch import Tensor


def shares(cases: Sequence[int]) -> list[float]:
    """Part n_k / N that each site has in the whole.

    Args:
        cases: number n_k of training cases of each site.

    Raises:
        ValueError: a negative number, or none at all.

    Example:
        >>> shares([30, 10])
        [0.75, 0.25]
    """
    if not cases or min(cases) < 0 or not sum(cases):
        raise ValueError(f"The sites have {list(cases)} cases; at least one must have some.")
    return [n / sum(cases) for n in cases]


def federated_objective(
    losses: Sequence[Tensor], cases: Sequence[int], parameters: Iterable[Tensor], norm_weight: float = 0.0
) -> Tensor:
    """The loss of the federation: sum_k n_k / N L_k + lambda ||theta||.

    McMahan et al., "Communication-efficient learning of deep networks from decentralized data", AISTATS 2017,
    equation 1, with a penalty on the norm of the parameters. No computer ever evaluates it: each site minimizes its own
    term, and the average of their weights follows.

    Args:
        losses: scalar L_k of each site at the same parameters.
        cases: number n_k of training cases of each site.
        parameters: theta.
        norm_weight: lambda.

    Raises:
        ValueError: another number of losses than of sites, or no cases.
    """
    if len(losses) != len(cases):
        raise ValueError(f"{len(losses)} losses of {len(cases)} sites.")
    total = sum((share * loss for share, loss in zip(shares(cases), losses, strict=True)), torch.zeros(()))
    return total + norm_weight * norm(parameters)


def norm(parameters: Iterable[Tensor]) -> Tensor:
    """Euclidean norm ||theta|| of all parameters together; its gradient at 0 is 0.

    Example:
        >>> norm([torch.tensor([3.0]), torch.tensor([[4.0]])])
        tensor(5.)
    """
    each = [torch.linalg.vector_norm(parameter.float()) for parameter in parameters]
    return torch.linalg.vector_norm(torch.stack(each)) if each else torch.zeros(())


def proximal_term(parameters: Mapping[str, Tensor], anchor: Mapping[str, Tensor], weight: float) -> Tensor:
    """mu / 2 ||w - w_0||^2, which keeps a site near the weights that it was sent.

    Li et al., "Federated optimization in heterogeneous networks" (FedProx), MLSys 2020, equation 2.

    Args:
        parameters: w by name.
        anchor: w_0 by name; parameters without one are left out.
        weight: mu, at least 0.

    Example:
        >>> proximal_term({"w": torch.tensor([1.0, 2.0])}, {"w": torch.tensor([0.0, 0.0])}, 0.1)
        tensor(0.2500)
    """
    far = norm(value - anchor[name] for name, value in parameters.items() if name in anchor)
    return weight / 2 * far.square()
