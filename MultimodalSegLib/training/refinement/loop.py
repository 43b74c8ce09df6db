"""Training a click model: volumes in, an averaged head out, resumable at any moment."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.losses.dice import DiceCELoss
from torch import Tensor, nn
from torch.utils.data import DataLoader, Subset

from ...errors import Cancelled, TrainingError
from ...networks.click_net import ClickNet
from ...networks.device import choose_device
from ...progress import Event, Progress, silent
from ..average import AveragedNetwork
from ..checkpoint import LAST, read_state, write_state
from ..curves import LOG, Table
from ..means import Means
from ..schedule import learning_rate
from ..workers import prepare_worker
from .plan import ClickPlan
from .samples import ClickVolume, ClickVolumes, held_out_lesions
from .turns import Turn, as_batch, first_turn

KEYS = ("head", "average", "optimizer", "step", "updates", "seconds", "plan", "network", "dice")
SCORED_CLICKS = (1, 3, 5)


class ClickTrainer:
    """A run that can be stopped and continued.

    Args:
        plan: every choice.
        network: with the trunk's weights; its head is trained.
        paths: label maps to train on.
        held_out: label maps for validation.
        out: folder for state and log; a state that is there is taken up.

    Raises:
        InputError: ``out`` holds a damaged state.
    """

    def __init__(
        self, plan: ClickPlan, network: ClickNet, paths: Sequence[Path], held_out: Sequence[Path], out: Path
    ) -> None:
        self.plan, self.network, self.out = plan, network.eval(), out
        self.paths, self.held_out = paths, held_out
        self.device = choose_device(plan.device)
        self.spacing = float(network.config.trunk.spacing[0])
        self.head: nn.Module = network.head.to(self.device)
        self.average = AveragedNetwork(self.head, plan.ema_decay)
        self.optimizer = torch.optim.AdamW(
            self.head.parameters(), lr=plan.learning_rate, weight_decay=plan.weight_decay
        )
        self.loss = DiceCELoss(sigmoid=True, lambda_ce=0.5)
        self.recent: deque[ClickVolume] = deque(maxlen=plan.recent)
        self.step, self.updates, self.seconds = 0, 0, 0.0
        self.dice: dict[str, float] = {}
        if (out / LAST).exists():
            self._load(read_state(out / LAST, KEYS))

    def run(self, progress: Progress = silent) -> None:
        """Train to the last volume of the plan.

        Raises:
            Cancelled: ``progress`` asked to stop; the state is saved.
            TrainingError: the loss is no number; the last good state is kept.
        """
        self.out.mkdir(parents=True, exist_ok=True)
        log, means = Table(self.out / LOG, self.step), Means()
        validation = held_out_lesions(self.held_out, self.network, self.plan)
        volumes = self._volumes()
        try:
            for _ in range(min(self.step, self.plan.recent)):  # those before an interruption
                self._keep(next(volumes))
            while self.step < self.plan.steps:
                means.add(self.advance(next(volumes)))
                if self._due(self.plan.validation_steps):
                    self.dice = self.score(validation)
                text = ""
                if self._due(self.plan.log_steps):
                    row = means.take()
                    text = f"loss {row.get('loss', 0.0):.3f}, Dice {row.get('dice', 0.0):.3f}"
                    log.add({"step": self.step, "seconds": round(self.seconds), **row, **self.dice})
                if self._due(self.plan.checkpoint_steps):
                    self.save()
                progress(Event("refine", self.step, self.plan.steps, text))
        except Cancelled as error:
            self.save()
            what = f"Stopped after volume {self.step} of {self.plan.steps}; the state is saved."
            raise Cancelled(what, "The same command goes on.") from error

    def advance(self, volume: ClickVolume) -> dict[str, float]:
        """Learn from a new volume and recent ones: groups of objects, click after click; one update for each click."""
        began, means = time.perf_counter(), Means()
        self._keep(volume)
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(self.plan.training, self.step)
        rng = np.random.default_rng((self.plan.seed, 1, self.step))
        for _ in range(-(-self.plan.targets // self.plan.batch) if self.recent else 0):
            size = int(rng.choice(self.plan.crops))
            chosen = self._objects(rng)
            turns = [first_turn(volume.targets[n].numpy(), size, rng) for volume, n in chosen]
            for _ in range(int(rng.integers(1, self.plan.clicks + 1))):
                turns, said = self._click([volume for volume, _ in chosen], turns, rng)
                means.add(said)
        self.step += 1
        self.seconds += time.perf_counter() - began
        return means.take()

    def _keep(self, volume: ClickVolume) -> None:
        """Put a volume among the recent ones; the oldest goes."""
        if len(volume.targets):
            self.recent.append(volume)

    def _objects(self, rng: np.random.Generator) -> list[tuple[ClickVolume, int]]:
        """As many objects as are learnt from at once, of different volumes while there are enough."""
        count = self.plan.batch
        order = [*rng.permutation(len(self.recent)), *rng.integers(0, len(self.recent), count)][:count]
        return [(self.recent[n], int(rng.integers(len(self.recent[n].targets)))) for n in order]

    def _click(
        self, volumes: Sequence[ClickVolume], turns: Sequence[Turn], rng: np.random.Generator
    ) -> tuple[list[Turn], dict[str, float]]:
        """One update, and the next click at each object; one after the other, as modalities differ in number."""
        self.optimizer.zero_grad(set_to_none=True)
        means, after = Means(), []
        for volume, turn in zip(volumes, turns, strict=True):
            logits = self.head(*(part.to(self.device) for part in as_batch(turn.inputs(volume, self.spacing))))
            loss: Tensor = self.loss(logits, turn.truth().to(self.device)) / len(turns)
            if not bool(torch.isfinite(loss)):
                raise TrainingError(
                    f"The loss of volume {self.step} is no number.", "Train with a lower learning rate."
                )
            loss.backward()
            mask = (logits.detach() > 0)[0, 0].cpu().numpy()
            means.add({"loss": float(loss.detach()) * len(turns), "dice": overlap(mask, turn.target[turn.part])})
            after.append(turn.answered(mask, rng))
        nn.utils.clip_grad_norm_(self.head.parameters(), self.plan.clip)
        self.optimizer.step()
        self.updates += 1
        self.average.update(self.head, self.updates)
        return after, means.take()

    @torch.inference_mode()
    def score(self, volumes: Sequence[ClickVolume]) -> dict[str, float]:
        """Mean Dice of the averaged head after 1, 3 and 5 clicks at the first object of each volume."""
        means = Means()
        for volume in volumes:
            turn = first_turn(volume.targets[0].numpy(), max(self.plan.crops), None)
            for click in range(1, max(SCORED_CLICKS) + 1):
                inputs = as_batch(turn.inputs(volume, self.spacing))
                mask = (self.average.network(*(part.to(self.device) for part in inputs)) > 0)[0, 0].cpu().numpy()
                if click in SCORED_CLICKS:
                    means.add({f"dice{click}": overlap(mask, turn.target[turn.part])})
                turn = turn.answered(mask, None)
        return means.take()

    def save(self) -> None:
        """Write everything needed to go on."""
        write_state(self._state(), self.out / LAST)

    def _volumes(self) -> Iterator[ClickVolume]:
        """The volumes from the present step on, and before them those that were recent."""
        dataset = ClickVolumes(self.paths, self.network, self.plan)
        rest = Subset(dataset, range(max(0, self.step - self.plan.recent), len(dataset)))
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
            "head": self.head.state_dict(),
            "average": self.average.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
            "updates": self.updates,
            "seconds": self.seconds,
            "plan": self.plan.to_dict(),
            "network": self.network.config.to_dict(),
            "dice": self.dice,
        }

    def _load(self, state: dict[str, Any]) -> None:
        self.head.load_state_dict(state["head"])
        self.average.network.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step, self.updates, self.seconds = state["step"], state["updates"], state["seconds"]
        self.dice = state["dice"]


def overlap(mask: np.ndarray, target: np.ndarray) -> float:
    """Dice of two masks, 1 if both are empty."""
    total = int(mask.sum()) + int(target.sum())
    return 2 * int((mask & target).sum()) / total if total else 1.0
