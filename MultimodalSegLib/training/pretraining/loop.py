"""The pre-training loop, resumable at any moment."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch.utils.data import DataLoader

from ...errors import Cancelled, OutOfMemoryError, OutputError, TrainingError
from ...inference.memory import is_out_of_memory
from ...progress import Event, Progress, silent
from ..batch import StepSampler
from ..checkpoint import LAST, check_same_model, read_state, write_state
from ..curves import LOG, Table
from ..data.cache import PreparedCase
from ..means import Means
from ..schedule import learning_rate
from ..workers import prepare_worker
from .crops import Views, ViewSamples, side_by_side
from .encoder_file import write_encoder
from .learner import Learner, follow, hold_prototypes, momentum, teacher_of
from .loss import learning_loss
from .plan import PretrainingPlan

if TYPE_CHECKING:
    from lightning_fabric import Fabric

KEYS = ("student", "teacher", "recent", "optimizer", "scaler", "step", "seconds", "plan", "model")
"""What a state holds."""


class Pretrainer:
    """A pre-training run on one device.

    What a step does depends on the plan and the step's number alone, so that a run that was stopped ends with the same
    weights.

    Args:
        plan: every choice.
        cases: prepared volumes.
        out: folder for state, log and encoder.
        fabric: launched, one process.

    Raises:
        InputError: ``out`` holds the state of another network, or a damaged one.
    """

    def __init__(self, plan: PretrainingPlan, cases: Sequence[PreparedCase], out: Path, fabric: Fabric) -> None:
        self.plan, self.cases, self.out, self.fabric = plan, tuple(cases), out, fabric
        self.step, self.seconds = 0, 0.0
        self.recent = torch.zeros(0, plan.prototypes, device=fabric.device)
        torch.manual_seed(plan.seed)
        self.student = Learner(plan)
        self.teacher = teacher_of(self.student).to(fabric.device)
        learned = [parameter for parameter in self.student.parameters() if parameter.requires_grad]
        optimizer = torch.optim.AdamW(learned, lr=plan.learning_rate, weight_decay=plan.weight_decay)
        self.module, self.optimizer = fabric.setup(self.student, optimizer)
        if (out / LAST).exists():
            self._load(read_state(out / LAST, KEYS))

    def run(self, progress: Progress = silent) -> None:
        """Learn to the last step of the plan, and write the teacher's encoder and decoder.

        Raises:
            Cancelled: ``progress`` asked to stop; the state is saved.
            TrainingError: the loss is no number anymore; the last good state is kept.
            OutOfMemoryError: the crops are too large; the state is saved.
            OutputError: the disk is full; the last state that was written is kept.
        """
        try:
            self._learn(progress)
        except Cancelled as error:
            self.save()
            what = f"Stopped after step {self.step} of {self.plan.steps}; the state is saved."
            raise Cancelled(what, "The same command goes on.") from error
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            self.save()
            crops = f"{self.plan.batch} volumes with crops of {' x '.join(map(str, self.plan.global_size))} voxels"
            hint = "Pre-train with a smaller --batch or --crop, into another folder."
            raise OutOfMemoryError(f"The memory is not enough for {crops}.", hint) from error
        self.export()

    def batches(self) -> Iterator[Views]:
        """The views of each step from the present one on."""
        workers = self.plan.workers
        loader = DataLoader(
            ViewSamples(self.cases, self.plan),
            batch_sampler=StepSampler(self.plan.training, self.step),
            collate_fn=side_by_side,
            num_workers=workers,
            prefetch_factor=2 if workers else None,
            worker_init_fn=prepare_worker,
        )
        return iter(loader)

    def advance(self, batches: Iterator[Views]) -> dict[str, float]:
        """One step; gives the loss, its parts, the spread of the features and the part of the time spent waiting.

        Raises:
            TrainingError: the loss is no number.
        """
        began = time.perf_counter()
        views = next(batches).to(self.fabric.device)
        waited = time.perf_counter() - began
        self.optimizer.zero_grad(set_to_none=True)
        with self.fabric.autocast():
            loss, parts, said = learning_loss(self.module, self.teacher, views, self.plan, self.step, self.recent)
        if not bool(torch.isfinite(loss)):
            raise TrainingError(
                f"The loss of step {self.step} is no number; the last good state is kept in {self.out}.",
                "Look for a volume with strange values, or use another precision.",
            )
        self.fabric.backward(loss)
        if self.step < self.plan.frozen_steps:
            hold_prototypes(self.student)
        self.recent = torch.cat([said.float(), self.recent])[: self.plan.queue]
        norm = self.fabric.clip_gradients(
            self.module, self.optimizer, max_norm=self.plan.clip, error_if_nonfinite=False
        )
        rate = learning_rate(self.plan.training, self.step)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        if bool(torch.isfinite(norm)) or self._precision.state_dict():  # a scaler skips such steps itself
            self.optimizer.step()
        follow(self.teacher, self.student, momentum(self.plan, self.step))
        self.step += 1
        seconds = time.perf_counter() - began
        self.seconds += seconds
        end = {"gradient_norm": float(norm), "learning_rate": rate, "wait": waited / seconds}
        return {"loss": float(loss.detach()), **parts, **end}

    def save(self) -> None:
        """Write everything needed to go on.

        Raises:
            OutputError: the disk is full; the file before it stays.
        """
        self.out.mkdir(parents=True, exist_ok=True)
        write_state(self._state(), self.out / LAST)

    def export(self) -> None:
        """Write the teacher's encoder and decoder.

        Raises:
            OutputError: it cannot be written.
        """
        plan = self.plan.to_dict()
        entry = {
            "network": plan["network"],
            "families": plan["families"],
            "spacing": self.plan.spacing,
            "steps": self.step,
            "volumes": len(self.cases),
            "pretraining": {name: value for name, value in plan.items() if name not in ("network", "families")},
        }
        write_encoder(self.out, self.teacher.kept(), entry)

    def _learn(self, progress: Progress) -> None:
        batches, means, text = self.batches(), Means(), ""
        self.out.mkdir(parents=True, exist_ok=True)
        log = self._guarded(lambda: Table(self.out / LOG, self.step))
        progress(Event("pretrain", self.step, self.plan.steps, text))
        while self.step < self.plan.steps:
            means.add(self.advance(batches))
            last = self.step == self.plan.steps
            if last or self.step % self.plan.log_steps == 0:
                row = means.take()
                text = f"loss {row['loss']:.3f}, spread {row['spread']:.3f}, waiting {row['wait']:.0%}"
                self._guarded(lambda row=row: log.add({"step": self.step, "seconds": self.seconds, **row}))
            if last or self.step % self.plan.checkpoint_steps == 0:
                self.save()
            progress(Event("pretrain", self.step, self.plan.steps, text))

    def _guarded(self, write: Any) -> Any:
        try:
            return write()
        except OSError as error:
            raise OutputError(
                f"Cannot write into {self.out}: {error.strerror}.", "Free some disk space or choose another folder."
            ) from error

    @property
    def _precision(self) -> Any:
        return self.fabric.strategy.precision

    @property
    def _model(self) -> dict[str, Any]:
        return {
            "network": self.plan.config.to_dict(),
            "network_classes": [],
            "modality_families": list(self.plan.families),
        }

    def _state(self) -> dict[str, Any]:
        return {
            "student": self.student.state_dict(),
            "teacher": self.teacher.state_dict(),
            "recent": self.recent,
            "optimizer": self.optimizer.state_dict(),
            "scaler": self._precision.state_dict(),
            "step": self.step,
            "seconds": self.seconds,
            "plan": self.plan.to_dict(),
            "model": self._model,
        }

    def _load(self, state: Mapping[str, Any]) -> None:
        check_same_model(state["model"], self._model, self.out)
        self.student.load_state_dict(state["student"])
        self.teacher.load_state_dict(state["teacher"])
        self.recent = state["recent"].to(self.fabric.device)
        self.optimizer.load_state_dict(state["optimizer"])
        self._precision.load_state_dict(state["scaler"])
        self.step, self.seconds = state["step"], state["seconds"]
