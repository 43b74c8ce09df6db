"""How well the averaged network does on samples that it is never trained on."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol, cast

import torch
from torch import Tensor, nn

from ..images.grid import Triple
from .batch import Batch, collate
from .plan import Size
from .samples import Sample

if TYPE_CHECKING:
    from lightning_fabric import Fabric


OVERLAP = 0.25
"""Part by which windows overlap."""


class Samples(Protocol):
    """Samples by number."""

    def __len__(self) -> int: ...
    def __getitem__(self, n: int) -> Sample: ...


class Validation:
    """Dice of each class over fixed samples, made-up crops or whole cases.

    Args:
        samples: each is asked for once and kept.
        names: of the classes by channel, the background first.
        window: (k, j, i) voxels; larger samples are answered in windows that overlap.
        spacing: millimetres per voxel in the order of the array's axes (k, j, i).
        lesion: the network has a lesion output, which is scored as one more class.
    """

    def __init__(
        self, samples: Samples, names: Sequence[str], window: Size, spacing: Triple, lesion: bool = True
    ) -> None:
        self.samples, self.channels, self.lesion = samples, len(names), lesion
        self.names = (*names[1:], "lesion") if lesion else tuple(names[1:])
        self.window, self.spacing = window, spacing
        self._made: dict[int, Batch] = {}

    def __len__(self) -> int:
        return len(self.samples)

    def __call__(self, network: nn.Module, fabric: Fabric, tell: Callable[[], None] = lambda: None) -> dict[str, float]:
        """Dice by class, the mean over the samples that hold the class; NaN where none does.

        Args:
            network: in evaluation mode, on the device of ``fabric``.
            fabric: its processes share the samples.
            tell: called after each sample.
        """
        shape = (len(self.samples), len(self.names), 3)
        counts = torch.zeros(shape, dtype=torch.float64, device=fabric.device)
        for n in range(fabric.global_rank, len(self.samples), fabric.world_size):
            if n not in self._made:
                self._made[n] = collate([self.samples[n]])
            batch = self._made[n].to(fabric.device)
            with torch.inference_mode(), fabric.autocast():
                structures, lesion = self._answer(network, batch)
            found = overlap(structures.argmax(1), batch.channel, self.channels)[1:]
            if self.lesion:
                found = torch.cat([found, overlap((lesion > 0).long(), batch.lesion.long(), 2)[1:]])
            counts[n] = found
            tell()
        if fabric.world_size > 1:
            counts = fabric.all_reduce(counts, reduce_op="sum")
        return dict(zip(self.names, mean_over_samples(counts.cpu()).tolist(), strict=True))

    def _answer(self, network: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
        """Logits of structures (1, K, ...) and lesion (1, 1 or 0, ...) of one sample, in windows where it is large."""

        def logits(images: Tensor) -> Tensor:
            present, family = (x.expand(len(images), -1) for x in (batch.present, batch.family))
            output = network(images, present, family, self.spacing)
            return torch.cat([output.structures, output.lesion], dim=1).float()

        if all(n <= w for n, w in zip(batch.images.shape[2:], self.window, strict=True)):
            answer = logits(batch.images)
        else:
            from monai.inferers import sliding_window_inference

            options = {"overlap": OVERLAP, "mode": "gaussian", "padding_mode": "replicate"}
            answer = cast(Tensor, sliding_window_inference(batch.images, self.window, 1, logits, **options))
        return answer[:, : self.channels], answer[:, self.channels :]


def overlap(predicted: Tensor, true: Tensor, channels: int) -> Tensor:
    """Voxels (channels, 3) of each channel that are hit, predicted and true."""
    hits = predicted[predicted == true]
    return torch.stack([x.flatten().bincount(minlength=channels) for x in (hits, predicted, true)], dim=1)


def mean_over_samples(counts: Tensor) -> Tensor:
    """Dice (classes,) from counts (samples, classes, 3), over the samples whose truth holds the class."""
    hits, predicted, true = counts.unbind(2)
    dice = 2 * hits / (predicted + true)
    return torch.where(true > 0, dice, torch.nan).nanmean(0)


def mean_score(scores: dict[str, float]) -> float:
    """Mean over the classes that were scored; NaN if none was."""
    known = [score for score in scores.values() if not math.isnan(score)]
    return sum(known) / len(known) if known else math.nan
