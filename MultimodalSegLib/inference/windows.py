"""The network's answer for a volume: in one shot, or put together from overlapping windows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from .mosaic import Mosaic

if TYPE_CHECKING:
    from ..networks.compiled import CompiledNetwork

Report = Callable[[float], None]
"""Takes the finished fraction, 0 to 1; may raise to stop."""


@dataclass(frozen=True)
class Prediction:
    """The network's answer on the working grid.

    Args:
        logits: (C, D, H, W) bfloat16, float16 or float32: K structures (0 is background), then side and lesion, as far
            as the network has these heads.
        presence: logit that there is a lesion, the largest of the windows; minus infinity without a head of lesions.
        modality_weights: (M,) mean fusion weight in what is not background, summing to 1.
        windows: number of passes through the network.
        fusion: (M, d, h, w) float32 fusion weights at the scale at which the network gives them, summing to 1 over the
            modalities.
        engine: that computed it.
    """

    logits: Tensor
    presence: float
    modality_weights: Tensor
    windows: int
    fusion: Tensor
    engine: str = "torch"


@dataclass(frozen=True)
class Engine:
    """A network, and how to run it.

    Args:
        network: in evaluation mode, on ``device``, or compiled.
        device: where to compute.
        precision: type of the convolutions, ``torch.float32`` or a 16-bit type (automatic mixed precision).
        name: ``"torch"``, or ``"openvino"`` for a compiled network, which has its own precision.
    """

    network: nn.Module | CompiledNetwork
    device: torch.device
    precision: torch.dtype
    name: str = "torch"

    def one_shot(self, images: Tensor, family: Tensor) -> Prediction:
        """Run on a whole volume.

        Args:
            images: (M, D, H, W) normalized float32; sides are multiples of the network's stride.
            family: (M,) int64, index of each modality's family.
        """
        logits, presence, fusion, head = self._run(images, family)
        return Prediction(logits, presence, fusion[:, head].mean(1), 1, fusion, self.name)

    @torch.inference_mode()
    def windowed(
        self, images: Tensor, family: Tensor, window: Sequence[int], stride: int, report: Report
    ) -> Prediction:
        """Run on windows that overlap by a quarter, and add their logits with Gaussian weights.

        Args:
            images: as for :meth:`one_shot`.
            family: as for :meth:`one_shot`.
            window: (d, h, w); cut to the volume where larger.
            stride: windows begin at multiples of this many voxels.
            report: told after each window.
        """
        shape = tuple(images.shape[1:])
        size = [min(w, s) for w, s in zip(window, shape, strict=True)]
        corners = list(product(*(window_starts(s, w, stride) for s, w in zip(shape, size, strict=True))))
        importance = gaussian(size).to(self.device)
        total, weight = None, torch.zeros(shape, device=self.device)
        presences, mixture, heads, mosaic = [], torch.zeros(len(images)), 0, Mosaic(shape)
        for n, corner in enumerate(corners):
            part = tuple(slice(c, c + w) for c, w in zip(corner, size, strict=True))
            logits, presence, fusion, head = self._run(images[(slice(None), *part)], family)
            if total is None:
                total = torch.zeros(len(logits), *shape, dtype=torch.float16, device=self.device)
            # half precision is enough: logits stay within tens and at most 8 windows with weights <= 1 overlap
            total[(slice(None), *part)] += logits.float().mul_(importance).clamp_(-4e3, 4e3).half()
            weight[part] += importance
            presences.append(presence)
            mixture, heads = mixture + fusion[:, head].sum(1), heads + int(head.sum())
            mosaic.add(fusion, corner, importance)
            report((n + 1) / len(corners))
        assert total is not None
        for channel in total:
            channel /= weight
        return Prediction(total, max(presences), mixture / heads, len(corners), mosaic.mean(), self.name)

    @torch.inference_mode()
    def _run(self, images: Tensor, family: Tensor) -> tuple[Tensor, float, Tensor, Tensor]:
        """One pass: logits (C, ...), presence, fusion weights (M, d, h, w), and where there is more than background."""
        mixed = self.precision != torch.float32 and self.name == "torch"
        with torch.autocast(self.device.type, dtype=self.precision if mixed else None, enabled=mixed):
            present = torch.ones(1, len(images), dtype=torch.bool, device=self.device)
            output = self.network(images[None].to(self.device), present, family[None].to(self.device))
        logits = joined(output.structures[0], output.side[0], output.lesion[0])
        presence = float(output.presence[0]) if len(output.presence) else float("-inf")
        fusion = output.weights[0].float()  # (M, d, h, w)
        steps = [(s // f, f) for s, f in zip(logits.shape[1:], fusion.shape[1:], strict=True)]
        coarse = output.structures[0][(slice(None), *(slice(step // 2, step * count, step) for step, count in steps))]
        head = coarse.argmax(0) > 0
        head = head if bool(head.any()) else torch.ones_like(head)
        return logits, presence, fusion.cpu(), head.cpu()


def joined(*parts: Tensor) -> Tensor:
    """Logits (C, ...) one behind another; no copy if they lie so in memory, and nothing of parts without channels."""
    first, *others = (part for part in parts if len(part))
    follows, channels = True, len(first)
    for part in others:
        same = part.untyped_storage().data_ptr() == first.untyped_storage().data_ptr()
        place = first.storage_offset() + channels * first.stride(0)
        follows &= same and part.storage_offset() == place and part.stride()[1:] == first.stride()[1:]
        channels += len(part)
    if follows:
        return first.as_strided((channels, *first.shape[1:]), first.stride(), first.storage_offset())
    return torch.cat([first, *others])


def window_starts(size: int, window: int, stride: int) -> list[int]:
    """First voxels of windows that cover ``size`` and overlap by at least a quarter; multiples of ``stride``."""
    step = max(stride, int(window * 0.75) // stride * stride)
    starts = list(range(0, size - window, step))
    return [*starts, size - window]


def gaussian(size: Sequence[int]) -> Tensor:
    """Weights (d, h, w) that fall from 1 in the middle to 0.01 or more at the corners."""
    result = torch.ones(())
    for n in size:
        x = (torch.arange(n) + 0.5) / n - 0.5
        result = result[..., None] * torch.exp(-0.5 * (x / 0.25) ** 2)
    return result.clamp_min(0.01)
