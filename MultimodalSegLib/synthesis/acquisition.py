"""What a scanner does to a picture of tissue: blur, slices, coil shading, noise, a limited view, a table."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from ..images.grid import Grid
from ..images.intensities import outside_value
from .artifacts import GHOST_CHANCE, HOLDER_CHANCE, STREAK_CHANCE, ghosts, streaks

TILT_CHANCE, TILT = 0.3, (5.0, 25.0)
"""Axial CT of thick slices whose gantry was tilted; by how many degrees, chin or forehead down."""


@dataclass(frozen=True)
class Acquisition:
    """One scan's settings.

    Args:
        blur_mm: standard deviation of the in-plane resolution, millimetres.
        slice_axis: array axis (0 = k, 1 = j, 2 = i) across the slices.
        slice_mm: slice thickness, millimetres; no more than the grid's spacing means none.
        noise: standard deviation, HU for CT and a fraction of the brightest tissue for MRI.
        grain_mm: correlation length of the noise, millimetres.
        bias: (n, n, n) float32 logarithm of the coil shading of MRI, or shading of a CT in HU.
        gamma: exponent on MRI intensities.
        view: fraction of the grid that is cut off at the start and end of each array axis, (3, 2).
        table_hu: HU of a head holder behind the head, or None.
        artifact: a CT has streaks, an MRI ghosts.
        tilt: degrees by which the slices of ``slice_axis`` 0 are turned about the axis from ear to ear.
    """

    blur_mm: float
    slice_axis: int
    slice_mm: float
    noise: float
    grain_mm: float
    bias: np.ndarray
    gamma: float
    view: np.ndarray
    table_hu: float | None
    artifact: bool = False
    tilt: float = 0.0


def sample_acquisition(rng: np.random.Generator, modality: str) -> Acquisition:
    """Draw the settings of one scan."""
    is_ct = modality == "CT"
    thick = rng.random() < 0.5
    view = np.zeros((3, 2))
    if rng.random() < 0.2:
        view[rng.integers(3), rng.integers(2)] = rng.uniform(0.02, 0.4)
    bias = rng.normal(0, rng.uniform(0, 2.5 if is_ct else 0.35), (4, 4, 4))
    own = rng.spawn(1)[0]  # whether the gantry is tilted changes nothing else about the patient
    tilted = is_ct and thick and own.random() < TILT_CHANCE
    return Acquisition(
        tilt=float(own.uniform(*TILT) * own.choice((-1, 1))) if tilted else 0.0,
        blur_mm=float(rng.uniform(0.4, 1.3)),
        slice_axis=int(rng.choice(3, p=(0.7, 0.15, 0.15))),
        slice_mm=float(np.exp(rng.uniform(np.log(1.5), np.log(8.0)))) if thick else 1.0,
        noise=float(rng.uniform(1, 10) if is_ct else rng.uniform(0.0, 0.07)),
        grain_mm=float(rng.choice((0.0, 1.0))),
        bias=bias.astype(np.float32),
        gamma=1.0 if is_ct else float(np.exp(rng.uniform(-0.3, 0.3))),
        view=view,
        table_hu=float(rng.uniform(-500, 400)) if is_ct and rng.random() < HOLDER_CHANCE else None,
        artifact=bool(rng.random() < (STREAK_CHANCE if is_ct else GHOST_CHANCE)),
    )


def acquire(image: np.ndarray, grid: Grid, settings: Acquisition, modality: str, noise_seed: int) -> np.ndarray:
    """Turn ideal tissue intensities into a scan.

    Args:
        image: float32 (k, j, i), HU for CT, 0..1 for MRI.
        grid: its grid; only the spacing is used.
        settings: what to do.
        modality: ``"CT"`` or ``"MR"``.
        noise_seed: makes the noise repeatable.

    Returns:
        float32 (k, j, i); outside the field of view -1000 HU or 0.
    """
    rng = np.random.default_rng(noise_seed)
    spacing = np.asarray(grid.spacing[::-1], float)
    image = ndimage.gaussian_filter(image, settings.blur_mm / spacing, truncate=2.5)
    slope = np.tan(np.radians(settings.tilt)) * spacing[1] / spacing[0] if settings.slice_axis == 0 else 0.0
    image = _sheared(image, slope)
    image = _slices(image, settings.slice_axis, settings.slice_mm / spacing[settings.slice_axis], rng)
    image = _sheared(image, -slope)
    if modality == "CT":
        image = image + _smooth(settings.bias, image.shape)
    else:
        image = np.maximum(image, 0.0) * np.exp(_smooth(settings.bias, image.shape))
        image = image**settings.gamma
    if settings.artifact:
        image = streaks(image, rng) if modality == "CT" else ghosts(image, rng)
    noise = rng.standard_normal(image.shape, dtype=np.float32)
    if settings.grain_mm > 0:
        noise = ndimage.gaussian_filter(noise, settings.grain_mm / spacing, truncate=2.0)
        noise /= max(float(noise[::4, ::4, ::4].std()), 1e-6)
    image = image + settings.noise * noise
    if modality != "CT":
        image = np.abs(image)
    return _limit_view(image.astype(np.float32), settings.view, outside_value(modality))


def _smooth(coarse: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """A few numbers as a smooth field of this shape."""
    middle = ndimage.zoom(coarse, np.minimum(np.asarray(shape) / 4.0, 6), order=3, grid_mode=True, mode="nearest")
    fine: np.ndarray = ndimage.zoom(middle, np.asarray(shape) / middle.shape, order=1, grid_mode=True, mode="nearest")
    return fine


def _slices(image: np.ndarray, axis: int, factor: float, rng: np.random.Generator) -> np.ndarray:
    """Average over slices of ``factor`` voxels and interpolate back between their centres; nothing moves."""
    if factor <= 1.2:
        return image
    size = image.shape[axis]
    centers = np.arange(rng.uniform(0, factor), size - 0.5, factor)
    low, high = (np.clip(centers + side, -0.5, size - 0.5) for side in (-factor / 2, factor / 2))
    moved = np.moveaxis(image, axis, 0)
    total = np.concatenate([np.zeros_like(moved[:1]), np.cumsum(moved, axis=0, dtype=np.float64)])
    taken = ((_at(total, high + 0.5) - _at(total, low + 0.5)) / (high - low)[:, None, None]).astype(np.float32)
    position = np.interp(np.arange(size), (low + high) / 2, np.arange(len(centers)))
    return np.moveaxis(_at(taken, position), 0, axis)


def _sheared(image: np.ndarray, slope: float) -> np.ndarray:
    """Each row moved along the first axis by ``slope`` voxels more than the row before it; the middle one stays."""
    if not slope:
        return image
    matrix = np.array([[1, slope, 0], [0, 1, 0], [0, 0, 1]])
    offset = (-slope * (image.shape[1] - 1) / 2, 0, 0)
    moved: np.ndarray = ndimage.affine_transform(image, matrix, offset, order=1, mode="nearest")
    return moved


def _at(lines: np.ndarray, position: np.ndarray) -> np.ndarray:
    """Values at fractional positions (n,) along the first of three axes."""
    low = np.minimum(np.floor(position).astype(int), len(lines) - 1)
    high = np.minimum(low + 1, len(lines) - 1)
    part = (position - low).astype(lines.dtype)[:, None, None]
    between: np.ndarray = lines[low] * (1 - part) + lines[high] * part
    return between


def _limit_view(image: np.ndarray, view: np.ndarray, outside: float) -> np.ndarray:
    for axis in range(3):
        size = image.shape[axis]
        first, last = int(view[axis, 0] * size), size - int(view[axis, 1] * size)
        moved = np.moveaxis(image, axis, 0)
        moved[:first] = outside
        moved[last:] = outside
    return image
