"""Training a model that paints lesions: scans with lesions in, an averaged network out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ...enhancement.flow import TIMES
from ...networks.detail_net import DetailConfig
from ...painting.flow import IMAGES, likely_lesion
from ...synthesis.lesion_looks import KINDS
from ..flow_loop import FlowTrainer
from ..means import Means
from ..samples import FAMILIES
from .batch import patches
from .plan import PaintPlan
from .scenes import Scene, Scenes, held_out_scenes


class PaintTrainer(FlowTrainer[Scene, PaintPlan]):
    """A run that can be stopped and continued.

    The region of a lesion is taken out of a scan, and a rectified flow (Liu et al., ICLR 2023) learns to lead from
    noise in its place to what was there, told the mask, the kind of lesion and scan, the surroundings and, in a part
    of the cases, another scan of the patient that shows the lesion.

    Args:
        plan: every choice.
        paths: label maps to train on.
        held_out: label maps for validation.
        out: folder for state and log; a state that is there is taken up.

    Raises:
        InputError: ``out`` holds a damaged state.
    """

    stage = "paint"

    def __init__(self, plan: PaintPlan, paths: Sequence[Path], held_out: Sequence[Path], out: Path) -> None:
        config = DetailConfig(
            len(FAMILIES), plan.widths, plan.blocks, noise=plan.noise, images=IMAGES, kinds=len(KINDS)
        )
        super().__init__(plan, config, paths, held_out, out)

    def dataset(self) -> Scenes:
        """The scenes of the run by number."""
        return Scenes(self.paths, self.plan)

    def validation(self) -> list[Scene]:
        """Scenes of label maps that are not trained on."""
        return held_out_scenes(self.held_out, self.plan)

    def useful(self, volume: Scene) -> bool:
        """Whether a lesion is in view."""
        return volume.useful

    def errors(self, volumes: Sequence[Scene], rng: np.random.Generator) -> Tensor:
        """Of what was painted, (B,), as parts of those of the continued surroundings."""
        plan = self.plan
        batch = patches(volumes, plan.patch, plan.other_chance, rng).to(self.device)
        torch.manual_seed(int(rng.integers(2**31)))
        times = self.times(len(volumes))
        begin = batch.start + plan.noise * (batch.weight > 0) * torch.randn_like(batch.start)
        state = self.flow.add_noise(batch.truth, begin, times)
        with self.mixed():
            found = likely_lesion(self.network, state, batch.start, batch.weight, batch.others, times, batch.known)
        return batch.errors(found.float()) / batch.unpainted()

    @torch.inference_mode()
    def score(self, volumes: Sequence[Scene]) -> dict[str, float]:
        """Mean gain, dB, of the averaged network's first answer over the continued surroundings, within the lesion."""
        means = Means()
        at_start = torch.full((1,), float(TIMES), device=self.device)
        network: Any = self.average.network
        for n, scene in enumerate(volumes):
            batch = patches([scene], self.plan.patch, 0.0, np.random.default_rng(n))
            noise = torch.randn(batch.start.shape, generator=torch.Generator().manual_seed(n))
            batch, noise = batch.to(self.device), noise.to(self.device)
            begin = batch.start + self.plan.noise * (batch.weight > 0) * noise
            change = likely_lesion(network, begin, batch.start, batch.weight, batch.others, at_start, batch.known)
            gain = 10 * torch.log10(batch.unpainted() / batch.errors(change.float()))
            means.add({f"gain_{FAMILIES[int(batch.known.family[0])]}": float(gain[0])})
        return means.take()
