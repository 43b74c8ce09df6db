"""A site: its own images, the common network, and the training loop between two messages."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..errors import Cancelled, InputError
from ..models.bundle import Bundle
from ..models.save import save_bundle
from ..networks.build import build_network
from ..progress import Event, Progress, silent
from ..training.curves import LOG
from ..training.devices import make_fabric
from ..training.initial.known import KnownModel
from ..training.initial.merge import merged
from ..training.loop import Trainer
from ..training.plan import Plan
from ..training.source import Source
from ..training.start import make_objective, make_validation, open_source
from ..training.validation import mean_score
from .average import Update, Weights
from .common_model import to_arrays
from .ledger import Ledger
from .local_layers import normalization_names
from .privacy import private_weights, spent_epsilon
from .settings import Federation
from .task import SiteTask


class Site:
    """What one site does in a federation; knows nothing of how messages travel.

    Every round goes on from the state that the round before left in ``folder``, so that a site which was killed
    begins the round again and ends with the same weights.

    Args:
        plan: the federation's, with the images of this site.
        federation: its choices.
        model: metadata of the common model.
        folder: for the state of the training.
        progress: told of each case that is prepared.

    Raises:
        InputError: the images cannot be used, or have other classes or modalities than the common model.

    Example:
        >>> site = Site(plan, federation, metadata, Path("work"))      # doctest: +SKIP
        >>> update, metrics = site.train(weights, 0)                   # doctest: +SKIP
    """

    def __init__(
        self,
        plan: Plan,
        federation: Federation,
        model: Mapping[str, Any],
        folder: Path,
        progress: Progress = silent,
    ) -> None:
        self.federation, self.model, self.folder = federation, dict(model), folder
        k = federation.local_steps
        self.plan = replace(
            plan, steps=federation.steps, log_steps=k, checkpoint_steps=federation.steps, checkpoint_minutes=1e9
        )
        known = KnownModel(str(model["name"]), model, {}, "")
        data = open_source(self.plan, folder, progress, known)
        check_same_classes(data, known)
        self.source = merged(data, known)
        self.fabric = make_fabric(self.plan)
        self.validation = make_validation(self.plan, self.source, model["network"])
        self.ledger = Ledger(folder)

    def train(self, weights: Weights, number: int, progress: Progress = silent) -> tuple[Update, dict[str, float]]:
        """One round.

        Args:
            weights: of the federation.
            number: of the round, from 0.
            progress: of the steps; may raise Cancelled.

        Returns:
            What may be sent, and metrics: ``dice`` and ``dice <class>`` of the weights that came, judged on the cases
            that this site holds out, the mean ``loss`` of its steps, and the ``epsilon`` that it has spent so far.

        Raises:
            Cancelled: by ``progress``.
            TrainingError: the loss is no number anymore.
        """
        trainer = self._trainer(weights)
        task: SiteTask = trainer.task  # type: ignore[assignment]
        metrics = self._scores(trainer)
        trainer.step = number * self.federation.local_steps
        task.anchor = {name: value.detach().clone() for name, value in task.network.named_parameters()}
        steps_to(trainer, trainer.step + self.federation.local_steps, progress)
        own = {name: value for name, value in to_arrays(task.network).items() if name not in self._local(task)}
        trained = {name: rows for name, rows in task.trained.arrays().items() if name in own}
        metrics["loss"] = last_loss(self.folder)
        if self.federation.clip:
            own = private_weights(weights, own, trained, self.federation.clip, self.federation.noise)
        released = self.ledger.add_round()
        if self.federation.noise:
            metrics["epsilon"] = spent_epsilon(self.federation.noise, released, self.federation.delta)
        return Update(own, trained, self.source.cases), {k: v for k, v in metrics.items() if math.isfinite(v)}

    def judge(self, weights: Weights) -> dict[str, float]:
        """Keep the final weights as a bundle at this site, and score them on the cases that it holds out."""
        trainer = self._trainer(weights)
        self.keep(trainer.average.network.state_dict())
        return {name: value for name, value in self._scores(trainer).items() if math.isfinite(value)}

    def keep(self, weights: Mapping[str, Tensor]) -> Bundle:
        """Write the site's own copy of the model; with local layers it is the site's own model."""
        metadata = {**self.model, "training": {"federation": self.federation.identity, "steps": self.federation.steps}}
        return save_bundle(self.folder / str(self.model["name"]), metadata, weights, dtype="float32")

    def _trainer(self, weights: Weights) -> Trainer:
        """A run with the optimizer and the local layers that the last round left, and the weights of the federation."""
        settings = self.model["network"]
        torch.manual_seed(self.plan.seed)
        network = build_network(settings)
        federation = self.federation
        objective = make_objective(self.plan, self.source, settings)
        task = SiteTask(network, objective, federation.proximal, federation.norm_weight)
        self.folder.mkdir(parents=True, exist_ok=True)
        trainer = Trainer(self.plan, task, self.source.samples, self.folder, self.fabric, self.model)
        first = not trainer.step
        local = frozenset() if first else self._local(task)
        state = dict(task.network.state_dict())
        state |= {name: torch.tensor(value) for name, value in weights.items() if name not in local}
        task.network.load_state_dict(state)
        trainer.average.network.load_state_dict(state)
        return trainer

    def _local(self, task: SiteTask) -> frozenset[str]:
        return normalization_names(task.network) if self.federation.local_normalization else frozenset()

    def _scores(self, trainer: Trainer) -> dict[str, float]:
        if not len(self.validation):
            return {}
        scores = self.validation(trainer.average.network, self.fabric)
        return {"dice": mean_score(scores), **{f"dice {name}": value for name, value in scores.items()}}


def check_same_classes(data: Source, known: KnownModel) -> None:
    """A site must tell all classes of the federation, and nothing else: what it does not label it would unlearn.

    Raises:
        InputError: classes, the lesion or a modality family differ.
    """
    hint = "All sites of a federation need the same classes, and modalities that its model knows."
    for name in sorted(set(known.names) ^ set(data.names)):
        there, here = ("the federation", "this site") if name in known.names else ("this site", "the federation")
        raise InputError(f"The class {name!r} of {there} is unknown to {here}.", hint)
    if bool(known.lesion) != bool(data.lesion):
        raise InputError("Either the federation or this site has a lesion class, and not the other.", hint)
    strange = sorted(set(data.families) - set(known.families))
    if strange:
        raise InputError(f"The model of the federation does not know {strange[0]}.", hint)


def steps_to(trainer: Trainer, step: int, progress: Progress) -> None:
    """Let the training loop run to a step, as if it were asked to stop there; the state is saved.

    Raises:
        Cancelled: ``progress`` asked for it before.
    """
    try:
        trainer.run(_stop_at(step, progress))
    except Cancelled:
        if trainer.step < step:
            raise


def _stop_at(step: int, progress: Progress) -> Callable[[Event], None]:
    def listen(event: Event) -> None:
        progress(event)
        if event.done >= step:
            raise Cancelled("The round is over.")

    return listen


def last_loss(folder: Path) -> float:
    """Mean loss in the last row of the log of a run; NaN without a log."""
    try:
        with (folder / LOG).open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        return float(rows[-1]["loss"]) if rows else math.nan
    except (OSError, KeyError, ValueError):
        return math.nan
