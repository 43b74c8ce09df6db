"""The sanity check: a map that stays the same when the network forgets what it learned explains nothing."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence

import torch
from scipy import stats
from torch import Tensor, nn

from .faithfulness import distance_mm
from .gradcam import Attribution
from .subject import Subject
from .targets import Target

AROUND_MM = 30.0
"""Maps are compared up to so far from the target: most of a head is dark in every map, which is no likeness."""

ALIKE = 0.5
"""A rank correlation from which on a map of random weights counts as the same."""


def cascade(network: nn.Module, used: Sequence[str], steps: int = 4, seed: int = 0) -> Iterator[tuple[str, nn.Module]]:
    """Networks that forget more and more of their weights, from the answer back to the images.

    A forgotten parameter gets random numbers of its own mean and standard deviation.

    Args:
        network: left as it is.
        used: paths of the modules in the order in which they compute (see :func:`computing_order`).
        steps: networks to make; the last one has forgotten everything.
        seed: of the random numbers.

    Yields:
        The path down to which everything is random, and the network; it is the same object each time.

    Source: Adebayo et al., Sanity checks for saliency maps, NeurIPS 2018, section 3.1.
    """
    generator = torch.Generator().manual_seed(seed)
    random = copy.deepcopy(network)
    backwards = list(reversed(used))
    done = 0
    for step in range(1, steps + 1):
        count = round(len(backwards) * step / steps)
        for path in backwards[done:count]:
            for parameter in random.get_submodule(path).parameters(recurse=False):
                forget(parameter, generator)
        done = count
        yield backwards[count - 1], random


def forget(parameter: Tensor, generator: torch.Generator) -> None:
    """Put random numbers of the same mean and standard deviation in place of a parameter's."""
    with torch.no_grad():
        drawn = torch.randn(parameter.shape, generator=generator).to(parameter)
        spread = parameter.std() if parameter.numel() > 1 else parameter.new_zeros(())
        parameter.copy_(parameter.mean() + spread * drawn)


def computing_order(subject: Subject) -> list[str]:
    """Paths of the modules with parameters of their own, in the order in which a pass uses them; unused ones first."""
    network, order = subject.network, []
    paths = {
        module: path
        for path, module in network.named_modules()
        if next(module.parameters(recurse=False), None) is not None
    }
    handles = [m.register_forward_pre_hook(lambda module, inputs: order.append(paths[module])) for m in paths]
    try:
        with torch.no_grad():
            subject.answer(subject.tiles[0])
    finally:
        for handle in handles:
            handle.remove()
    called = list(dict.fromkeys(order))
    last = [path for path in paths.values() if path not in called and path.split(".")[0] == "head"]
    return [*(path for path in paths.values() if path not in called and path not in last), *called, *last]


def likeness(a: Tensor, b: Tensor, target: Target, spacing: Sequence[float]) -> float:
    """Spearman's rank correlation of two maps around the target, -1 to 1; 0 where one of them is empty."""
    near = distance_mm(target.mask, spacing) <= AROUND_MM
    x, y = a.numpy()[near], b.numpy()[near]
    if x.min() == x.max() or y.min() == y.max():
        return 0.0
    return float(stats.spearmanr(x, y).statistic)


def randomized_likeness(
    subject: Subject, target: Target, map_: Tensor, again: Callable[[Subject], Attribution], steps: int = 4
) -> dict[str, float]:
    """Likeness of a map to those of networks that have forgotten more and more, by the path down to which they have.

    Args:
        subject: the trained network and the case.
        target: what is explained, the same for all.
        map_: (D, H, W) of the trained network.
        again: makes the map for another subject.
        steps: networks to compare with; 1 compares only with one that has forgotten everything.
    """
    order = computing_order(subject)
    return {
        path: likeness(map_, again(subject.with_network(network)).whole, target, subject.spacing)
        for path, network in cascade(subject.network, order, steps)
    }


def ignores_weights(likenesses: dict[str, float]) -> bool:
    """Whether a map is hardly another one when everything is forgotten."""
    return list(likenesses.values())[-1] >= ALIKE
