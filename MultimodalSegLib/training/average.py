"""The exponential moving average of a network's weights, which is what is kept of a run."""

from __future__ import annotations

import copy

import torch
from torch import nn


class AveragedNetwork:
    """A copy of a network whose weights follow it slowly (Polyak and Juditsky, SIAM J Control Optim 30:838, 1992).

    Args:
        network: the one in training.
        decay: part of the average that stays at each step; smaller in the first steps, so that the random beginning is
            forgotten.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.network = copy.deepcopy(network).eval().requires_grad_(False)
        self.decay = decay

    @torch.no_grad()
    def update(self, network: nn.Module, step: int) -> None:
        """Follow the network after its step number ``step``, counted from 1."""
        decay = min(self.decay, (1 + step) / (10 + step))
        newest = network.state_dict()
        for name, value in self.network.state_dict().items():
            if value.is_floating_point():
                value.lerp_(newest[name].to(value.dtype), 1 - decay)
            else:
                value.copy_(newest[name])
