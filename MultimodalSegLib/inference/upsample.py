"""From logits on the working grid to labels and probabilities on the reference grid, brick by brick."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import product

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ..images.grid import Grid
from ..networks.device import processor_threads
from .head_box import Box
from .lesion_pieces import without_unsure_pieces
from .scaling import Scaling
from .windows import Report

BRICK = 32
"""Edge of a brick of reference voxels: small enough that few classes meet in one, large enough to keep overlaps small;
29 float32 channels of a brick take 4 MB."""


@dataclass(frozen=True)
class Labelling:
    """What the channels of the network mean in the label map.

    Args:
        values: label values (left, right) of each of the K structures; index 0 is background.
        lesion_value: label value of the lesion, or None if the model has none.
        lesion_threshold: probability above which a voxel is lesion.
        wanted: probability maps to make, as (name, channel, side): channel is -1 for the lesion, side is ``"left"``,
            ``"right"`` or ``""``.
        lesion_hosts: channels of the structures in which there can be a lesion; empty means all.
        side: whether a channel behind the structures says left or right; a channel of lesions is the last one.
        scaling: of logits where probabilities are wanted; labels are those of the logits as they are.
        lesion_peak: probability that a piece of lesion has to exceed somewhere, or it is none; 0 if any will do.
    """

    values: tuple[tuple[int, int], ...]
    lesion_value: int | None = None
    lesion_threshold: float = 0.5
    wanted: tuple[tuple[str, int, str], ...] = ()
    lesion_hosts: frozenset[int] = frozenset()
    side: bool = True
    scaling: Scaling = Scaling()
    lesion_peak: float = 0.0

    def lesions(self, logits: Tensor) -> Tensor:
        """Logits (1, d, h, w) from which lesions are labelled, of an answer (C, d, h, w) of the network."""
        if self.lesion_value is None:
            return logits[-1:]
        return without_unsure_pieces(logits[-1:], self.lesion_threshold, self.lesion_peak)


@dataclass(frozen=True)
class _Lattice:
    """Affine map from reference voxels to working voxels, both as (i, j, k), and the part that is in the box."""

    matrix: np.ndarray  # (3, 4)
    low: np.ndarray  # working voxels, may be fractional
    high: np.ndarray

    @classmethod
    def between(cls, reference: Grid, working: Grid, box: Box) -> _Lattice:
        inverse = np.linalg.inv(working.affine)
        ends = np.array([box.low, box.high]) @ inverse[:3, :3].T + inverse[:3, 3]
        return cls((inverse @ reference.affine)[:3], ends[0], ends[1])

    def bounds(self, brick: Sequence[slice]) -> tuple[np.ndarray, np.ndarray]:
        """Smallest and largest working coordinates of the voxels of a brick given as slices (k, j, i)."""
        ends = [(s.start, s.stop - 1) for s in reversed(brick)]
        corners = np.array(list(product(*ends)), float) @ self.matrix[:, :3].T + self.matrix[:, 3]
        return corners.min(0), corners.max(0)

    def coordinates(self, brick: Sequence[slice], device: torch.device) -> Tensor:
        """Working coordinates (i, j, k) of a brick's voxels: (d, h, w, 3) float32."""
        m = torch.as_tensor(self.matrix, dtype=torch.float64)
        k, j, i = (torch.arange(s.start, s.stop, dtype=torch.float64)[:, None] for s in brick)
        rows = (k * m[:, 2] + m[:, 3])[:, None, None] + (j * m[:, 1])[None, :, None] + (i * m[:, 0])[None, None]
        return rows.float().to(device)


def to_reference(
    logits: Tensor, working: Grid, box: Box, reference: Grid, labelling: Labelling, report: Report
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Label every reference voxel inside the box that the model works on.

    Class probabilities (softmax on the working grid) are interpolated linearly and the most probable class is taken at
    the reference voxel; a paired structure is left where the interpolated side logit is positive. In each brick only
    the classes that can win are interpolated: a winner has at least 1/K, and interpolation never exceeds its corners.
    Wanted probabilities are calibrated (:class:`~.scaling.Scaling`) and interpolated apart from the labels.
    On a processor each of torch's threads labels bricks of its own, which are too small to be shared among threads.

    Args:
        logits: (C, D, H, W) on ``working``: structures, then side and lesion, where the model has them.
        working: grid of the logits.
        box: reference voxels outside this box are background.
        reference: grid of the result; any direction, spacing and field of view.
        labelling: meaning of the channels.
        report: told after each brick; may raise to stop.

    Returns:
        Labels, uint16 (k, j, i), and the wanted probabilities, float32 (k, j, i), 0 outside the box.
    """
    lattice = _Lattice.between(reference, working, box)
    labels = np.zeros(reference.shape, np.uint16)
    maps = {name: np.zeros(reference.shape, np.float32) for name, _, _ in labelling.wanted}
    values = torch.tensor(labelling.values, dtype=torch.int32, device=logits.device)
    lesions = labelling.lesions(logits)
    stopped = False

    def fill(brick: tuple[slice, ...]) -> None:
        low, high = lattice.bounds(brick)
        if stopped or not (np.all(high >= lattice.low) and np.all(low <= lattice.high)):
            return
        with torch.inference_mode():
            labels[brick], probabilities = _label_brick(logits, lesions, lattice, brick, labelling, values)
        for name, map_ in probabilities.items():
            maps[name][brick] = map_

    bricks = list(_bricks(reference))
    workers = torch.get_num_threads() if logits.device.type == "cpu" else 1
    with processor_threads(1), ThreadPoolExecutor(workers) as pool:
        try:
            for done, _ in enumerate(pool.map(fill, bricks), start=1):
                report(done / len(bricks))
        finally:
            stopped = True
    return labels, maps


def _bricks(grid: Grid) -> Iterator[tuple[slice, ...]]:
    """Bricks (k, j, i) of a grid."""
    return product(*([slice(a, min(a + BRICK, n)) for a in range(0, n, BRICK)] for n in grid.shape))


def _label_brick(
    logits: Tensor, lesions: Tensor, lattice: _Lattice, brick: Sequence[slice], labelling: Labelling, values: Tensor
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Labels and wanted probabilities of one brick of the reference grid."""
    shape = tuple(s.stop - s.start for s in brick)
    where = lattice.coordinates(brick, logits.device)
    block, first = _block(logits, *lattice.bounds(brick))
    k, s = len(labelling.values), int(labelling.side)
    structures, side = torch.softmax(block[:k], 0), block[k : k + s]
    lesion = torch.sigmoid(_block(lesions, *lattice.bounds(brick))[0])
    strongest = structures.amax((1, 2, 3))
    keep = [c for c in range(k) if c == 0 or float(strongest[c]) >= (1 - 1e-4) / k]
    has_lesion = labelling.lesion_value is not None and float(lesion.max()) > labelling.lesion_threshold
    if keep == [0] and not has_lesion and not labelling.wanted:
        return np.zeros(shape, np.uint16), {}

    sampled = _interpolate(torch.cat([structures[keep], side, lesion]), where, first)
    inside = torch.ones(shape, dtype=torch.bool, device=logits.device)
    for axis in range(3):
        inside &= (where[..., axis] >= lattice.low[axis]) & (where[..., axis] <= lattice.high[axis])
    pairs = values[torch.tensor(keep, device=values.device)].flatten()  # left, right, left, right, ...
    winner = _strongest(sampled[: len(keep)])
    found = pairs.take(2 * winner + (sampled[len(keep)] <= 0 if s else 0))
    if has_lesion:
        hosts = torch.tensor([c in labelling.lesion_hosts or not labelling.lesion_hosts for c in keep])
        marked = (sampled[-1] > labelling.lesion_threshold) & hosts.to(winner.device).take(winner)
        found = found.masked_fill(marked, int(labelling.lesion_value or 0))
    found *= inside
    maps = _probabilities(block, labelling, where, first)
    return found.cpu().numpy().astype(np.uint16), {name: (p * inside).cpu().numpy() for name, p in maps.items()}


def _probabilities(block: Tensor, labelling: Labelling, where: Tensor, first: np.ndarray) -> dict[str, Tensor]:
    """Wanted, calibrated probabilities of one brick, (d, h, w) each."""
    k, scaling = len(labelling.values), labelling.scaling
    if not labelling.wanted:
        return {}
    structures, lesion = scaling.structures(block[:k]), scaling.lesion(block[-1])
    maps = [lesion if channel < 0 else structures[channel] for _, channel, _ in labelling.wanted]
    sampled = _interpolate(torch.stack([*maps, *block[k : k + int(labelling.side)]]), where, first)
    found = {}
    for (name, _, side), map_ in zip(labelling.wanted, sampled[: len(maps)], strict=True):
        found[name] = map_ * torch.sigmoid(sampled[-1] * (1 if side == "left" else -1)) if side else map_
    return found


def _strongest(channels: Tensor) -> Tensor:
    """Index of the largest channel, (C, d, h, w) -> (d, h, w) int64; on a CPU five times as fast as ``argmax(0)``."""
    best, index = channels[0], torch.zeros(channels.shape[1:], dtype=torch.int64, device=channels.device)
    for n, channel in enumerate(channels[1:], start=1):
        index.masked_fill_(channel > best, n)
        best = torch.maximum(best, channel)
    return index


def _block(logits: Tensor, low: np.ndarray, high: np.ndarray) -> tuple[Tensor, np.ndarray]:
    """The float32 logits around a brick, and the working voxel (i, j, k) at which this block starts."""
    size = np.array(logits.shape[:0:-1])
    first = np.clip(np.floor(low), 0, size - 1).astype(int)
    last = np.clip(np.ceil(high), 0, size - 1).astype(int)
    (i0, j0, k0), (i1, j1, k1) = first, last + 1
    return logits[:, k0:k1, j0:j1, i0:i1].float(), first


def _interpolate(block: Tensor, where: Tensor, first: np.ndarray) -> Tensor:
    """Linear interpolation of a block (C, D, H, W) at working coordinates (d, h, w, 3): (C, d, h, w)."""
    extent = torch.tensor(block.shape[:0:-1], dtype=torch.float32, device=block.device)
    start = torch.as_tensor(first, dtype=torch.float32, device=block.device)
    unit = 2 * (where - start) / (extent - 1).clamp_min(1) - 1
    return F.grid_sample(block[None], unit[None], mode="bilinear", padding_mode="border", align_corners=True)[0]
