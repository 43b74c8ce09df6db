"""What the shipped network finds in one volume by itself, as maps that volumes of any contrast can be compared by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import SimpleITK as sitk
import torch
from torch.nn import functional as F

from MultimodalSegLib.images.grid import Grid
from MultimodalSegLib.images.resample import map_points
from MultimodalSegLib.images.volume import Volume
from MultimodalSegLib.inference.fitting import fitting_answer
from MultimodalSegLib.inference.view import network_view
from MultimodalSegLib.models.bundle import Bundle


@dataclass(frozen=True)
class Predicted:
    """Structures of one volume.

    Args:
        maps: (26, K, J, I) float32 probabilities of the structures, background left out, on ``grid``.
        side: (K, J, I) float32 probability of the patient's left.
        paired: (26,) bool, the structure has a left and a right one.
        grid: the network's own, along the patient's axes.
        view: grid of the volume, outside which nothing is known.
    """

    maps: torch.Tensor
    side: torch.Tensor
    paired: np.ndarray
    grid: Grid
    view: Grid

    @classmethod
    def of(cls, volume: Volume, modality: str, bundle: Bundle) -> Predicted:
        """One pass of a model's network over the head in a volume."""
        seen = network_view(bundle, {modality: volume})
        answer, _ = fitting_answer(bundle, seen.images, seen.family, torch.device("cpu"), None, lambda done, text: None)
        classes = bundle.metadata["network_classes"]
        logits = answer.logits.float()
        maps = torch.softmax(logits[: len(classes)], dim=0)[1:]
        paired = np.array(["left" in entry for entry in classes[1:]])
        return cls(maps.contiguous(), torch.sigmoid(logits[len(classes)]), paired, seen.grid, volume.grid)

    def shrunk(self, factor: int) -> Predicted:
        """The same with the means of blocks of so many voxels."""
        if factor == 1:
            return self
        x, y, z = (float(v) for v in (self.grid.affine @ [*[(factor - 1) / 2] * 3, 1.0])[:3])
        maps = F.avg_pool3d(self.maps, factor)
        depth, height, width = maps.shape[1:]
        spacing = (self.grid.spacing[0] * factor,) * 3
        grid = Grid((width, height, depth), spacing, (x, y, z), self.grid.direction)
        return replace(self, maps=maps, side=F.avg_pool3d(self.side[None], factor)[0], grid=grid)

    def at(self, points: torch.Tensor) -> torch.Tensor:
        """The maps at points (..., 3), LPS mm: (26, ...), 0 outside the network's grid; differentiable."""
        shape = points.shape[:-1]
        where = _unit(self.grid, points.reshape(1, 1, 1, -1, 3))
        return F.grid_sample(self.maps[None], where, align_corners=False)[0].reshape(-1, *shape)

    def on(self, lattice: Grid, transform: sitk.Transform | None = None) -> torch.Tensor:
        """The maps at the voxels of a lattice, brought there by a linear transform: (26, K, J, I)."""
        k, j, i = np.indices(lattice.shape).reshape(3, -1)
        points = np.stack([i, j, k], axis=1) @ lattice.affine[:3, :3].T + lattice.affine[:3, 3]
        points = points if transform is None else map_points(transform, points)
        return self.at(torch.from_numpy(points.astype(np.float32))).reshape(-1, *lattice.shape)

    def seen(self, points: torch.Tensor) -> torch.Tensor:
        """Whether points (n, 3), LPS mm, lie in the volume's field of view: (n,) bool."""
        return (_unit(self.view, points).abs() <= 1.0).all(dim=-1)

    def middles(self) -> tuple[np.ndarray, np.ndarray]:
        """Centers of gravity (n, 3) of the structures, each side by itself, LPS mm, and their volumes (n,), ml."""
        sides = torch.stack([self.side, 1.0 - self.side])
        centers, volumes = [], []
        for channel, paired in zip(self.maps, self.paired, strict=True):
            for part in channel * sides if paired else channel[None]:
                mass = float(part.sum())
                lines = [part.sum(dim=[d for d in range(3) if d != axis]) for axis in (2, 1, 0)]
                index = [float((line * torch.arange(len(line))).sum()) / max(mass, 1e-6) for line in lines]
                centers.append(self.grid.affine[:3, :3] @ index + self.grid.affine[:3, 3])
                volumes.append(mass * self.grid.voxel_ml)
        return np.array(centers), np.array(volumes)


def _unit(grid: Grid, points: torch.Tensor) -> torch.Tensor:
    """Points (..., 3), LPS mm, in the coordinates of ``grid_sample``: -1 to 1 from edge to edge of a grid."""
    inverse = np.linalg.inv(grid.affine)
    matrix, shift = (torch.from_numpy(part.astype(np.float32)) for part in (inverse[:3, :3], inverse[:3, 3]))
    size: Sequence[int] = grid.size
    return (2.0 * (points @ matrix.T + shift) + 1.0) / torch.tensor(size, dtype=torch.float32) - 1.0
