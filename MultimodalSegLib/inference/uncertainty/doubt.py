"""A case put to a network again and again: what its answers have in common, and where they differ."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from torch import Tensor

from ...models.bundle import Bundle
from ..predict import labelling_of
from ..view import NetworkView
from .accumulate import Accumulator, labels_of
from .agreement import AXES, Placement, agreement, placements, view_images, view_steps
from .sampling import Runner, answers

Report = Callable[[float, float, str], None]
"""Takes the finished runs of the network (with fractions), all of them, and what is done; may raise to stop."""

PLACED = ("brain", "organ")
"""Groups of structures whose place is compared between modalities; every structure if a model has none of them."""


@dataclass(frozen=True)
class Doubt:
    """What the answers tell.

    Args:
        samples: mean probabilities, entropies and volumes.
        views: mean Dice of the axial, coronal and sagittal views by label value; empty if not asked.
        alone: by modality, how it alone places structures compared with the reference alone; empty if not asked.
        runs: of the network.
    """

    samples: Accumulator
    views: Mapping[int, float] = field(default_factory=dict)
    alone: Mapping[str, Placement] = field(default_factory=dict)
    runs: int = 0


def doubt(
    runner: Runner,
    view: NetworkView,
    *,
    method: str = "tta",
    samples: int = 8,
    others: Sequence[Bundle] = (),
    views: bool = False,
    alone: str = "",
    seed: int = 0,
    report: Report = lambda done, total, text: None,
) -> Doubt:
    """Ask, and add up the answers one at a time.

    Args:
        runner: the model.
        view: the case.
        method: one of :data:`~.sampling.METHODS`.
        samples: answers to compare, each one run of the network; an ensemble gives one for each model.
        others: the other models of an ensemble.
        views: compare the three views too; three more runs.
        alone: compare each modality alone with this one; one more run for each, none where there is only one.
        seed: the same one gives the same answers.
        report: told how far it is.

    Raises:
        InputError, ModelError: see :func:`~.sampling.answers`.

    Example:
        >>> runner = Runner(bundle, torch.device("cpu"))                            # doctest: +SKIP
        >>> entropy = doubt(runner, network_view(bundle, volumes)).samples.entropy()  # doctest: +SKIP
    """
    count = 1 + len(others) if method == "ensemble" else samples
    ask = _Asking(runner, view, report, count + 3 * views + (len(view.names) if alone else 0))
    found = Accumulator(view.grid.shape, labelling_of(runner.bundle))
    rounds = answers(method, runner, view, count, others, seed, ask.tell)
    for n in range(count):
        ask.text = f"Answer {n + 1} of {count}"
        logits, part = next(rounds)
        found.add(logits, part)
        del logits
        ask.done += 1
    compared = _views(ask) if views else {}
    placed = _alone(ask, alone) if alone and len(view.names) > 1 else {}
    return Doubt(found, compared, placed, ask.done)


@dataclass
class _Asking:
    """One question after the other, and how far they are."""

    runner: Runner
    view: NetworkView
    report: Report
    total: int
    done: int = 0
    text: str = ""

    def tell(self, fraction: float, text: str) -> None:
        self.report(self.done + fraction, self.total, self.text)

    def labels(self, images: Tensor, family: Tensor, text: str) -> np.ndarray:
        """The label map (D, H, W) of one answer."""
        self.text = text
        logits = self.runner(images, family, self.tell)
        self.done += 1
        return labels_of(logits, labelling_of(self.runner.bundle)).numpy()


def _views(ask: _Asking) -> dict[int, float]:
    view = ask.view
    maps = [
        ask.labels(view_images(view.images, AXES[name], step), view.family, f"The {name} view")
        for name, step in view_steps(view.grid.spacing).items()
    ]
    return agreement(maps, [c.value for c in ask.runner.bundle.classes()])


def _alone(ask: _Asking, reference: str) -> dict[str, Placement]:
    view, classes = ask.view, ask.runner.bundle.classes()
    maps = {
        name: ask.labels(view.images[n : n + 1], view.family[n : n + 1], f"{name} alone")
        for n, name in enumerate(view.names)
    }
    values = [c.value for c in classes if c.group in PLACED] or [c.value for c in classes]
    return placements(maps, reference if reference in maps else view.names[0], values, view.grid)
