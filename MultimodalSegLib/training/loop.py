"""The training loop: made-up patients in, averaged weights out, resumable at any time."""

from __future__ import annotations

import csv
import math
import multiprocessing
import os
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.utils.data import DataLoader

from ..errors import InputError
from ..losses.topology import TopologyLoss
from ..networks.build import build_network
from ..networks.device import choose_device, choose_precision
from ..progress import Event, Progress, silent
from ..synthesis.anatomy import head_classes
from .objective import Objective
from .plan import Plan
from .samples import FAMILIES, Sample, SampleStream

WARM_UP_STEPS = 200
TOPOLOGY_STRUCTURES = ("lateral ventricle", "hippocampus")
"""Structures whose components, rings and hollows count in the last part of the training."""


def network_config(plan: Plan) -> dict[str, Any]:
    """The ``network`` entry of the bundle that a plan leads to."""
    return {
        "kind": "fusion",
        "families": len(FAMILIES),
        "classes": len(head_classes()["classes"]),
        "widths": list(plan.widths),
        "stride": 2 ** len(plan.widths),
    }


class Trainer:
    """A run that can be stopped and continued.

    Args:
        plan: every choice.
        labels: folder of label maps (NIfTI), SynthSeg's numbers.
        out: folder for ``state.pt`` (everything needed to continue) and ``log.csv``.

    Raises:
        InputError: no label map to train on.
    """

    def __init__(self, plan: Plan, labels: Path, out: Path) -> None:
        paths = sorted(p for p in labels.glob("*.nii*") if p.name.split(".")[0] not in plan.held_out)
        if not paths:
            raise InputError(f"{labels} holds no label map to train on.", "Give a folder with .nii.gz label maps.")
        self.plan, self.paths, self.out = plan, paths, out
        torch.manual_seed(plan.seed)
        self.network = build_network(network_config(plan))
        self.device = choose_device("auto")
        # float16 would need a gradient scaler; such devices train in float32
        self.mixed = choose_precision(self.device) is torch.bfloat16
        self.network.to(self.device)
        self.average = {k: v.detach().clone().float() for k, v in self.network.state_dict().items()}
        self.optimizer = torch.optim.AdamW(
            self.network.parameters(), lr=plan.learning_rate, weight_decay=plan.weight_decay
        )
        channels = [n for n, entry in enumerate(head_classes()["classes"]) if entry["name"] in TOPOLOGY_STRUCTURES]
        self.objective = Objective(topology=TopologyLoss(), topology_channels=channels)
        self.step, self.seconds = 0, 0.0
        out.mkdir(parents=True, exist_ok=True)
        if self.state_path.exists():
            self._load()

    @property
    def state_path(self) -> Path:
        return self.out / "state.pt"

    @property
    def fraction(self) -> float:
        """Part of the time budget that is spent, 0 to 1."""
        return self.seconds / (60.0 * self.plan.minutes)

    def run(self, progress: Progress = silent) -> None:
        """Train until the budget is spent."""
        shared = multiprocessing.Value("d", self.fraction)
        stream = SampleStream(self.paths, self.plan, self.step, shared)
        loader = DataLoader(stream, batch_size=None, num_workers=1, prefetch_factor=3)
        samples = iter(loader)
        saved = self.seconds
        running: dict[str, float] = {}
        while self.fraction < 1.0:
            started = time.perf_counter()
            parts = self._train_step(next(samples))
            self.seconds += time.perf_counter() - started
            shared.value = self.fraction
            running = {k: 0.98 * running.get(k, v) + 0.02 * v for k, v in parts.items()}
            if self.step % 20 == 0:
                self._log(running)
                text = " ".join(f"{k} {v:.3f}" for k, v in running.items())
                progress(Event("train", self.seconds, 60.0 * self.plan.minutes, f"step {self.step}: {text}"))
            if self.seconds - saved > 60.0 * self.plan.checkpoint_minutes:
                self.save()
                saved = self.seconds
        self.save()

    def _train_step(self, sample: Sample) -> dict[str, float]:
        for group in self.optimizer.param_groups:
            group["lr"] = self.plan.learning_rate * self._schedule()
        self.network.train()
        images, family = sample.images.to(self.device), sample.family.to(self.device)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.mixed):
            output = self.network(images, torch.ones_like(family, dtype=torch.bool), family)
        moved = Sample(*(value.to(self.device) for value in vars(sample).values()))
        spacing = self.plan.stage(self.fraction).spacing
        loss, parts = self.objective(output, moved, self.fraction, self.step, (spacing, spacing, spacing))
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        norm = nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        if torch.isfinite(norm):
            self.optimizer.step()
        parts["skipped"] = float(not torch.isfinite(norm))
        self.step += 1
        self._update_average()
        return parts

    def _schedule(self) -> float:
        warm_up = min(1.0, (self.step + 1) / WARM_UP_STEPS)
        return warm_up * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(1.0, self.fraction))))

    def _update_average(self) -> None:
        decay = min(self.plan.ema_decay, (1 + self.step) / (10 + self.step))
        for name, value in self.network.state_dict().items():
            self.average[name].lerp_(value.detach().float(), 1 - decay)

    def _log(self, parts: Mapping[str, float]) -> None:
        path = self.out / "log.csv"
        new = not path.exists()
        with path.open("a", newline="") as file:
            writer = csv.writer(file)
            if new:
                writer.writerow(["step", "seconds", *parts])
            writer.writerow([self.step, f"{self.seconds:.1f}", *(f"{v:.4f}" for v in parts.values())])

    def save(self) -> None:
        """Write everything needed to continue; an interrupted write leaves the previous state."""
        state = {
            "network": self.network.state_dict(),
            "average": self.average,
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
            "seconds": self.seconds,
            "plan": asdict(self.plan),
        }
        part = self.state_path.with_suffix(".part")
        torch.save(state, part)
        os.replace(part, self.state_path)

    def _load(self) -> None:
        state = torch.load(self.state_path, map_location=self.device, weights_only=True)
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.average = state["average"]
        self.step, self.seconds = state["step"], state["seconds"]
