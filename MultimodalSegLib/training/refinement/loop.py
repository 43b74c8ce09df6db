"""Training a click model: volumes in, an averaged head out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from monai.losses.dice import DiceCELoss

from ...networks.click_net import ClickNet
from ..means import Means
from ..volume_loop import VolumeTrainer
from .plan import ClickPlan
from .samples import ClickVolume, ClickVolumes, held_out_lesions
from .turns import Turn, as_batch, first_turn

SCORED_CLICKS = (1, 3, 5)


class ClickTrainer(VolumeTrainer[ClickVolume, ClickPlan]):
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

    stage = "refine"

    def __init__(
        self, plan: ClickPlan, network: ClickNet, paths: Sequence[Path], held_out: Sequence[Path], out: Path
    ) -> None:
        self.network = network.eval()
        self.paths, self.held_out = paths, held_out
        self.spacing = float(network.config.trunk.spacing[0])
        self.loss = DiceCELoss(sigmoid=True, lambda_ce=0.5)
        super().__init__(plan, network.head, network.config.to_dict(), out)

    def dataset(self) -> ClickVolumes:
        """The volumes of the run by number."""
        return ClickVolumes(self.paths, self.network, self.plan)

    def validation(self) -> list[ClickVolume]:
        """Volumes of label maps that are not trained on, each with one lesion."""
        return held_out_lesions(self.held_out, self.network, self.plan)

    def useful(self, volume: ClickVolume) -> bool:
        """Whether it shows any object."""
        return len(volume.targets) > 0

    def learn(self) -> dict[str, float]:
        """Learn from groups of objects, click after click; one update for each click."""
        means = Means()
        rng = np.random.default_rng((self.plan.seed, 1, self.step))
        for _ in range(-(-self.plan.targets // self.plan.batch)):
            size = int(rng.choice(self.plan.crops))
            chosen = self._objects(rng)
            turns = [first_turn(volume.targets[n].numpy(), size, rng) for volume, n in chosen]
            for _ in range(int(rng.integers(1, self.plan.clicks + 1))):
                turns, said = self._click([volume for volume, _ in chosen], turns, rng)
                means.add(said)
        return means.take()

    def _objects(self, rng: np.random.Generator) -> list[tuple[ClickVolume, int]]:
        """As many objects as are learnt from at once, of different volumes while there are enough.

        All volumes have equally many modalities, so that the objects make one batch: five times as fast as one by one.
        """
        count, modalities = self.plan.batch, len(self.recent[rng.integers(len(self.recent))].images)
        alike = [volume for volume in self.recent if len(volume.images) == modalities]
        order = [*rng.permutation(len(alike)), *rng.integers(0, len(alike), count)][:count]
        return [(alike[n], int(rng.integers(len(alike[n].targets)))) for n in order]

    def _click(
        self, volumes: Sequence[ClickVolume], turns: Sequence[Turn], rng: np.random.Generator
    ) -> tuple[list[Turn], dict[str, float]]:
        """One update, and the next click at each object."""
        self.optimizer.zero_grad(set_to_none=True)
        inputs = [turn.inputs(volume, self.spacing) for volume, turn in zip(volumes, turns, strict=True)]
        logits = self.trained(*(part.to(self.device) for part in as_batch(inputs)))
        truth = torch.stack([turn.truth() for turn in turns])
        loss = self.checked(self.loss(logits, truth.to(self.device)))
        loss.backward()
        self.update()
        masks = (logits.detach() > 0)[:, 0].cpu().numpy()
        means = Means()
        for mask, turn in zip(masks, turns, strict=True):
            means.add({"loss": float(loss.detach()), "dice": overlap(mask, turn.target[turn.part])})
        return [turn.answered(mask, rng) for mask, turn in zip(masks, turns, strict=True)], means.take()

    @torch.inference_mode()
    def score(self, volumes: Sequence[ClickVolume]) -> dict[str, float]:
        """Mean Dice of the averaged head after 1, 3 and 5 clicks at the first object of each volume."""
        means = Means()
        for volume in volumes:
            turn = first_turn(volume.targets[0].numpy(), max(self.plan.crops), None)
            for click in range(1, max(SCORED_CLICKS) + 1):
                inputs = as_batch([turn.inputs(volume, self.spacing)])
                mask = (self.average.network(*(part.to(self.device) for part in inputs)) > 0)[0, 0].cpu().numpy()
                if click in SCORED_CLICKS:
                    means.add({f"dice{click}": overlap(mask, turn.target[turn.part])})
                turn = turn.answered(mask, None)
        return means.take()


def overlap(mask: np.ndarray, target: np.ndarray) -> float:
    """Dice of two masks, 1 if both are empty."""
    total = int(mask.sum()) + int(target.sum())
    return 2 * int((mask & target).sum()) / total if total else 1.0
