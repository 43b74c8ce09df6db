"""The steps of a run, one after the other, and the state between them."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from ..errors import InputError, TrainingError
from .average import AveragedNetwork
from .batch import Batch, StepSampler, collate
from .checkpoint import LAST, check_same_model, read_state, save_batch, write_state
from .means import Means
from .plan import Plan
from .plan_file import to_dict
from .reweighting import GradientReweighting
from .samples import Sample
from .schedule import learning_rate
from .task import Task
from .workers import prepare_worker

if TYPE_CHECKING:
    from lightning_fabric import Fabric

_NOISE = 3
"""Second number of the seed of what is random inside the network; samples use 0 to 2."""


class Steps:
    """What a step does to the weights depends on the plan, the seed and the step's number alone.

    So a run that was killed and goes on from its last state ends with the same weights, to the last bit on a processor.

    Args:
        plan: every choice.
        task: the network with its objective.
        samples: gives the samples of a plan by number.
        out: folder of the run, whose last state is taken up.
        fabric: launched.
        model: entries of the metadata of the bundle that the run leads to; kept in the state.

    Raises:
        InputError: ``out`` holds the state of another network, or a damaged one.
    """

    def __init__(
        self,
        plan: Plan,
        task: Task,
        samples: Callable[[Plan], Dataset[Sample]],
        out: Path,
        fabric: Fabric,
        model: Mapping[str, Any],
    ) -> None:
        self.plan, self.task, self.samples, self.out, self.fabric = plan, task, samples, out, fabric
        self.model = dict(model)
        self.step, self.seconds, self.best, self.skipped = 0, 0.0, -math.inf, 0
        self.average = AveragedNetwork(task.network, plan.ema_decay)
        self.average.network.to(fabric.device)
        self.reweighting = self._reweighting() if plan.reweighting else None
        optimizer = torch.optim.AdamW(task.parameters(), lr=plan.learning_rate, weight_decay=plan.weight_decay)
        self.module, self.optimizer = fabric.setup(task, optimizer)
        if (out / LAST).exists():
            self._load(read_state(out / LAST))

    @property
    def fraction(self) -> float:
        """Part of the run that is over, 0 to 1."""
        return self.step / self.plan.steps

    def batches(self) -> Generator[Batch, None, None]:
        """The batches of this process from the present step on; to be closed, which ends the worker processes."""
        workers = self.plan.workers
        loader = DataLoader(
            self.samples(self.plan),
            batch_sampler=StepSampler(self.plan, self.step, self.fabric.global_rank),
            collate_fn=collate,
            num_workers=workers,
            prefetch_factor=3 if workers else None,
            worker_init_fn=prepare_worker,
            pin_memory=self.fabric.device.type == "cuda",
        )
        iterator: Any = iter(loader)
        try:
            yield from iterator
        finally:
            if workers:
                iterator._shutdown_workers()  # else they live as long as anything refers to the iterator

    def advance(self, batches: Iterator[Batch]) -> dict[str, float]:
        """One step.

        Returns:
            For the log: the loss and its parts, the norm of the gradient, whether the step was skipped because that is
            not finite, and the part of its time spent waiting for samples.
        """
        began = time.perf_counter()
        row, waited = self._gradients(batches)
        rate = learning_rate(self.plan, self.step)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        norm = self.fabric.clip_gradients(
            self.module, self.optimizer, max_norm=self.plan.clip, error_if_nonfinite=False
        )
        finite = norm is not None and bool(torch.isfinite(norm))
        if finite or self._precision.state_dict():  # a scaler skips such steps itself, and learns from them
            self.optimizer.step()
        if self.reweighting:
            self.reweighting.update(self._sum)
        self.step += 1
        self.average.update(self.task.network, self.step)
        self.skipped = 0 if finite else self.skipped + 1
        seconds = time.perf_counter() - began
        self.seconds += seconds
        end = {"gradient_norm": float(norm) if finite else math.nan, "skipped": float(not finite)}
        return {**row, **end, "learning_rate": rate, "wait": waited / seconds}

    def save(self, name: str = LAST) -> None:
        """Write everything needed to go on.

        Raises:
            TrainingError: a weight is not finite; nothing is written.
            OutputError: the disk is full; the file before it stays.
        """
        if not all(bool(torch.isfinite(value).all()) for value in self.task.parameters()):
            raise self.not_a_number(f"A weight is no number after step {self.step}")
        if self.fabric.is_global_zero:
            write_state(self._state(), self.out / name)

    def _gradients(self, batches: Iterator[Batch]) -> tuple[dict[str, float], float]:
        """Add up the gradients of the parts of a step; gives the loss with its parts, and the seconds waited."""
        stage, _ = self.plan.crop(self.step)
        means, waited = Means(), 0.0
        self.optimizer.zero_grad(set_to_none=True)
        for turn in range(self.plan.accumulate):
            began = time.perf_counter()
            batch = next(batches)
            waited += time.perf_counter() - began
            batch = batch.to(self.fabric.device)
            self._check(batch.images, "An image", batch)
            torch.manual_seed(self._noise_seed(turn))  # late, since making samples may draw numbers too
            with self.fabric.no_backward_sync(self.module, enabled=turn + 1 < self.plan.accumulate):
                loss, parts = self.module(batch, self.fraction, self.step, stage.kji)
                self._check(loss, "The loss", batch)
                self.fabric.backward(loss / self.plan.accumulate)
            means.add({"loss": float(loss.detach()), **parts})
        return means.take(), waited

    def _check(self, value: Tensor, what: str, batch: Batch) -> None:
        """Stop all processes, and keep the batch, if a value of one of them is not finite."""
        bad = not bool(torch.isfinite(value).all())
        if bad:
            save_batch(batch, self.step, self.out)
        if self.any_process(bad):
            raise self.not_a_number(f"{what} of step {self.step} is no number")

    def not_a_number(self, what: str) -> TrainingError:
        """The error that ends a run whose numbers are none."""
        return TrainingError(
            f"{what}; the last good state is kept, and the batch of a bad loss, in {self.out}.",
            "Look at the batch, lower the learning rate, or use another precision; the same command goes on.",
        )

    def _sum(self, value: Tensor) -> Tensor:
        """Sum over all processes."""
        if self.fabric.world_size == 1:
            return value
        total: Tensor = self.fabric.all_reduce(value.to(self.fabric.device), reduce_op="sum")
        return total.to(value.device)

    def any_process(self, said: bool) -> bool:
        """Whether any of the processes says so."""
        return bool(self._sum(torch.tensor(float(said))) > 0)

    def _noise_seed(self, turn: int) -> int:
        numbers = (self.plan.seed, _NOISE, self.step, turn, self.fabric.global_rank)
        return int(np.random.SeedSequence(numbers).generate_state(1)[0])

    def _reweighting(self) -> GradientReweighting:
        try:
            return GradientReweighting(self.task.network, int(self.model["network"]["families"]))
        except ValueError as error:
            raise InputError(str(error), "Switch 'reweighting' off in the plan.") from error

    @property
    def _precision(self) -> Any:
        return self.fabric.strategy.precision

    def _state(self) -> dict[str, Any]:
        own = {name: value for name, value in self.task.state_dict().items() if not name.startswith("network.")}
        return {
            "network": self.task.network.state_dict(),
            "average": self.average.network.state_dict(),
            "task": own,
            "optimizer": self.optimizer.state_dict(),
            "scaler": self._precision.state_dict(),
            "reweighting": self.reweighting.state_dict() if self.reweighting else {},
            "step": self.step,
            "seconds": self.seconds,
            "best": self.best,
            "plan": to_dict(self.plan),
            "model": self.model,
        }

    def _load(self, state: Mapping[str, Any]) -> None:
        check_same_model(state["model"], self.model, self.out)
        self.task.network.load_state_dict(state["network"])
        self.average.network.load_state_dict(state["average"])
        self.task.load_state_dict(state["task"], strict=False)
        self.optimizer.load_state_dict(state["optimizer"])
        self._precision.load_state_dict(state["scaler"])
        if self.reweighting and state["reweighting"]:
            self.reweighting.load_state_dict(state["reweighting"])
        self.step, self.seconds, self.best = state["step"], state["seconds"], state["best"]
