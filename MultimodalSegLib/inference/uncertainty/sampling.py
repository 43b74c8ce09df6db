"""Several answers to one case, one at a time: from a changed case, a thinned network, or other weights."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from ...errors import InputError, ModelError
from ...models.bundle import Bundle
from ..fitting import fitting_answer
from ..view import NetworkView
from .change import Change, Part, changes, intensity_ranges
from .dropout import dropout

METHODS = ("tta", "dropout", "ensemble")
"""Test-time augmentation, Monte-Carlo dropout (both of one model), or one answer of each of several models."""

SAME = ("network_classes", "modality_families", "lesion", "working_spacing", "region", "preprocessing")
"""What the models of an ensemble must agree in: they see one view of the case, and their probabilities are averaged."""

Report = Callable[[float, str], None]
"""Takes the finished fraction of one run of the network, 0 to 1, and what is done; may raise to stop."""


@dataclass
class Runner:
    """A model's network, loaded once and run many times.

    Args:
        bundle: the model.
        device: where to compute.
        memory_limit_mb: what a run may take; all free memory if None.
        runs: how often the network was asked.
    """

    bundle: Bundle
    device: torch.device
    memory_limit_mb: float | None = None
    runs: int = 0
    network: nn.Module = field(init=False)

    def __post_init__(self) -> None:
        self.network = self.bundle.network().to(self.device)

    def __call__(self, images: Tensor, family: Tensor, report: Report = lambda done, text: None) -> Tensor:
        """Logits (C, D, H, W) for images (M, D, H, W) and family indices (M,)."""
        self.runs += 1
        limit = self.memory_limit_mb
        return fitting_answer(self.bundle, images, family, self.device, limit, report, self.network)[0].logits

    @property
    def side(self) -> int | None:
        """The channel that says left or right, if there is one."""
        network = self.bundle.metadata["network"]
        return int(network["classes"]) if network.get("side", True) else None


def answers(
    method: str,
    runner: Runner,
    view: NetworkView,
    samples: int,
    others: Sequence[Bundle] = (),
    seed: int = 0,
    report: Report = lambda done, text: None,
) -> Iterator[tuple[Tensor, Part]]:
    """Ask as many times as there are samples; each costs one run of the network.

    Args:
        method: one of :data:`METHODS`.
        runner: the model.
        view: the case.
        samples: how many answers; an ensemble gives one for each of its models.
        others: the other models of an ensemble.
        seed: the same one gives the same answers.
        report: told within each run.

    Yields:
        Logits (C, d, h, w), and the part of the working grid that they answer. Drop them before you ask for the next.

    Raises:
        InputError: an unknown method, fewer than two samples, or a network that cannot be thinned.
        ModelError: the models of an ensemble do not belong together.
    """
    if method not in METHODS:
        raise InputError(f"Unknown method {method!r}.", f"Use one of {', '.join(METHODS)}.")
    if method == "ensemble":
        check_ensemble(runner.bundle, others)
    elif samples < 2:
        raise InputError(f"{samples} sample tells nothing about doubt.", "Ask for two or more; 8 are usual.")
    whole = tuple(slice(0, n) for n in view.grid.shape)
    if method == "tta":
        ranges = intensity_ranges(runner.bundle, view.names)
        for change in changes(runner.bundle, view.names, samples, seed):
            yield _changed(runner, view, change, ranges, report)
        return
    runners: Iterator[Runner]
    if method == "dropout":
        runners = (runner for _ in range(samples))
    else:
        runners = (Runner(b, runner.device, runner.memory_limit_mb) for b in others)
        yield runner(view.images, view.family, report), (whole[0], whole[1], whole[2])
    for n, one in enumerate(runners):
        with dropout(one.network, seed + n) if method == "dropout" else nullcontext():
            logits = one(view.images, view.family, report)
        yield logits, (whole[0], whole[1], whole[2])
        del logits


def _changed(
    runner: Runner, view: NetworkView, change: Change, ranges: Sequence[tuple[float, float]], report: Report
) -> tuple[Tensor, Part]:
    return change.undo(runner(change.apply(view.images, ranges), view.family, report), runner.side)


def check_ensemble(first: Bundle, others: Sequence[Bundle]) -> None:
    """Whether the answers of several models can be averaged.

    Raises:
        InputError: there is only one model.
        ModelError: two models differ in their classes or in what they see of a case.
    """
    if not others:
        raise InputError("An ensemble needs two models or more.", "Name the others with --ensemble FOLDER.")
    for other in others:
        different = [key for key in SAME if first.metadata.get(key) != other.metadata.get(key)]
        if different or first.stride != other.stride:
            raise ModelError(
                f"The models {first.name!r} and {other.name!r} differ in {(different or ['stride'])[0]}.",
                "Choose models that were trained with one plan.",
            )
