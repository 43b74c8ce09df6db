"""Pairs of a volume with 1 mm voxels and what thick or noisy slices leave of it, made-up and real."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor
from torch.utils.data import Dataset

from ...enhancement.intensities import Scale, noise_level
from ...enhancement.slices import PROFILES, STEP, TRAINED_MM, SliceModel
from ...images.grid import Grid
from ...images.intensities import robust_range
from ...images.io import read_volume
from ...images.resample import resample
from ...images.volume import Volume
from ...synthesis.anatomy import Anatomy, load_anatomy
from ...synthesis.pair import locate, render, sample_patient
from ..samples import FAMILIES, crop_grid
from .plan import DetailPlan

CT_CHANCE, LESION_CHANCE, LOW_DOSE_CHANCE, THIN_CHANCE = 0.45, 0.5, 0.3, 0.4
"""Made-up volumes that are CT; with lesions; CT that is very noisy; very noisy CT with slices of 1 mm."""

MISTAKEN_CHANCE = 0.3
"""How often any profile of the slices is assumed; else that which they have."""

TRIES, CONTENT = 5, 0.2
"""Crops of a real volume that are looked at for one with so large a part above the mean of the whole."""


@dataclass(frozen=True)
class DetailPair:
    """One volume, its first axis across the slices.

    Args:
        truth: (D, H, W) float32 normalized, what is to come out.
        start: (D, H, W) float32, interpolated from slices and made consistent with them.
        distance: (D,) float32, millimetres to the nearest slice.
        family: index in :data:`~MultimodalSegLib.training.samples.FAMILIES`.
        spacing: between slices, mm.
        noise: of the slices, as it is estimated from them, normalized.
        error: mean squared difference of truth and start.
    """

    truth: Tensor
    start: Tensor
    distance: Tensor
    family: int
    spacing: float
    noise: float
    error: float


@dataclass(frozen=True)
class RealImage:
    """A real volume with voxels of 1 mm.

    Args:
        array: (k, j, i) float32 in its own unit.
        family: of :data:`FAMILIES`.
        bounds: its dark and its bright end.
    """

    array: np.ndarray
    family: str
    bounds: tuple[float, float]


def take_slices(
    array: np.ndarray, family: str, bounds: tuple[float, float], rng: np.random.Generator, *, noisy: bool
) -> DetailPair:
    """Take a volume again with thick slices along its first axis, or with noise alone.

    Args:
        array: (D, H, W) with voxels of 1 mm, in its own unit.
        family: of :data:`FAMILIES`.
        bounds: dark and bright end of the whole image.
        rng: source of every choice.
        noisy: as a CT of low dose.
    """
    thin = noisy and rng.random() < THIN_CHANCE
    spacing = STEP if thin else float(rng.uniform(*TRAINED_MM))
    profile = "box" if thin else str(rng.choice(PROFILES))
    thickness = spacing if thin else spacing * float(rng.uniform(0.85, 1.1))
    real = SliceModel(int(len(array) / spacing), spacing, thickness, profile)
    assumed = profile if thin or rng.random() > MISTAKEN_CHANCE else str(rng.choice(PROFILES))
    known = SliceModel(real.count, spacing, profile=assumed)
    truth = array[: known.size]
    slices = real.taken(truth)
    slices = slices + _noise(slices.shape, family, bounds, rng, noisy)
    low, high = np.asarray(bounds) + rng.uniform(-0.1, 0.1, 2) * (bounds[1] - bounds[0])
    scale = Scale(family, float(low), float(high))
    sharp, start = scale.apply(truth), scale.apply(known.started(slices))
    return DetailPair(
        torch.from_numpy(sharp),
        torch.from_numpy(start),
        torch.from_numpy(known.distance),
        FAMILIES.index(family),
        spacing,
        noise_level(scale.apply(slices)),
        float(np.mean((sharp - start) ** 2)),
    )


def made_up_pair(anatomy: Anatomy, rng: np.random.Generator, size: int) -> DetailPair:
    """Draw a patient and take one scan, sharp and nearly without noise, and the same with thick or noisy slices."""
    grid, focus = crop_grid(anatomy, rng, (size,) * 3, STEP)
    name = "CT" if rng.random() < CT_CHANCE else "MR"
    patient = sample_patient(rng, anatomy, (name,), lesion_chance=LESION_CHANCE, focus=focus)
    scan = patient.scans[name]
    noise = rng.uniform(0.5, 4.0) if name == "CT" else rng.uniform(0.0, 0.02)
    sharp = replace(
        scan.acquisition,
        blur_mm=float(rng.uniform(0.35, 0.7)),
        slice_mm=STEP,
        noise=float(noise),
        view=np.zeros((3, 2)),
        artifact=False,
    )
    patient = replace(patient, scans={name: replace(scan, acquisition=sharp)})
    codes, lesions = locate(anatomy, patient, grid)
    array = render(codes, lesions, patient, grid, name).array
    noisy = name == "CT" and rng.random() < LOW_DOSE_CHANCE
    return take_slices(_turned(array, rng), name, robust_range(array), rng, noisy=noisy)


def real_pair(image: RealImage, rng: np.random.Generator, size: int) -> DetailPair:
    """A crop of a real volume, and the same with thick slices; MRI contrast is bent a little."""
    array = image.array
    middle = (image.bounds[0] + image.bounds[1]) / 2
    for _ in range(TRIES):
        corner = [int(rng.integers(0, max(1, n - size + 1))) for n in array.shape]
        crop = array[tuple(slice(c, c + size) for c in corner)]
        if np.mean(crop > middle) > CONTENT / 2:
            break
    if image.family == "MR":
        low, high = image.bounds
        share = np.clip((crop - low) / (high - low), 0, 4)
        crop = low + (high - low) * share ** np.exp(rng.uniform(-0.3, 0.3))
    return take_slices(_turned(crop, rng), image.family, image.bounds, rng, noisy=False)


def load_real(text: str) -> RealImage:
    """Read an entry of the plan's ``images``, resampled to voxels of 1 mm where they are smaller or larger."""
    family, file = DetailPlan.real_image(text)
    volume = read_volume(Path(file))
    grid = volume.grid
    if any(abs(s - STEP) > 0.02 for s in grid.spacing):
        size = [max(1, round(n * s / STEP)) for n, s in zip(grid.size, grid.spacing, strict=True)]
        volume = resample(volume, Grid((size[0], size[1], size[2]), (STEP,) * 3, grid.origin, grid.direction))
    array = _around_content(volume)
    return RealImage(array, family, robust_range(array))


class DetailPairs(Dataset[DetailPair]):
    """The volumes of a run by number; number n is the same after every interruption.

    Args:
        paths: label maps.
        plan: seed, steps, sizes, real volumes.
    """

    def __init__(self, paths: Sequence[Path], plan: DetailPlan) -> None:
        self.paths, self.plan = list(paths), plan
        self._anatomies: dict[Path, Anatomy] = {}
        self._real: dict[str, RealImage] = {}

    def __len__(self) -> int:
        return self.plan.steps

    def __getitem__(self, n: int) -> DetailPair:
        rng = np.random.default_rng((self.plan.seed, 0, n))
        if self.plan.images and rng.random() < self.plan.real_share:
            text = str(rng.choice(self.plan.images))
            if text not in self._real:
                self._real[text] = load_real(text)
            return real_pair(self._real[text], rng, self.plan.size)
        path = self.paths[rng.integers(len(self.paths))]
        if path not in self._anatomies:
            self._anatomies[path] = load_anatomy(path)
        return made_up_pair(self._anatomies[path], rng, self.plan.size)


def held_out_pairs(paths: Sequence[Path], plan: DetailPlan) -> list[DetailPair]:
    """Volumes of label maps that are not trained on; the same through a run."""
    anatomies = [load_anatomy(path) for path in paths] if plan.validation_samples else []
    if not anatomies:
        return []
    return [
        made_up_pair(anatomies[n % len(anatomies)], np.random.default_rng((plan.seed, 2, n)), plan.size)
        for n in range(plan.validation_samples)
    ]


def _turned(array: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Another axis across the slices, any axis mirrored."""
    turned = array.transpose(rng.permutation(3))
    return turned[tuple(slice(None, None, int(rng.choice((-1, 1)))) for _ in range(3))].copy()


def _noise(
    shape: tuple[int, ...], family: str, bounds: tuple[float, float], rng: np.random.Generator, noisy: bool
) -> np.ndarray:
    """Noise of slices in their own unit, with a grain of up to two voxels within a slice."""
    if family == "CT":
        low, high = (10, 60) if noisy else (0.5, 8)
        deviation = float(np.exp(rng.uniform(np.log(low), np.log(high))))
    else:
        deviation = float(rng.uniform(0, 0.03)) * (bounds[1] - bounds[0])
    noise = rng.standard_normal(shape, dtype=np.float32)
    if rng.random() < 0.5:
        noise = ndimage.gaussian_filter(noise, (0, *(rng.uniform(0.3, 0.8),) * 2), truncate=2.0)
        noise /= max(float(noise[:, ::4, ::4].std()), 1e-6)
    return deviation * noise


def _around_content(volume: Volume) -> np.ndarray:
    """The box of what is not background, with a margin."""
    low, high = robust_range(volume.array)
    box = ndimage.find_objects((volume.array > low + 0.1 * (high - low)).astype(np.uint8))[0]
    part = tuple(slice(max(0, s.start - 8), s.stop + 8) for s in box)
    return np.ascontiguousarray(volume.array[part])
