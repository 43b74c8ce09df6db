"""The sanity check: a map that stays the same when the network forgets what it learned explains nothing."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence

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

SEEDS = (0, 1, 2)
"""One network with random weights may give any map by chance."""


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


def likeness(a: Tensor, b: Tensor, target: Target, spacing: Sequence[float]) -> float | None:
    """Spearman's rank correlation of two maps around the target, -1 to 1.

    Args:
        a: (D, H, W) with its sign: cut off at 0, two maps that only speak against the target would be the same.
        b: likewise.
        target: what is explained.
        spacing: (k, j, i), mm.

    Returns:
        None where one of the maps has only one value: what is empty is neither like nor unlike another.
    """
    near = distance_mm(target.mask, spacing) <= AROUND_MM
    x, y = a.numpy()[near], b.numpy()[near]
    if x.min() == x.max() or y.min() == y.max():
        return None
    return float(stats.spearmanr(x, y).statistic)


def randomized_likeness(
    subject: Subject,
    target: Target,
    map_: Tensor,
    again: Callable[[Subject], Attribution],
    steps: int = 4,
    seeds: Sequence[int] = SEEDS,
    report: Callable[[float], None] = lambda done: None,
) -> dict[str, float | None]:
    """Likeness of a map to those of networks that have forgotten more and more, by the path down to which they have.

    A likeness is the mean size of the correlations over the seeds, 0 to 1: random weights turn the sign of a map at
    will, and one that is either the same or its negative shows the image and not what was learned.

    Args:
        subject: the trained network and the case.
        target: what is explained, the same for all.
        map_: (D, H, W) of the trained network, with its sign.
        again: makes the map for another subject.
        steps: networks to compare with; 1 compares only with one that has forgotten everything.
        seeds: of the random weights.
        report: told the finished fraction.

    Returns:
        None for a step where every comparison is of an empty map; then nobody can tell.
    """
    order, done = computing_order(subject), 0
    found: dict[str, list[float | None]] = {}
    for seed in seeds:
        for path, network in cascade(subject.network, order, steps, seed):
            other = again(subject.with_network(network)).signed
            found.setdefault(path, []).append(likeness(map_, other, target, subject.spacing))
            done += 1
            report(done / (steps * len(seeds)))
    return {path: _mean_size(values) for path, values in found.items()}


def _mean_size(values: Sequence[float | None]) -> float | None:
    known = [abs(value) for value in values if value is not None]
    return sum(known) / len(known) if known else None


def ignores_weights(likenesses: Mapping[str, float | None]) -> bool | None:
    """Whether a map is hardly another one when everything is forgotten; None if that cannot be told."""
    last = list(likenesses.values())[-1]
    return None if last is None else last >= ALIKE
