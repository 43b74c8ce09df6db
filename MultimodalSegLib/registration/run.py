"""One registration at work: its two volumes, its runs of the optimiser, and what a listener hears of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import SimpleITK as sitk

from ..progress import Event, Progress
from .bend import Level
from .find import CHECK
from .optimize import Outcome, Step, optimize
from .pyramid import Pyramid
from .reliability import Judgement, judge


class Follower:
    """Turns iterations of the runs of a registration into events; a run that ends early counts as finished."""

    def __init__(self, progress: Progress, steps: tuple[Step | Level, ...]) -> None:
        self._progress = progress
        self._total = float(sum(step.iterations for step in steps))
        self._done = 0.0

    def iterations(self, step: Step | Level) -> Callable[[int, float], None]:
        """The observer for the next run."""
        before, self._done = self._done, self._done + step.iterations

        def on_iteration(number: int, value: float) -> None:
            done = before + min(number, step.iterations)
            self._progress(Event("register", done, self._total, f"{step.name}: {step.told(value)}"))

        self._progress(Event("register", before, self._total, step.name))
        return on_iteration

    def expect(self, steps: tuple[Step, ...]) -> None:
        """More runs than were planned."""
        self._total += float(sum(step.iterations for step in steps))

    def finish(self) -> None:
        self._progress(Event("register", self._total, self._total, "registered"))


@dataclass(frozen=True)
class Run:
    """The two volumes of one registration, and what all its runs of the optimiser share."""

    fixed: Pyramid
    moving: Pyramid
    modalities: tuple[str, str]
    seed: int
    initial: sitk.Transform | None
    follow: Follower

    def expect(self, steps: tuple[Step, ...]) -> None:
        """More runs than were planned are to come."""
        self.follow.expect(steps)

    def improve(self, transform: sitk.Transform, steps: tuple[Step, ...]) -> Outcome:
        """Refine a transform in place, step by step."""
        return [self._optimize(transform, step, self.initial) for step in steps][-1]

    def judge(self, transform: sitk.Transform) -> Judgement:
        """The estimated error of a transform."""
        listener = self.follow.iterations(CHECK)
        return judge(self.fixed, self.moving, transform, self.modalities, seed=self.seed, on_iteration=listener)

    def _optimize(self, transform: sitk.Transform, step: Step, before: sitk.Transform | None) -> Outcome:
        fixed, moving = self.fixed.level(step.spacing), self.moving.level(step.spacing)
        observer = self.follow.iterations(step)
        return optimize(
            fixed, moving, self.fixed.head, transform, step, seed=self.seed, before=before, on_iteration=observer
        )
