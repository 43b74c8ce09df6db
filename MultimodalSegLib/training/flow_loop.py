"""Training a rectified flow on volume after volume: what every such run does."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from monai.networks.schedulers import RFlowScheduler
from torch import Tensor

from ..enhancement.flow import TIMES
from ..networks.detail_net import DetailConfig, DetailNet
from .flow_plan import FlowPlan
from .means import Means
from .volume_loop import V, VolumeTrainer

P = TypeVar("P", bound=FlowPlan)


class FlowTrainer(VolumeTrainer[V, P]):
    """A run of a rectified flow (Liu et al., ICLR 2023); a kind of model says from where and to what the flow leads.

    Args:
        plan: every choice.
        config: of the network.
        paths: label maps to train on.
        held_out: label maps for validation.
        out: folder for state and log; a state that is there is taken up.

    Raises:
        InputError: ``out`` holds a damaged state.
    """

    def __init__(
        self, plan: P, config: DetailConfig, paths: Sequence[Path], held_out: Sequence[Path], out: Path
    ) -> None:
        self.paths, self.held_out = paths, held_out
        torch.manual_seed(plan.seed)
        network = DetailNet(config)
        network.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]
        self.network = network
        self.flow = RFlowScheduler(TIMES, use_discrete_timesteps=False)
        super().__init__(plan, network, config.to_dict(), out)

    @abstractmethod
    def errors(self, volumes: Sequence[V], rng: np.random.Generator) -> Tensor:
        """Of the network's answers for a patch of each volume, (B,), each weighted as it counts."""

    def learn(self) -> dict[str, float]:
        """Learn from patches of the newest volume and of recent ones."""
        means = Means()
        for turn in range(self.plan.updates):
            means.add(self._update(np.random.default_rng((self.plan.seed, 1, self.step, turn))))
        return means.take()

    def times(self, count: int) -> Tensor:
        """Where in the flow each patch is, (B,) as the scheduler counts: at its start, or anywhere."""
        device = self.device
        if not self.network.config.is_flow:
            return torch.full((count,), float(TIMES), device=device)
        anywhere: Tensor = self.flow.sample_timesteps(torch.empty(count, device=device))
        return torch.where(torch.rand(count, device=device) < self.plan.start_share, TIMES, anywhere)

    def mixed(self) -> torch.autocast:
        """The context in which the network computes."""
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.plan.precision == "bf16")

    def _update(self, rng: np.random.Generator) -> dict[str, float]:
        """One step of the optimizer, from patches of the newest volume and of others."""
        newest, count = len(self.recent) - 1, self.plan.batch
        order = [newest, *rng.permutation(newest), *rng.integers(0, newest + 1, count)][:count]
        self.optimizer.zero_grad(set_to_none=True)
        loss = self.checked(self.errors([self.recent[n] for n in order], rng).mean())
        loss.backward()
        self.update()
        return {"loss": float(loss.detach())}
