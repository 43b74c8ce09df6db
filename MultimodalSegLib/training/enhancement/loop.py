"""Training an enhancement model: pairs of volumes in, an averaged network out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ...enhancement.flow import TIMES, likely_detail
from ...networks.detail_net import DetailConfig
from ..flow_loop import FlowTrainer
from ..means import Means
from ..samples import FAMILIES
from .batch import patches
from .plan import DetailPlan
from .samples import DetailPair, DetailPairs, held_out_pairs


class DetailTrainer(FlowTrainer[DetailPair, DetailPlan]):
    """A run that can be stopped and continued.

    The network learns the detail to which a rectified flow (Liu et al., ICLR 2023) leads from the interpolated volume
    with a little noise; without noise, and always at the start of the flow, that is a regression.

    Args:
        plan: every choice.
        paths: label maps to train on.
        held_out: label maps for validation.
        out: folder for state and log; a state that is there is taken up.

    Raises:
        InputError: ``out`` holds a damaged state.
    """

    stage = "enhance"

    def __init__(self, plan: DetailPlan, paths: Sequence[Path], held_out: Sequence[Path], out: Path) -> None:
        config = DetailConfig(len(FAMILIES), plan.widths, plan.blocks, noise=plan.noise)
        super().__init__(plan, config, paths, held_out, out)

    def dataset(self) -> DetailPairs:
        """The pairs of the run by number."""
        return DetailPairs(self.paths, self.plan)

    def validation(self) -> list[DetailPair]:
        """Pairs of label maps that are not trained on."""
        return held_out_pairs(self.held_out, self.plan)

    def errors(self, volumes: Sequence[DetailPair], rng: np.random.Generator) -> Tensor:
        """Mean squared error of the detail, (B,), weighted by how much there is to find."""
        batch = patches(volumes, self.plan.patch, rng).to(self.device)
        torch.manual_seed(int(rng.integers(2**31)))
        times = self.times(len(volumes))
        begin = batch.start + self.plan.noise * torch.randn_like(batch.start)
        state = self.flow.add_noise(batch.truth, begin, times)
        with self.mixed():
            found = likely_detail(self.network, state, batch.start, batch.distance, times, batch.known)
        errors = F.mse_loss(found.float(), batch.truth - batch.start, reduction="none").mean((1, 2, 3, 4))
        return errors * batch.weight

    @torch.inference_mode()
    def score(self, volumes: Sequence[DetailPair]) -> dict[str, float]:
        """Mean gain of the averaged network's first answer over the interpolated start, dB, in the middle patch."""
        means = Means()
        at_start = torch.full((1,), float(TIMES), device=self.device)
        network: Any = self.average.network
        for n, pair in enumerate(volumes):
            batch = patches([pair], self.plan.patch)
            noise = torch.randn(batch.start.shape, generator=torch.Generator().manual_seed(n))
            batch, noise = batch.to(self.device), noise.to(self.device)
            begin = batch.start + self.plan.noise * noise
            detail = likely_detail(network, begin, batch.start, batch.distance, at_start, batch.known)
            left = F.mse_loss(batch.start + detail.float(), batch.truth)
            gain = 10 * torch.log10(F.mse_loss(batch.start, batch.truth) / left)
            means.add({f"gain_{FAMILIES[pair.family]}": float(gain)})
        return means.take()
