"""Where a token lies in the patient, in millimetres, whatever the scale that it belongs to."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


def token_centers(size: Sequence[int], stride: int, spacing: Tensor) -> list[Tensor]:
    """Centers of the tokens of one scale along each axis, in millimetres from the middle of the volume.

    Args:
        size: (d, h, w) tokens.
        stride: voxels between tokens.
        spacing: (3,) millimetres per voxel in (k, j, i) order.

    Returns:
        Tensors of d, h and w numbers; those of a coarser scale lie in the middle between those of a finer one.
    """
    steps = spacing * stride
    return [
        (torch.arange(int(n), device=spacing.device, dtype=spacing.dtype) + 0.5 - int(n) / 2) * step
        for n, step in zip(size, steps, strict=True)
    ]


class PhysicalPositionEncoding(nn.Module):
    """A learned vector for every place, interpolated linearly between the nodes of a lattice.

    The lattice spans a fixed part of space around the middle of the volume; what lies beyond has the code of its rim.
    Scales of different spacing read the same lattice, so that their codes agree where they overlap. Interpolation is
    a product of small matrices, which every engine can compute.

    Args:
        width: channels of a code.
        nodes: of the lattice along an axis.
        extent_mm: length of its edges.

    Shapes: centers along the axes, (d,), (h,) and (w,) millimetres -> (d * h * w, width).
    """

    def __init__(self, width: int, nodes: int = 9, extent_mm: float = 256.0) -> None:
        super().__init__()
        self.nodes, self.extent_mm = nodes, extent_mm
        self.lattice = nn.Parameter(0.02 * torch.randn(width, nodes, nodes, nodes))

    def forward(self, centers: Sequence[Tensor]) -> Tensor:
        k, j, i = (self._shares(center) for center in centers)
        code = torch.einsum("cxyz,dx->cdyz", self.lattice, k)
        code = torch.einsum("cdyz,hy->cdhz", code, j)
        return torch.einsum("cdhz,wz->dhwc", code, i).flatten(0, 2)

    def _shares(self, center: Tensor) -> Tensor:
        """How much each node says of each place along one axis: (n, nodes), rows sum to 1."""
        step = self.extent_mm / (self.nodes - 1)
        place = (center / step + (self.nodes - 1) / 2).clamp(0, self.nodes - 1)
        node = torch.arange(self.nodes, device=center.device, dtype=center.dtype)
        shares = (1 - (place[:, None] - node).abs()).clamp_min(0)
        return shares.to(self.lattice.dtype)
