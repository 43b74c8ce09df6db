"""What a run will take: two real steps at each crop shape, measured before it begins."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch

from ..errors import InputError
from ..machine import peak_memory_mb
from ..progress import Event, Progress, silent
from .loop import Trainer
from .plan import Plan, Size, Stage

TRIAL_STEPS = 2
"""The first pays for what is done once, such as compiling kernels; the quicker one counts."""

WARM_UP_SHARE = 10
"""The warm-up of a run whose length follows from minutes takes at most one step in so many."""


@dataclass(frozen=True)
class Trial:
    """What a step at one crop shape took.

    Args:
        stage: number of the stage, from 0.
        size: crop shape (k, j, i).
        chance: part of all steps of the run that have this shape.
        computing: seconds of a step without its samples.
        making: seconds to make the samples of a step in one process.
        memory_mb: highest memory so far, of the process or of the GPU, MiB.
    """

    stage: int
    size: Size
    chance: float
    computing: float
    making: float
    memory_mb: float

    def seconds(self, workers: int) -> float:
        """Time of a step when so many processes make samples beside it."""
        return max(self.computing, self.making / workers) if workers else self.computing + self.making


@dataclass(frozen=True)
class Estimate:
    """What a run will take.

    Args:
        trials: one for each stage and crop shape.
        workers: processes that make samples.
    """

    trials: Sequence[Trial]
    workers: int

    @property
    def step_seconds(self) -> float:
        """Mean time of a step."""
        return sum(trial.chance * trial.seconds(self.workers) for trial in self.trials)

    @property
    def memory_mb(self) -> float:
        """The most memory, MiB."""
        return max(trial.memory_mb for trial in self.trials)

    def steps(self, minutes: float) -> int:
        """How many steps fit into so many minutes; at least one."""
        return max(1, int(60.0 * minutes / self.step_seconds))


def estimate(trainer: Trainer, progress: Progress = silent) -> Estimate:
    """Make two steps at every crop shape, small ones first.

    The trainer's weights are changed by it: prepare another one for the run itself.

    Args:
        trainer: a new one.
        progress: told after each trial.

    Raises:
        InputError: the run has begun already.
    """
    if trainer.step:
        raise InputError(f"{trainer.out} holds a run that has begun.", "Estimate before the run, or in another folder.")
    plan = trainer.plan
    shapes = sorted(_shapes(plan), key=lambda entry: entry[2][0] * entry[2][1] * entry[2][2])
    trials = []
    for number, (stage, chance, size) in enumerate(shapes):
        progress(Event("estimate", number, len(shapes), " x ".join(map(str, size))))
        trials.append(_trial(trainer, plan, stage, chance, size))
    progress(Event("estimate", len(shapes), len(shapes), ""))
    trainer.plan = plan
    return Estimate(trials, plan.workers)


def with_minutes(plan: Plan, found: Estimate, minutes: float) -> Plan:
    """The plan with as many steps as fit into so many minutes."""
    steps = found.steps(minutes)
    return replace(plan, steps=steps, warm_up_steps=min(plan.warm_up_steps, steps // WARM_UP_SHARE))


def _shapes(plan: Plan) -> list[tuple[int, float, Size]]:
    """Number of the stage, part of all steps, and shape."""
    begins = [0.0, *(stage.until for stage in plan.stages)]
    return [
        (number, (stage.until - begins[number]) * chance, size)
        for number, stage in enumerate(plan.stages)
        for size, chance in zip(stage.sizes, stage.chances, strict=True)
        if chance > 0
    ]


def _trial(trainer: Trainer, plan: Plan, stage: int, chance: float, size: Size) -> Trial:
    only = Stage(1.0, plan.stages[stage].spacing, (size,), (1.0,))
    trainer.plan = replace(plan, stages=(only,), steps=plan.steps + TRIAL_STEPS, workers=0)
    device = trainer.fabric.device
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    batches, computing, making = trainer.batches(), [], []
    for _ in range(TRIAL_STEPS):
        began = time.perf_counter()
        row = trainer.advance(batches)
        took = time.perf_counter() - began
        making.append(row["wait"] * took)
        computing.append(took - making[-1])
    gpu = device.type == "cuda"
    memory = torch.cuda.max_memory_allocated(device) / 2**20 if gpu else peak_memory_mb()
    return Trial(stage, size, chance, min(computing), min(making), memory)
