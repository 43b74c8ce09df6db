"""Crops of prepared cases: sample number n is always the same one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...errors import InputError
from ...images.grid import Triple
from .cache import PreparedCase

Size = tuple[int, int, int]

FOREGROUND = 1 / 3
"""Part of the crops that are put around a labelled voxel, as in nnU-Net (Isensee et al., Nat Methods 18:203, 2021)."""


@dataclass(frozen=True)
class Patch:
    """A crop of one case.

    Args:
        images: (M, D, H, W) float32.
        family: number of each image's family.
        truth: (3, D, H, W) int16: channel, side, lesion.
        spacing: x, y, z, mm.
        low: value of each image outside of what was scanned.
    """

    images: np.ndarray
    family: tuple[int, ...]
    truth: np.ndarray
    spacing: Triple
    low: tuple[float, ...]


class PatchSampler:
    """Crops that depend on their number and the seed alone, whatever was drawn before and by whom.

    Every case is taken once before any is taken again, in an order that changes.

    Args:
        cases: with labels.
        seed: of every choice.
        foreground: part of the crops that are put around a voxel of a class; all classes of a case are equally likely.
        labelled: False takes cases without label too, as nothing but background.

    Raises:
        InputError: no case, or one without label.

    Example:
        >>> sampler = PatchSampler(prepared.cases, seed=0)                       # doctest: +SKIP
        >>> sampler.sample(17, (96, 96, 96)).images.shape                        # doctest: +SKIP
        (2, 96, 96, 96)
    """

    def __init__(
        self, cases: Sequence[PreparedCase], seed: int, foreground: float = FOREGROUND, labelled: bool = True
    ) -> None:
        if not cases:
            raise InputError("There is no case to train on.", "Give at least one case with a label.")
        unlabelled = [case.name for case in cases if not case.labelled]
        if unlabelled and labelled:
            raise InputError(f"The case {unlabelled[0]!r} has no label.", "Leave it out of supervised training.")
        self.cases, self.seed, self.foreground = tuple(cases), seed, foreground

    def sample(self, index: int, size: Size, margin: Size = (0, 0, 0)) -> Patch:
        """The crop with one number.

        Args:
            index: 0 or more.
            size: (D, H, W); a case that is smaller is padded on all sides.
            margin: voxels added on both sides of each axis, for a deformation that takes from there.
        """
        epoch, place = divmod(index, len(self.cases))
        order = np.random.default_rng((self.seed, 0, epoch)).permutation(len(self.cases))
        case = self.cases[order[place]]
        start = self._start(case, size, np.random.default_rng((self.seed, 1, index)))
        low = start - np.asarray(margin)
        shape = np.asarray(size) + 2 * np.asarray(margin)
        images = np.stack([crop(i, low, shape, value) for i, value in zip(case.images, case.low, strict=True)])
        truth = np.stack([crop(array, low, shape, 0) for array in case.truth])
        return Patch(images.astype(np.float32), case.family, truth, case.spacing, case.low)

    def _start(self, case: PreparedCase, size: Size, rng: np.random.Generator) -> np.ndarray:
        """First voxel (k, j, i) of a crop; below 0 where the case is smaller than it."""
        room = np.asarray(case.shape) - size
        places = case.places
        if rng.random() < self.foreground and len(places):
            numbers = np.unique(places[:, 0])
            of_class = places[places[:, 0] == rng.choice(numbers)]
            wanted = of_class[rng.integers(len(of_class)), 1:] - np.asarray(size) // 2
        else:
            wanted = rng.integers(0, np.maximum(room, 0) + 1)
        inside = np.clip(wanted, 0, np.maximum(room, 0))
        start: np.ndarray = np.where(room < 0, room // 2, inside)
        return start


def crop(array: np.ndarray, low: np.ndarray, shape: np.ndarray, outside: float) -> np.ndarray:
    """A box of a (k, j, i) array; ``outside`` where it reaches beyond it."""
    result = np.full(tuple(shape), outside, array.dtype)
    first, last = np.maximum(low, 0), np.minimum(low + shape, array.shape)
    if np.all(first < last):
        there = tuple(slice(a, b) for a, b in zip(first - low, last - low, strict=True))
        result[there] = array[tuple(slice(a, b) for a, b in zip(first, last, strict=True))]
    return result
