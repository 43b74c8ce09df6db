"""The flow from an interpolated volume to one with detail, step by step, in windows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise, product

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ..inference.windows import gaussian, window_starts
from ..networks.detail_net import Conditions, DetailNet

TIMES = 1000
"""Time steps of MONAI's scheduler, which counts down: this many at the start of the flow, 0 at its end."""

VARIANCE = 0.02
"""Of detail, on the scale of normalized images, as it is on average."""

GAIN = 5.0
"""Detail is about so many times smaller than the image itself; the network is shown both at one size."""

LEAST_NOISE = 1e-3
"""Stands for the noise of a regression, which has none."""

WINDOW = 96
"""Voxels along the edge of what the network sees at once."""

Report = Callable[[float], None]
"""Takes the finished fraction, 0 to 1; may raise to stop."""


def likely_detail(
    network: DetailNet, state: Tensor, start: Tensor, distance: Tensor, times: Tensor, known: Conditions
) -> Tensor:
    """The mean of the detail that fits what the flow has made so far, (B, 1, D, H, W).

    Args:
        network: a :class:`~MultimodalSegLib.networks.detail_net.DetailNet`, or the average of one.
        state: (B, 1, D, H, W) of the flow.
        start: (B, 1, D, H, W), the interpolated volume.
        distance: (B, D), millimetres to the nearest slice.
        times: (B,), as the scheduler counts them.
        known: conditions.
    """
    away = (distance / 3)[:, None, :, None, None].expand_as(start)
    return likely_change(network, state, start, away, times, known)


def likely_change(
    network: DetailNet,
    state: Tensor,
    start: Tensor,
    others: Tensor,
    times: Tensor,
    known: Conditions,
    variance: float = VARIANCE,
) -> Tensor:
    """The mean of what is to be added to ``start``, of all that fits what the flow has made so far.

    A flow from ``start`` with noise to ``start`` with detail has the velocity (detail - (state - start)) / (1 - time):
    asked for the detail and not for the velocity, a network need not find the noise again, and the last step leaves
    none (Li and He, "Back to basics", 2025). What can be told from the flow's state alone, voxel by voxel, is added
    to the network's answer; it has to find the rest (preconditioning, Karras et al., NeurIPS 2022).

    Args:
        network: a :class:`~MultimodalSegLib.networks.detail_net.DetailNet`, or the average of one.
        state: (B, 1, D, H, W) of the flow.
        start: (B, 1, D, H, W), from where the flow goes, without its noise.
        others: (B, C, D, H, W), what else the network sees.
        times: (B,), as the scheduler counts them.
        known: conditions.
        variance: of what is to be added, on the scale of normalized images.

    Returns:
        (B, 1, D, H, W).
    """
    time = 1 - times / TIMES
    noise = ((1 - time) * max(network.config.noise, LEAST_NOISE)).square()
    both = noise + time.square() * variance
    share = (time * variance / both)[:, None, None, None, None]
    rest = (variance * noise / both).sqrt()[:, None, None, None, None]
    told = share * (state - start)
    found: Tensor = network(torch.cat([GAIN * told, start, others], dim=1), time, known)
    return told + rest * found.float()


@dataclass(frozen=True)
class Sampler:
    """Draws volumes with detail.

    Args:
        network: in evaluation mode, on ``device``.
        device: where to compute.
        precision: of the convolutions, ``torch.float32`` or a 16-bit type.
        steps: of the flow; a regression answers in one.
        window: voxels along the edge of what the network sees at once, a multiple of its stride.
    """

    network: DetailNet
    device: torch.device
    precision: torch.dtype = torch.float32
    steps: int = 4
    window: int = WINDOW

    @torch.inference_mode()
    def sample(
        self, start: np.ndarray, distance: np.ndarray, known: Conditions, seed: int, report: Report = lambda _: None
    ) -> np.ndarray:
        """One volume with detail.

        Args:
            start: (D, H, W) float32 normalized, interpolated.
            distance: (D,) millimetres to the nearest slice.
            known: conditions of this volume, a batch of one.
            seed: of the noise from which the flow starts.
            report: told after each window.

        Returns:
            (D, H, W) float32 normalized.
        """
        from monai.networks.schedulers import RFlowScheduler

        given, cut = self._padded(torch.from_numpy(start))
        away, _ = self._padded(torch.from_numpy(distance)[:, None, None].expand(start.shape))
        noise = torch.randn(given.shape, generator=torch.Generator().manual_seed(seed))
        config = self.network.config
        state = given + config.noise * noise.to(self.device)
        steps = self.steps if config.is_flow else 1
        flow = RFlowScheduler(TIMES, use_discrete_timesteps=False)
        flow.set_timesteps(steps)
        times = [*(float(time) for time in flow.timesteps), 0.0]
        for n, (now, after) in enumerate(pairwise(times)):
            told = lambda part, n=n: report((n + part) / steps)  # noqa: E731
            detail = self._detail(state, given, away[:, 0, 0], now, known, told)
            state, _ = flow.step((detail - (state - given)) * (TIMES / now), now, state, after)
        return state[cut].cpu().numpy()

    def _detail(
        self, state: Tensor, start: Tensor, distance: Tensor, time: float, known: Conditions, report: Report
    ) -> Tensor:
        """Of the whole volume, (D, H, W), from windows that overlap by a quarter."""
        shape, stride = tuple(state.shape), self.network.config.stride
        size = [min(self.window, n) for n in shape]
        corners = list(product(*(window_starts(n, w, stride) for n, w in zip(shape, size, strict=True))))
        importance = gaussian(size).to(self.device)
        total, weight = torch.zeros_like(state), torch.zeros_like(state)
        times, told = torch.full((1,), time, device=self.device), known.to(self.device)
        mixed = self.precision != torch.float32
        for n, corner in enumerate(corners):
            part = tuple(slice(c, c + w) for c, w in zip(corner, size, strict=True))
            with torch.autocast(self.device.type, self.precision if mixed else None, enabled=mixed):
                found = likely_detail(
                    self.network, state[part][None, None], start[part][None, None], distance[None, part[0]], times, told
                )
            total[part] += found[0, 0].float() * importance
            weight[part] += importance
            report((n + 1) / len(corners))
        return total / weight

    def _padded(self, array: Tensor) -> tuple[Tensor, tuple[slice, ...]]:
        """A volume with its last voxels repeated up to multiples of the stride, and where it lies in that."""
        stride = self.network.config.stride
        missing: list[int] = [(-n) % stride for n in array.shape]
        pad: Sequence[int] = [0, missing[2], 0, missing[1], 0, missing[0]]
        padded = F.pad(array.float()[None, None], pad, mode="replicate")[0, 0]
        return padded.to(self.device), tuple(slice(0, n) for n in array.shape)
