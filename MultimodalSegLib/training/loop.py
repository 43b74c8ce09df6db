"""The training loop: samples in, averaged weights out, resumable at any moment."""

from __future__ import annotations

import math
import time
import traceback
import warnings
from collections.abc import Callable, Generator, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch.utils.data import Dataset

from ..errors import Cancelled, OutOfMemoryError
from ..inference.memory import is_out_of_memory
from ..progress import Event, Progress, silent
from .batch import Batch
from .checkpoint import BEST
from .curves import Curves
from .means import Means
from .plan import Plan
from .plan_file import PLAN, write_plan
from .samples import Sample
from .smaller import smaller
from .steps import Steps
from .task import Task
from .validation import Validation, mean_score

if TYPE_CHECKING:
    from lightning_fabric import Fabric

MOST_SKIPPED = 50
"""So many steps in a row without a finite gradient end the run; a gradient scaler needs about 16 at its start."""


class Trainer(Steps):
    """A run that can be stopped and continued: steps, validation, checkpoints, curves.

    Put together by :func:`~MultimodalSegLib.training.start.prepare`; with another task, other samples or another
    validation it trains anything else.

    Args:
        plan: every choice.
        task: the network with its objective.
        samples: gives the samples of a plan by number.
        out: folder for the checkpoints, the plan and the curves.
        fabric: launched.
        model: entries of the metadata of the bundle that the run leads to; kept in the state.
        validation: scores the averaged weights; None for none.

    Raises:
        InputError: ``out`` holds the state of another network, or a damaged one.

    Example:
        >>> from MultimodalSegLib.training.start import prepare
        >>> trainer = prepare(Plan(labels="label-maps"), Path("run"))     # doctest: +SKIP
        >>> trainer.run()                                                 # doctest: +SKIP
    """

    def __init__(
        self,
        plan: Plan,
        task: Task,
        samples: Callable[[Plan], Dataset[Sample]],
        out: Path,
        fabric: Fabric,
        model: Mapping[str, Any],
        validation: Validation | None = None,
    ) -> None:
        super().__init__(plan, task, samples, out, fabric, model)
        self.validation, self.dice = validation, math.nan
        self._stopping, self._shrunk, self._text = False, False, ""
        self._batches: Generator[Batch, None, None] | None = None

    def run(self, progress: Progress = silent) -> None:
        """Train to the last step of the plan.

        Raises:
            Cancelled: ``progress`` asked to stop; the state is saved.
            TrainingError: the loss is no number anymore; the last good state and the batch are kept.
            OutOfMemoryError: a smaller part or crop was not enough; the state is saved.
            OutputError: the disk is full; the last state that was written is kept.
        """
        curves = None
        if self.fabric.is_global_zero:
            write_plan(self.plan, self.out / PLAN)
            curves = Curves(self.out, self.step)
        try:
            self._train(curves, progress)
        finally:
            self._close_batches()
            if curves:
                curves.close()

    def _train(self, curves: Curves | None, progress: Progress) -> None:
        means, saved = Means(), time.monotonic()
        while self.step < self.plan.steps:
            try:
                means.add(self.advance(self._open_batches()))
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                self._shrink(error)
                self._tell(progress)
                continue
            if self.skipped >= MOST_SKIPPED:
                raise self.not_a_number(f"The gradients of {MOST_SKIPPED} steps up to {self.step} are no numbers")
            if self._due(self.plan.log_steps):
                self._log(curves, means.take())
            self._tell(progress)
            validated = self._due(self.plan.validation_steps)
            if validated:
                self._validate(curves, progress)
            stop = self.any_process(self._stopping)
            late = time.monotonic() - saved > 60.0 * self.plan.checkpoint_minutes
            if stop or validated or late or self._due(self.plan.checkpoint_steps):
                self.save()
                saved = time.monotonic()
            if stop:
                self.fabric.barrier()
                what = f"Stopped after step {self.step} of {self.plan.steps}; the state is saved."
                raise Cancelled(what, "The same command goes on.")
        if curves:
            curves.draw()

    def _shrink(self, error: BaseException) -> None:
        """After the memory was not enough: the same step again with less at once, but only the first time."""
        self.optimizer.zero_grad(set_to_none=True)
        traceback.clear_frames(error.__traceback__)  # they hold the features of the network
        if self.fabric.device.type == "cuda":
            torch.cuda.empty_cache()
        change = smaller(self.plan, int(self.model["network"]["stride"]))
        if self._shrunk or change is None or self.fabric.world_size > 1:
            again = " again" if self._shrunk else ""
            if self.fabric.world_size == 1:
                self.save()
            raise OutOfMemoryError(
                f"The memory is not enough{again} at step {self.step}: {self._largest()}.",
                "Lower the crop sizes or raise 'accumulate' in the plan, or choose a smaller network.",
            ) from error
        self.plan, how = change
        self._shrunk = True
        self._text = f"The memory was not enough. {how}"
        warnings.warn(self._text, stacklevel=2)
        write_plan(self.plan, self.out / PLAN)
        self._close_batches()

    def _open_batches(self) -> Iterator[Batch]:
        """The batches of the run, begun when first asked for, or asked for again after :meth:`_close_batches`."""
        if self._batches is None:
            self._batches = self.batches()
        return self._batches

    def _close_batches(self) -> None:
        if self._batches is not None:
            self._batches.close()
            self._batches = None

    def _largest(self) -> str:
        _, size = self.plan.crop(self.step)
        return f"{self.plan.part} samples of {' x '.join(map(str, size))} voxels at once"

    def _log(self, curves: Curves | None, row: Mapping[str, float]) -> None:
        dice = "" if math.isnan(self.dice) else f", Dice {self.dice:.3f}"
        self._text = f"loss {row['loss']:.3f}{dice}, waiting {row['wait']:.0%}"
        if curves:
            curves.add_row({"step": self.step, "seconds": self.seconds, **row})

    def _validate(self, curves: Curves | None, progress: Progress) -> None:
        """Score the averaged weights, and keep them if they are the best so far."""
        if self.validation is None or not len(self.validation):
            return
        scores = self.validation(self.average.network, self.fabric, lambda: self._tell(progress))
        self.dice = mean_score(scores)
        if curves:
            curves.add_scores({"step": self.step, "mean": self.dice, **scores})
            curves.draw()
        if self.dice > self.best:
            self.best = self.dice
            self.save(BEST)

    def _tell(self, progress: Progress) -> None:
        """Say how far the run is; a wish to stop is remembered, so that all processes stop after the same step."""
        try:
            progress(Event("train", self.step, self.plan.steps, self._text))
        except Cancelled:
            self._stopping = True

    def _due(self, every: int) -> bool:
        return self.step % every == 0 or self.step == self.plan.steps
