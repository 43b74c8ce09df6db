"""A network together with what it is to learn: from a batch to one number."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from .batch import Batch

LossOf = Callable[..., tuple[Tensor, Mapping[str, float]]]
"""``(output, sample, fraction, step, spacing, deep) -> (loss, parts)`` as
:class:`~MultimodalSegLib.training.objective.Objective`."""


class Task(nn.Module):
    """The mean loss of a batch; each sample is judged on its own, so that a batch is nothing but a mean.

    An objective that is itself a module (one with projections to learn, say) is trained and saved with the network.

    Args:
        network: called with images, present and family of the batch and the spacing; gives a
            :class:`~MultimodalSegLib.networks.outputs.FusionOutput`.
        objective: the loss of one sample; see :data:`LossOf`.
    """

    def __init__(self, network: nn.Module, objective: LossOf) -> None:
        super().__init__()
        self.network, self.objective = network, objective

    def forward(self, batch: Batch, fraction: float, step: int, spacing: float) -> tuple[Tensor, dict[str, float]]:
        """The loss and its parts.

        Args:
            batch: on the network's device.
            fraction: of the run that is over, 0 to 1.
            step: number of the step.
            spacing: millimetres per voxel, isotropic.
        """
        output = self.network(batch.images, batch.present, batch.family, (spacing,) * 3)
        with torch.autocast(batch.images.device.type, enabled=False):  # losses need their 32 bits
            return mean_loss([self.judged(output, batch, n, fraction, step, spacing) for n in range(len(batch))])

    def judged(
        self, output: Any, batch: Batch, n: int, fraction: float, step: int, spacing: float
    ) -> tuple[Tensor, Mapping[str, float]]:
        """The loss of sample ``n`` against its labels, and its parts."""
        one = of_sample(output, n)
        return self.objective(one, batch.sample(n), fraction, step, (spacing,) * 3, one.deep)


def mean_loss(losses: Sequence[tuple[Tensor, Mapping[str, float]]]) -> tuple[Tensor, dict[str, float]]:
    """The mean of the losses of several samples, and of each part."""
    parts: dict[str, float] = {}
    for _, found in losses:
        for name, value in found.items():
            parts[name] = parts.get(name, 0.0) + value / len(losses)
    return torch.stack([loss for loss, _ in losses]).mean(), parts


def of_sample(output: Any, n: int) -> Any:
    """The answer for sample ``n`` alone; tensors keep a batch axis of length 1."""
    if isinstance(output, Tensor):
        return output[n : n + 1]
    if isinstance(output, tuple) and hasattr(output, "_fields"):
        return type(output)(*(of_sample(value, n) for value in output))
    if isinstance(output, tuple | list):
        return type(output)(of_sample(value, n) for value in output)
    return output
