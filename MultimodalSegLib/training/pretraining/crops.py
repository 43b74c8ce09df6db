"""Views of one volume: large and small crops, as scanned in axial, coronal or sagittal slices."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils.data import Dataset

from ...errors import InputError
from ..augment.intensity import IntensityChange
from ..data.cache import PreparedCase
from ..data.patches import crop
from ..plan import Size
from .masking import block_mask
from .matching import Place, matches, whole
from .plan import PretrainingPlan

GLOBALS = 2
"""Large crops of a sample; the teacher sees these."""

ZOOMS = (0.85, 1.2)
"""Length of what a crop shows, as a part of its usual length."""

THICKEST = 4
"""Voxels of the thickest slice."""

ROAM = 0.25
"""The large crops lie at most so far from each other, as a part of their sides, so that they show the same region."""


class Views:
    """The views of B volumes.

    Args:
        large: (2, B, 1, G, G, G) float32.
        small: (L, B, 1, S, S, S) float32.
        large_family: (2, B) int64, the modality's family of each crop.
        small_family: (L, B) int64.
        hidden: (2, B, g, g, g) bool, tokens of the large crops that the student does not see.
        here: (2 + L, B, 2, P, 3) points of each view that it shares with each large one: see
            :func:`.matching.matches`.
        there: likewise, the same points in the large one.
    """

    def __init__(
        self,
        large: Tensor,
        small: Tensor,
        large_family: Tensor,
        small_family: Tensor,
        hidden: Tensor,
        here: Tensor,
        there: Tensor,
    ) -> None:
        self.large, self.small, self.hidden = large, small, hidden
        self.large_family, self.small_family = large_family, small_family
        self.here, self.there = here, there

    def to(self, device: torch.device) -> Views:
        """The same on a device."""
        return Views(**{name: value.to(device, non_blocking=True) for name, value in vars(self).items()})


class ViewSamples(Dataset[Views]):
    """Views of a volume by the number of the sample; number n is the same in every process and after an interruption.

    Each view is drawn from one of the volume's modalities, so that with several of them the student learns that they
    show the same. It is averaged over slices of one to four voxels along a random axis, as if it had been scanned in
    axial, coronal or sagittal slices, and interpolated back; the axes stay where they are, because a network always
    sees its patients in the same orientation. Then contrast, noise, shading and resolution are changed.

    Args:
        cases: prepared, with or without labels, which are not read.
        plan: sizes, number of crops, masks, points and augmentation.

    Raises:
        InputError: no case.
    """

    def __init__(self, cases: Sequence[PreparedCase], plan: PretrainingPlan) -> None:
        if not cases:
            raise InputError("There is no volume to learn from.", "Give at least one.")
        self.cases, self.plan = tuple(cases), plan
        self.changes = [
            IntensityChange(plan.augmentation, shading=family not in ("CT", "PET")) for family in plan.families
        ]

    def __len__(self) -> int:
        return self.plan.steps * self.plan.batch

    def __getitem__(self, n: int) -> Views:
        plan = self.plan
        epoch, place = divmod(n, len(self.cases))
        case = self.cases[np.random.default_rng((plan.seed, 0, epoch)).permutation(len(self.cases))[place]]
        rng = np.random.default_rng((plan.seed, 1, n))
        mirrored = rng.random() < plan.augmentation.mirror_chance
        middle = _middle(rng, case.shape, plan.global_size)
        large, small = [], []
        for _ in range(GLOBALS):
            moved = middle + rng.uniform(-0.5, 0.5, 3) * ROAM * np.asarray(plan.global_size)
            large.append(self._view(case, rng, moved, plan.global_size, mirrored))
        for _ in range(plan.local_crops):
            room = np.asarray(plan.global_size) - np.asarray(plan.local_size)
            moved = middle + rng.uniform(-0.5, 0.5, 3) * room
            small.append(self._view(case, rng, moved, plan.local_size, mirrored))
        grid = tuple(side // plan.token_stride for side in plan.global_size)
        hidden = [block_mask(rng, grid, rng.uniform(*plan.masked)) for _ in range(GLOBALS)]  # type: ignore[arg-type]
        volume = whole(case.shape)
        places = [place for _, _, place in large + small]
        here, there = matches(rng, places, hidden, volume.mirrored() if mirrored else volume, plan.points)
        return Views(
            torch.stack([image for image, _, _ in large])[:, None, None],
            torch.stack([image for image, _, _ in small])[:, None, None],
            torch.tensor([[family] for _, family, _ in large]),
            torch.tensor([[family] for _, family, _ in small]),
            torch.from_numpy(np.stack(hidden))[:, None],
            torch.from_numpy(here)[:, None],
            torch.from_numpy(there)[:, None],
        )

    def _view(
        self, case: PreparedCase, rng: np.random.Generator, middle: np.ndarray, size: Size, mirrored: bool
    ) -> tuple[Tensor, int, Place]:
        """A crop (*size) about a voxel, the number of its family, and where it lies."""
        number = int(rng.integers(len(case.modalities)))
        shape = np.rint(np.asarray(size) * rng.uniform(*ZOOMS)).astype(int)
        first = np.rint(middle - shape / 2).astype(int)
        image = torch.from_numpy(crop(case.images[number], first, shape, case.low[number]).astype(np.float32))
        image = sliced(image, int(rng.integers(3)), int(rng.integers(1, THICKEST + 1)))
        image = F.interpolate(image[None, None], size=size, mode="trilinear")[0, 0]
        image = image.flip(-1) if mirrored else image
        family = case.family[number]
        place = Place(first, shape)
        image = self.changes[family](image, int(rng.integers(2**32)))
        return image, family, place.mirrored() if mirrored else place


def sliced(image: Tensor, axis: int, thickness: int) -> Tensor:
    """A volume as scanned in thicker slices, on its own grid.

    Args:
        image: (D, H, W).
        axis: across the slices: 0 for axial, 1 for coronal, 2 for sagittal ones.
        thickness: voxels of a slice.

    Example:
        >>> sliced(torch.tensor([0.0, 2.0, 4.0, 6.0]).view(4, 1, 1), axis=0, thickness=2).flatten()
        tensor([1., 2., 4., 5.])
    """
    if thickness == 1:
        return image
    across = image.movedim(axis, -1)
    lines = across.reshape(1, -1, across.shape[-1])
    slices = F.avg_pool1d(lines, thickness, ceil_mode=True)
    back = F.interpolate(slices, size=across.shape[-1], mode="linear")
    return back.view(across.shape).movedim(-1, axis)


def side_by_side(samples: Sequence[Views]) -> Views:
    """The views of several volumes as those of a batch."""
    return Views(**{name: torch.cat([getattr(s, name) for s in samples], dim=1) for name in vars(samples[0])})


def _middle(rng: np.random.Generator, shape: Size, size: Size) -> np.ndarray:
    """Middle voxel (k, j, i) of the region that the views show: anywhere in a large volume, that of a small one."""
    half = np.asarray(size) / 2
    low, high = np.minimum(half, np.asarray(shape) / 2), np.maximum(np.asarray(shape) - half, np.asarray(shape) / 2)
    middle: np.ndarray = rng.uniform(low, high)
    return middle
