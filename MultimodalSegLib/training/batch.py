"""Samples of one crop shape side by side, and which samples belong to which step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor
from torch.utils.data import Sampler

from .plan import Plan
from .samples import Sample


class Batch:
    """B samples side by side; where one has fewer modalities than another, absent ones fill the gap.

    Not a dataclass, because Fabric casts the fields of dataclasses, truth included, to the 16 bits of mixed precision.

    Args:
        images: (B, M, D, H, W) float32 normalized, 0 where absent.
        present: (B, M) bool.
        family: (B, M) int64, 0 where absent.
        channel: (B, D, H, W) int64.
        side: (B, 1, D, H, W) int8.
        lesion: (B, 1, D, H, W) float32.
    """

    def __init__(
        self, images: Tensor, present: Tensor, family: Tensor, channel: Tensor, side: Tensor, lesion: Tensor
    ) -> None:
        self.images, self.present, self.family = images, present, family
        self.channel, self.side, self.lesion = channel, side, lesion

    def __len__(self) -> int:
        return len(self.images)

    def sample(self, n: int) -> Sample:
        """Sample ``n`` with its present modalities alone."""
        here, one = self.present[n], slice(n, n + 1)
        images, family = self.images[one, here], self.family[one, here]
        return Sample(images, family, self.channel[one], self.side[one], self.lesion[one])

    def to(self, device: torch.device) -> Batch:
        """The same on a device."""
        return Batch(**{name: value.to(device, non_blocking=True) for name, value in vars(self).items()})

    def pin_memory(self) -> Batch:
        """The same where a GPU can fetch it without waiting; the data loader asks for it."""
        return Batch(**{name: value.pin_memory() for name, value in vars(self).items()})


def collate(samples: Sequence[Sample]) -> Batch:
    """Put samples of one crop shape side by side.

    Example:
        >>> volume = torch.zeros(1, 4, 4, 4)
        >>> one, two = (Sample(torch.zeros(1, m, 4, 4, 4), torch.zeros(1, m), *[volume] * 3) for m in (1, 2))
        >>> collate([one, two]).present
        tensor([[ True, False],
                [ True,  True]])
    """
    counts = [sample.images.shape[1] for sample in samples]
    most = max(counts)
    return Batch(
        torch.cat([_filled(sample.images, most) for sample in samples]),
        torch.tensor([[n < count for n in range(most)] for count in counts]),
        torch.cat([_filled(sample.family, most) for sample in samples]),
        *(torch.cat([getattr(sample, name) for sample in samples]) for name in ("channel", "side", "lesion")),
    )


def _filled(x: Tensor, most: int) -> Tensor:
    """(1, M, ...) -> (1, most, ...) with zeros behind."""
    return torch.cat([x, x.new_zeros(1, most - x.shape[1], *x.shape[2:])], dim=1) if x.shape[1] < most else x


class StepSampler(Sampler[list[int]]):
    """The numbers of the samples that one process computes, part by part, from a step on.

    Step s of a run has the samples ``s * batch`` to ``(s + 1) * batch - 1``, whatever was interrupted and however many
    processes share them.

    Args:
        plan: batch, accumulate, devices, steps.
        first: first step.
        rank: of this process.
    """

    def __init__(self, plan: Plan, first: int, rank: int = 0) -> None:
        self.plan, self.first, self.rank = plan, first, rank

    def __len__(self) -> int:
        return (self.plan.steps - self.first) * self.plan.accumulate

    def __iter__(self) -> Iterator[list[int]]:
        plan = self.plan
        for step in range(self.first, plan.steps):
            for turn in range(plan.accumulate):
                start = step * plan.batch + (turn * plan.devices + self.rank) * plan.part
                yield list(range(start, start + plan.part))
