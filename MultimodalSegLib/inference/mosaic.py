"""A coarse map of a whole volume, put together from the coarse maps of its windows."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


class Mosaic:
    """Adds maps of windows, such as fusion weights at an eighth of the sides, with the windows' own importance.

    A cell of the whole takes from a window the cell in which its middle lies: the very same one where windows begin at
    multiples of the cells, the nearest one elsewhere.

    Args:
        shape: (D, H, W) of the volume, in voxels.

    Example:
        >>> mosaic = Mosaic((16, 16, 16))
        >>> mosaic.add(torch.ones(2, 2, 2, 2), (0, 0, 0), torch.ones(16, 16, 16))
        >>> tuple(mosaic.mean().shape)
        (2, 2, 2, 2)
    """

    def __init__(self, shape: Sequence[int]) -> None:
        self.shape = tuple(shape)
        self._total: Tensor | None = None
        self._weight: Tensor | None = None

    def add(self, values: Tensor, corner: Sequence[int], importance: Tensor) -> None:
        """Add the map of one window.

        Args:
            values: (M, d, h, w); its sides are those of the window divided by a whole number, rounded up.
            corner: first voxel of the window.
            importance: (d', h', w') weights of the window's voxels.
        """
        size = importance.shape
        steps = [-(-s // n) for s, n in zip(size, values.shape[1:], strict=True)]
        if self._total is None:
            cells = [-(-n // step) for n, step in zip(self.shape, steps, strict=True)]
            self._total = torch.zeros(len(values), *cells)
            self._weight = torch.zeros(cells)
        assert self._weight is not None
        parts, own = self._places(steps, corner, size)
        cells_of = [torch.div(o, step, rounding_mode="floor") for o, step in zip(own, steps, strict=True)]
        weight = importance.cpu()[own[0]][:, own[1]][:, :, own[2]]
        found = values.cpu().float()[:, cells_of[0]][:, :, cells_of[1]][..., cells_of[2]]
        self._total[(slice(None), *parts)] += found * weight
        self._weight[parts] += weight

    def mean(self) -> Tensor:
        """The weighted mean of what was added, (M, d, h, w) float32."""
        assert self._total is not None and self._weight is not None
        return self._total / self._weight.clamp_min(1e-6)

    def _places(
        self, steps: Sequence[int], corner: Sequence[int], size: Sequence[int]
    ) -> tuple[tuple[slice, ...], list[Tensor]]:
        """Along each axis the cells of the whole whose middles lie in a window, and the window's voxels there."""
        parts, own = [], []
        for whole, step, first, length in zip(self.shape, steps, corner, size, strict=True):
            middle = (torch.arange(-(-whole // step)) * step + (step - 1) // 2).clamp_max(whole - 1)
            inside = ((middle >= first) & (middle < first + length)).nonzero()[:, 0]
            parts.append(slice(int(inside[0]), int(inside[-1]) + 1) if len(inside) else slice(0, 0))
            own.append(middle[inside] - first)
        return tuple(parts), own
