"""Learning from one made-up volume after the other: what every such run does, resumable at any moment."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, Subset

from ..errors import Cancelled, TrainingError
from ..networks.device import choose_device
from ..progress import Event, Progress, silent
from .average import AveragedNetwork
from .checkpoint import LAST, read_state, write_state
from .curves import LOG, Table
from .means import Means
from .schedule import learning_rate
from .volume_plan import VolumePlan
from .workers import prepare_worker

KEYS = ("network", "average", "optimizer", "step", "updates", "seconds", "plan", "config", "scores")
"""Entries of a state."""

V = TypeVar("V")
"""A volume as a kind of model learns from it."""

P = TypeVar("P", bound=VolumePlan)


class VolumeTrainer(ABC, Generic[V, P]):
    """A run that can be stopped and continued; a kind of model says what a volume is and how to learn from it.

    Args:
        plan: every choice.
        trained: the module whose weights change.
        config: how the network was built; it is kept with the state.
        out: folder for state and log; a state that is there is taken up.

    Raises:
        InputError: ``out`` holds a damaged state.
    """

    stage: ClassVar[str]
    """Of the events."""

    def __init__(self, plan: P, trained: nn.Module, config: Mapping[str, Any], out: Path) -> None:
        self.plan, self.config, self.out = plan, config, out
        self.device = choose_device(plan.device)
        self.trained: nn.Module = trained.to(self.device)
        self.average = AveragedNetwork(self.trained, plan.ema_decay)
        self.optimizer = torch.optim.AdamW(
            self.trained.parameters(), lr=plan.learning_rate, weight_decay=plan.weight_decay
        )
        self.recent: deque[V] = deque(maxlen=plan.recent)
        self.step, self.updates, self.seconds = 0, 0, 0.0
        self.scores: dict[str, float] = {}
        if (out / LAST).exists():
            self._load(read_state(out / LAST, KEYS))

    @abstractmethod
    def dataset(self) -> Dataset[V]:
        """The volumes of the run by number."""

    @abstractmethod
    def validation(self) -> list[V]:
        """Volumes that are scored, the same through a run."""

    @abstractmethod
    def learn(self) -> dict[str, float]:
        """Updates from the recent volumes; gives means for the log."""

    @abstractmethod
    def score(self, volumes: Sequence[V]) -> dict[str, float]:
        """How good the averaged network is on the validation."""

    def useful(self, volume: V) -> bool:
        """Whether there is anything to learn from a volume."""
        return True

    def run(self, progress: Progress = silent) -> None:
        """Train to the last volume of the plan.

        Raises:
            Cancelled: ``progress`` asked to stop; the state is saved.
            TrainingError: the loss is no number; the last good state is kept.
        """
        self.out.mkdir(parents=True, exist_ok=True)
        log, means = Table(self.out / LOG, self.step), Means()
        validation, volumes = self.validation(), self._volumes()
        try:
            for _ in range(min(self.step, self.plan.recent)):  # those before an interruption
                self._keep(next(volumes))
            while self.step < self.plan.steps:
                means.add(self.advance(next(volumes)))
                if self._due(self.plan.validation_steps):
                    self.scores = self.score(validation)
                text = ""
                if self._due(self.plan.log_steps):
                    row = means.take()
                    text = ", ".join(f"{name} {value:.4g}" for name, value in row.items())
                    log.add({"step": self.step, "seconds": round(self.seconds), **row, **self.scores})
                if self._due(self.plan.checkpoint_steps):
                    self.save()
                progress(Event(self.stage, self.step, self.plan.steps, text))
        except Cancelled as error:
            self.save()
            what = f"Stopped after volume {self.step} of {self.plan.steps}; the state is saved."
            raise Cancelled(what, "The same command goes on.") from error

    def advance(self, volume: V) -> dict[str, float]:
        """Learn from a new volume and recent ones."""
        began = time.perf_counter()
        self._keep(volume)
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(self.plan.training, self.step)
        told = self.learn() if self.recent else {}
        self.step += 1
        self.seconds += time.perf_counter() - began
        return told

    def save(self) -> None:
        """Write everything needed to go on."""
        write_state(self._state(), self.out / LAST)

    def checked(self, loss: Tensor) -> Tensor:
        """A loss that is a number.

        Raises:
            TrainingError: it is none.
        """
        if not bool(torch.isfinite(loss)):
            raise TrainingError(f"The loss of volume {self.step} is no number.", "Train with a lower learning rate.")
        return loss

    def update(self) -> None:
        """Change the weights along the gradients that were gathered."""
        nn.utils.clip_grad_norm_(self.trained.parameters(), self.plan.clip)
        self.optimizer.step()
        self.updates += 1
        self.average.update(self.trained, self.updates)

    def _keep(self, volume: V) -> None:
        """Put a volume among the recent ones; the oldest goes."""
        if self.useful(volume):
            self.recent.append(volume)

    def _volumes(self) -> Iterator[V]:
        """The volumes from the present step on, and before them those that were recent."""
        rest = Subset(self.dataset(), range(max(0, self.step - self.plan.recent), self.plan.steps))
        workers = self.plan.workers
        prefetch = 2 if workers else None
        return iter(
            DataLoader(
                rest, batch_size=None, num_workers=workers, prefetch_factor=prefetch, worker_init_fn=prepare_worker
            )
        )

    def _due(self, every: int) -> bool:
        return self.step % every == 0 or self.step == self.plan.steps

    def _state(self) -> dict[str, Any]:
        return {
            "network": self.trained.state_dict(),
            "average": self.average.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
            "updates": self.updates,
            "seconds": self.seconds,
            "plan": self.plan.to_dict(),
            "config": dict(self.config),
            "scores": self.scores,
        }

    def _load(self, state: dict[str, Any]) -> None:
        self.trained.load_state_dict(state["network"])
        self.average.network.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step, self.updates, self.seconds = state["step"], state["updates"], state["seconds"]
        self.scores = state["scores"]
