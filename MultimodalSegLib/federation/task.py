"""What a site minimizes between two messages."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

from ..images.grid import Triple
from ..training.batch import Batch
from ..training.task import LossOf, Task
from .objective import norm, proximal_term
from .trained_rows import TrainedRows, masked


class SiteTask(Task):
    """The loss of the site's images with the terms of the federation: mu / 2 ||w - w_0||^2 and lambda ||w||.

    Both count for the rows alone that images of the site have reached before (see :class:`TrainedRows`). The others
    belong to other sites, and their gradient stays 0, which is how they are known.

    Args:
        network: as for :class:`~MultimodalSegLib.training.task.Task`.
        objective: likewise.
        proximal: mu; 0 switches the term off.
        norm_weight: lambda; likewise.
    """

    def __init__(self, network: nn.Module, objective: LossOf, proximal: float = 0.0, norm_weight: float = 0.0) -> None:
        super().__init__(network, objective)
        self.proximal, self.norm_weight = proximal, norm_weight
        self.trained = TrainedRows(network)
        self.anchor: Mapping[str, Tensor] = {}

    def forward(self, batch: Batch, fraction: float, step: int, spacing: Triple) -> tuple[Tensor, dict[str, float]]:
        """The loss of a batch and its parts; see :meth:`Task.forward`."""
        loss, parts = super().forward(batch, fraction, step, spacing)
        rows = self.trained.rows
        if not rows or not (self.proximal or self.norm_weight):
            return loss, parts
        own = {name: value for name, value in self.network.named_parameters() if name in rows}
        near = proximal_term(
            {name: masked(value, rows[name]) for name, value in own.items()},
            {name: masked(self.anchor[name], rows[name]) for name in own if name in self.anchor},
            self.proximal,
        )
        small = self.norm_weight * norm(masked(value, rows[name]) for name, value in own.items())
        return loss + near + small, {**parts, "proximal": float(near.detach()), "norm": float(small.detach())}
