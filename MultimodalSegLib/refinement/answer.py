"""From prompts to the object that is meant."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
import torch
from scipy import ndimage

from ..errors import InputError
from ..images.grid import Grid
from ..images.resample import resample
from ..images.volume import Volume
from ..networks.click_net import ClickNet
from .crops import EDGES, crop_size, crop_start, first_edge, reaches_border
from .guidance import Said, head_inputs
from .places import check_places, in_view, spread
from .prompts import Prompts
from .scene import Scene, voxels_of

FAR_BELOW = -20.0
"""Logit where a crop does not reach."""


@dataclass(frozen=True)
class Answer:
    """An object as the network understands what was said.

    Args:
        mask: bool (k, j, i) on the reference grid, the whole object.
        part: box (k, j, i) of the reference grid in which it may differ from the mask before.
        edge: voxels along the edge of the crop that was needed, on the working grid.
        seconds: wall time.
        warnings: sentences for the user.
    """

    mask: np.ndarray
    part: tuple[slice, ...]
    edge: int
    seconds: float
    warnings: tuple[str, ...] = ()


class Refiner:
    """Answers prompts about one case; everything slow was done when the scene was made.

    Args:
        network: of a click model, in evaluation mode.
        scene: what it sees.
        reference: grid of the masks.
        device: where to compute.

    Example:
        >>> refiner = Refiner(network, look(bundle, network, volumes, device), grid, device)     # doctest: +SKIP
        >>> refiner.answer(Prompts(positive=[(12.0, -30.0, 41.0)])).mask.sum()                   # doctest: +SKIP
    """

    def __init__(self, network: ClickNet, scene: Scene, reference: Grid, device: torch.device) -> None:
        self.network, self.scene, self.reference, self.device = network, scene, reference, device

    def answer(self, prompts: Prompts, previous: np.ndarray | None = None) -> Answer:
        """The object that the prompts mean.

        The network looks at a crop around the prompts, and at a larger one if what changes reaches its border. Outside
        of the crop the mask stays as it was. Parts that touch neither a positive prompt, the box nor the earlier mask
        are left out.

        Args:
            prompts: everything that was said about this object.
            previous: bool (k, j, i) on the reference grid, the mask so far; None for a new object.

        Raises:
            InputError: a prompt outside the volume, a positive one in air, or neither a positive one nor a box where
                there is no mask so far.
        """
        began = time.perf_counter()
        before = np.zeros(self.reference.shape, bool) if previous is None else previous
        if not len(np.asarray(prompts.positive)) and prompts.box is None and not before.any():
            raise InputError(
                "Only places beside the object are marked, and there is nothing yet to take away from.",
                "Mark a point on the object, or a box around it.",
            )
        prompts = in_view(prompts, self.scene, self.reference)
        positive, negative = np.asarray(prompts.positive), np.asarray(prompts.negative)
        check_places(self.scene, self.reference, np.concatenate([positive, negative]), positive)
        box = None if prompts.box is None else self.scene.voxels(np.asarray(prompts.box))
        box = None if box is None else np.sort(box, axis=0)
        said = Said(self.scene.voxels(positive), self.scene.voxels(negative), box)
        crop, edge, warnings = self._look(said, before, pointed_at(prompts))
        part, on_reference = reference_part(self.reference, crop.grid)
        inside = resample(crop, on_reference, outside=FAR_BELOW).array
        covered = inside > FAR_BELOW / 2  # between voxels of the crop
        marked = voxels_of(on_reference, pointed_at(prompts))
        mask = before.copy()
        mask[part] = kept_parts(np.where(covered, inside > 0, before[part]), before[part], marked)
        if not mask.any():
            warnings = (*warnings, "Nothing was found there: mark more points on the object, or a box around it.")
        return Answer(mask, part, edge, time.perf_counter() - began, warnings)

    def _look(self, said: Said, before: np.ndarray, marked: np.ndarray) -> tuple[Volume, int, tuple[str, ...]]:
        """Logits of the smallest crop whose border the change of the object does not reach."""
        points, shape = said.all_points(), self.scene.images.shape[1:]
        stride = self.network.config.crop_stride
        edges = [edge for edge in EDGES if edge >= first_edge(points)]
        middle = (points.min(0) + points.max(0)) / 2
        for edge in edges:
            size = crop_size(edge, shape, stride)
            start = crop_start(middle, size, shape)
            grid = sub_grid(self.scene.grid, start, size)
            part, around = reference_part(self.reference, grid)
            earlier = resample(Volume(before[part].astype(np.float32), around), grid).array > 0.5
            logits = self._logits(said, earlier, start, size)
            mask = kept_parts(logits > 0, earlier, voxels_of(grid, marked))
            if not reaches_border(mask ^ earlier, start, size, shape):
                return Volume(logits, grid), edge, ()
        reach = edge * self.scene.grid.spacing[0]
        return Volume(logits, grid), edge, (f"The object may go on beyond the {reach:.0f} mm around what you marked.",)

    @torch.inference_mode()
    def _logits(
        self, said: Said, earlier: np.ndarray, start: tuple[int, int, int], size: tuple[int, int, int]
    ) -> np.ndarray:
        """(k, j, i) of a crop; ``earlier`` is the mask so far in it."""
        previous = torch.zeros(self.scene.images.shape[1:])
        previous[tuple(slice(s, s + n) for s, n in zip(start, size, strict=True))] = torch.from_numpy(earlier).float()
        inputs = head_inputs(
            self.scene.images, self.scene.features, said, previous, start, size, self.scene.grid.spacing[0]
        )
        parts = (inputs.looks, inputs.features, inputs.guidance)
        logits: np.ndarray = self.network(*(part[None].to(self.device) for part in parts))[0, 0].float().cpu().numpy()
        return logits


def pointed_at(prompts: Prompts) -> np.ndarray:
    """Points that lie on the object, as far as it is known: the positive ones, and the middle of the box; LPS mm."""
    positive = np.asarray(prompts.positive)
    if prompts.box is None:
        return positive
    low, high = np.asarray(prompts.box)
    return np.concatenate([positive, spread(low, high, 0.2)])


def kept_parts(mask: np.ndarray, before: np.ndarray, marked: np.ndarray) -> np.ndarray:
    """A mask without new parts that nobody has pointed at.

    Args:
        mask: bool (k, j, i), with new parts.
        before: the earlier mask; parts that touch it stay.
        marked: (n, 3) voxels that were pointed at; the part nearest within two voxels stays too.
    """
    parts, count = ndimage.label(mask)
    if count < 2:
        return mask
    keep = np.zeros(count + 1, bool)
    keep[np.unique(parts[before & mask])] = True
    for voxel in marked:
        around = parts[tuple(slice(max(0, int(v) - 2), max(0, int(v) + 3)) for v in voxel)]
        keep[np.unique(around)] = True
    keep[0] = False
    return np.asarray(keep[parts]) if keep.any() else mask


def sub_grid(grid: Grid, start: tuple[int, int, int], size: tuple[int, int, int]) -> Grid:
    """The part of a grid from voxel ``start`` (k, j, i) on, with ``size`` voxels."""
    x, y, z = (grid.affine @ [*start[::-1], 1.0])[:3].tolist()
    k, j, i = size
    return Grid((i, j, k), grid.spacing, (x, y, z), grid.direction)


def reference_part(reference: Grid, crop: Grid) -> tuple[tuple[slice, ...], Grid]:
    """The voxels of the reference grid around a crop, as slices (k, j, i) and as a grid."""
    inverse = np.linalg.inv(reference.affine)
    index = (crop.corners @ inverse[:3, :3].T + inverse[:3, 3])[:, ::-1]
    low = np.clip(np.floor(index.min(0)).astype(int), 0, np.array(reference.shape) - 1)
    high = np.clip(np.ceil(index.max(0)).astype(int) + 1, low + 1, reference.shape)
    start, size = tuple(low.tolist()), tuple((high - low).tolist())
    return tuple(slice(s, s + n) for s, n in zip(start, size, strict=True)), sub_grid(reference, start, size)
