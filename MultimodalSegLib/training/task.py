"""A network together with what it is to learn: from a batch to one number."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from ..images.grid import Triple
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

    def forward(self, batch: Batch, fraction: float, step: int, spacing: Triple) -> tuple[Tensor, dict[str, float]]:
        """The loss and its parts.

        Args:
            batch: on the network's device.
            fraction: of the run that is over, 0 to 1.
            step: number of the step.
            spacing: millimetres per voxel in the order of the array's axes (k, j, i).
        """
        output = self.network(batch.images, batch.present, batch.family, spacing)
        loss = torch.zeros((), device=batch.images.device)
        parts: dict[str, float] = {}
        with torch.autocast(batch.images.device.type, enabled=False):  # losses need their 32 bits
            for n in range(len(batch)):
                one = _of_sample(output, n)
                each, found = self.objective(one, batch.sample(n), fraction, step, spacing, one.deep)
                loss = loss + each / len(batch)
                for name, value in found.items():
                    parts[name] = parts.get(name, 0.0) + value / len(batch)
        return loss, parts


def _of_sample(output: Any, n: int) -> Any:
    """The answer for sample ``n`` alone; tensors keep a batch axis of length 1."""
    if isinstance(output, Tensor):
        return output[n : n + 1]
    if isinstance(output, tuple) and hasattr(output, "_fields"):
        return type(output)(*(_of_sample(value, n) for value in output))
    if isinstance(output, tuple | list):
        return type(output)(_of_sample(value, n) for value in output)
    return output
