"""Which parts of a network the images of a site really reach."""

from __future__ import annotations

from functools import partial

import numpy as np
import torch
from torch import Tensor, nn


class TrainedRows:
    """Remembers which rows of each parameter ever got a gradient that is not 0.

    The rows lie along the first axis: output channels of a convolution, modality families of an embedding. What no
    image reaches still drifts, by weight decay, and must not be averaged with what others learnt.

    Args:
        network: watched from now on.

    Example:
        >>> table = nn.Embedding(3, 2)
        >>> seen = TrainedRows(table)
        >>> table(torch.tensor([1])).sum().backward()
        >>> seen.arrays()["weight"].tolist()
        [False, True, False]
    """

    def __init__(self, network: nn.Module) -> None:
        self.rows: dict[str, Tensor] = {}
        self._buffers = [name for name in network.state_dict() if name not in dict(network.named_parameters())]
        self._shapes = {name: value.shape[:1] for name, value in network.state_dict().items()}
        for name, parameter in network.named_parameters():
            parameter.register_post_accumulate_grad_hook(partial(self._see, name))

    def _see(self, name: str, parameter: Tensor) -> None:
        if parameter.grad is None:
            return
        moved = parameter.grad.detach() != 0
        rows = moved.flatten(1).any(1) if moved.dim() > 1 else moved
        self.rows[name] = self.rows[name] | rows if name in self.rows else rows

    def arrays(self) -> dict[str, np.ndarray]:
        """By name, for every parameter and buffer; buffers count as trained."""
        found = {name: rows.cpu().numpy() for name, rows in self.rows.items()}
        missing = {name: np.full(shape, name in self._buffers) for name, shape in self._shapes.items()}
        return missing | found


def masked(value: Tensor, rows: Tensor) -> Tensor:
    """``value`` with zeros, without gradient, in the rows that are False."""
    return torch.where(rows.reshape(rows.shape + (1,) * (value.dim() - rows.dim())), value, 0.0)
