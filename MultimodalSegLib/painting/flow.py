"""The flow from noise in place of a lesion to the lesion, step by step."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ..enhancement.flow import TIMES, Report, likely_change
from ..enhancement.intensities import noise_level
from ..networks.detail_net import Conditions, DetailNet
from .canvas import around, paint_weight, without_region

if TYPE_CHECKING:
    from collections.abc import Sequence

VARIANCE = 0.15
"""Of what a lesion changes, on the scale of normalized images, about as it is on average."""

IMAGES = 5
"""Channels: lesion so far, surroundings, mask, another scan that shows the lesion, what scan that is."""

OTHER = {None: 0.0, "CT": 1.0, "MR": -1.0}
"""How the network is told what the other scan is: absent, CT or MRI."""


@dataclass(frozen=True)
class Seen:
    """A scan that shows the lesion already, on the grid of the one that is painted.

    Args:
        image: (k, j, i) float32 normalized.
        family: ``"CT"`` or ``"MR"``.
    """

    image: np.ndarray
    family: str


def likely_lesion(
    network: DetailNet, state: Tensor, start: Tensor, weight: Tensor, others: Tensor, times: Tensor, known: Conditions
) -> Tensor:
    """The mean of what the lesion changes in ``start``, of all that fits what the flow has made so far.

    The formulation is that of inpainting: what lies outside of the region is given and stays as it is.

    Args:
        network: that paints, or the average of one.
        state: (B, 1, D, H, W) of the flow.
        start: (B, 1, D, H, W), from :func:`.canvas.without_region`.
        weight: (B, 1, D, H, W), from :func:`.canvas.paint_weight`.
        others: (B, 3, D, H, W): mask, other scan, and what that is (:data:`OTHER`).
        times: (B,), as the scheduler counts them.
        known: conditions, with the kind of lesion.

    Returns:
        (B, 1, D, H, W), 0 outside of the region.
    """
    return likely_change(network, state, start, others, times, known, VARIANCE) * (weight > 0)


@dataclass(frozen=True)
class Painter:
    """Paints lesions into volumes.

    Args:
        network: in evaluation mode, on ``device``.
        kinds: of lesions, as the network counts them.
        families: of modalities, as the network counts them.
        device: where to compute.
        steps: of the flow.
    """

    network: DetailNet
    kinds: tuple[str, ...]
    families: tuple[str, ...]
    device: torch.device
    steps: int = 8

    @torch.inference_mode()
    def paint(
        self,
        image: np.ndarray,
        mask: np.ndarray,
        kind: str,
        family: str,
        spacing: float,
        seed: int,
        other: Seen | None = None,
        report: Report = lambda _: None,
    ) -> np.ndarray:
        """Paint into one scan.

        The scans of a patient are painted one after the other, each but the first with one before as ``other``: what
        is drawn together is the first scan's lesion, and then the second's given the first's.

        Args:
            image: (k, j, i) float32 normalized, voxels as long in all directions.
            mask: same shape, bool, the lesion.
            kind: of :attr:`kinds`.
            family: of :attr:`families`.
            spacing: between voxels, mm.
            seed: of the noise from which the flow starts.
            other: a scan that shows the lesion already.
            report: told after each step.

        Returns:
            float32, same shape; voxels out of the reach of :func:`.canvas.paint_weight` are those of ``image``.
        """
        from monai.networks.schedulers import RFlowScheduler

        if not mask.any():
            return image
        part = around(mask)
        weight = paint_weight(mask[part])
        begun = without_region(image[part], weight)
        seen = np.zeros_like(begun) if other is None else other.image[part]
        what = np.full_like(begun, OTHER[other.family if other else None])
        given, region, *others = self._padded((begun, weight, mask[part].astype(np.float32), seen, what))
        known = Conditions(
            torch.tensor([self.families.index(family)]),
            torch.tensor([spacing], dtype=torch.float32),
            torch.tensor([noise_level(begun)], dtype=torch.float32),
            torch.tensor([self.kinds.index(kind)]),
        ).to(self.device)
        noise = torch.randn(given.shape, generator=torch.Generator().manual_seed(seed)).to(self.device)
        state = given + self.network.config.noise * (region > 0) * noise
        flow = RFlowScheduler(TIMES, use_discrete_timesteps=False)
        flow.set_timesteps(self.steps)
        times = [*(float(time) for time in flow.timesteps), 0.0]
        for n, (now, after) in enumerate(pairwise(times)):
            at = torch.full((1,), now, device=self.device)
            change = likely_lesion(self.network, state, given, region, torch.cat(others, 1), at, known)
            state, _ = flow.step((change - (state - given)) * (TIMES / now), now, state, after)
            report((n + 1) / self.steps)
        result = image.copy()
        found = state[0, 0][tuple(slice(0, n) for n in weight.shape)].cpu().numpy()
        result[part] = np.where(weight > 0, weight * found + (1 - weight) * image[part], image[part])
        return result

    def _padded(self, arrays: Sequence[np.ndarray]) -> list[Tensor]:
        """As (1, 1, D, H, W) with the last voxels repeated up to multiples of the stride."""
        stride = self.network.config.stride
        missing = [(-n) % stride for n in arrays[0].shape]
        pad = [0, missing[2], 0, missing[1], 0, missing[0]]
        tensors = [torch.from_numpy(np.ascontiguousarray(array, np.float32))[None, None] for array in arrays]
        return [F.pad(tensor, pad, mode="replicate").to(self.device) for tensor in tensors]
