"""What another scanner, or a poor alignment, does to the volumes of a test case, in degrees.

Each change takes the volumes of a case by modality, a degree and the number of the case, which is its seed; the first
degree of a kind leaves them as they are. Gray levels move up in even cases and down in odd ones.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import SimpleITK as sitk

from MultimodalSegLib.images.intensities import outside_value
from MultimodalSegLib.images.resample import resample
from MultimodalSegLib.images.volume import Volume
from MultimodalSegLib.synthesis.acquisition import Acquisition, acquire

Volumes = Mapping[str, Volume]

IDEAL = Acquisition(0.0, 0, 0.0, 0.0, 0.0, np.zeros((4, 4, 4), np.float32), 1.0, np.zeros((3, 2)), None)
"""A scanner that changes nothing."""

SOFT_HU, BODY_HU = 100.0, -200.0
"""Width of the soft tissues of a CT, and the least of a body."""

NOISE_HU = 200.0
"""CT noise of degree 1, so that 0.1 (a tenth of the brightest tissue of an MRI) is 20 HU."""


@dataclass(frozen=True)
class Shift:
    """One kind of change.

    Args:
        title: of its curve, with the unit of the degrees.
        degrees: that are tried; the first one is no change.
        apply: makes the volumes of a degree.
        pairs_only: makes no sense with one modality.
        names: of the degrees, where they are kinds instead of amounts.
    """

    title: str
    degrees: tuple[float, ...]
    apply: Callable[[Volumes, float, int], Volumes]
    pairs_only: bool = False
    names: tuple[str, ...] = ()


def gray_levels(volumes: Volumes, part: float, number: int) -> Volumes:
    """The distribution of gray levels moves by a part of its width.

    MRI: an exponent moves the median of the tissues by ``part`` of the range, which no linear normalization undoes; CT:
    the tissues move by ``part`` of 100 HU.
    """
    sign = 1.0 if number % 2 == 0 else -1.0

    def moved(name: str, array: np.ndarray) -> np.ndarray:
        if name == "CT":
            return np.where(array > BODY_HU, array + sign * part * SOFT_HU, array)
        low, high = float(array.min()), bright(array)
        unit = ((array - low) / (high - low)).clip(0)
        middle = float(np.median(unit[unit > 0.1]))
        wanted = float(np.clip(middle + sign * part, 0.05, 0.95))
        return low + (high - low) * unit ** (np.log(wanted) / np.log(middle))

    return {name: v.with_array(moved(name, v.array).astype(np.float32)) for name, v in volumes.items()}


def resolution(volumes: Volumes, factor: float, number: int) -> Volumes:
    """Slices so many times as thick, interpolated back."""
    return {name: scanned(name, v, {"slice_mm": factor * v.grid.spacing[2]}, number) for name, v in volumes.items()}


def noise(volumes: Volumes, part: float, number: int) -> Volumes:
    """Noise, as a part of the brightest tissue of an MRI, or of 200 HU."""
    scale = {name: part * NOISE_HU if name == "CT" else part for name in volumes}
    return {name: scanned(name, v, {"noise": scale[name]}, number) for name, v in volumes.items()}


def bias(volumes: Volumes, spread: float, number: int) -> Volumes:
    """Coil shading of MRI: standard deviation of its logarithm at 4 x 4 x 4 places."""
    field = np.random.default_rng((1, number)).normal(0, spread, (4, 4, 4)).astype(np.float32)
    return {n: v if n == "CT" else scanned(n, v, {"bias": field}, number) for n, v in volumes.items()}


def misregistration(volumes: Volumes, mm: float, number: int) -> Volumes:
    """All but the first volume are moved so many millimetres in a random direction."""
    reference, *others = volumes
    direction = np.random.default_rng((2, number)).normal(size=3)
    transform = sitk.TranslationTransform(3, (mm * direction / np.linalg.norm(direction)).tolist())
    moved = {n: resample(volumes[n], volumes[n].grid, transform, outside=outside_value(n)) for n in others}
    return {reference: volumes[reference], **moved}


def missing(volumes: Volumes, which: float, _number: int) -> Volumes:
    """Without volume number ``which``, from 1 on."""
    return {name: v for place, (name, v) in enumerate(volumes.items(), 1) if place != which}


def scanned(name: str, volume: Volume, settings: Mapping[str, object], number: int) -> Volume:
    """The volume taken by a scanner that is ideal but for some settings."""
    unit = 1.0 if name == "CT" else bright(volume.array)
    scanner = replace(IDEAL, **settings)  # type: ignore[arg-type]
    array = acquire((volume.array / unit).astype(np.float32), volume.grid, scanner, name, number)
    return volume.with_array((array * unit).astype(np.float32))


def bright(array: np.ndarray) -> float:
    """The brightest tissue, without outliers."""
    return float(np.quantile(array, 0.99))


SHIFTS = {
    "gray levels": Shift("gray levels moved (part of their width)", (0, 0.05, 0.1, 0.2, 0.3), gray_levels),
    "resolution": Shift("thickness of slices (times)", (1, 2, 3, 4), resolution),
    "noise": Shift("noise (part of brightest tissue)", (0, 0.05, 0.1, 0.2), noise),
    "bias": Shift("coil shading of MRI (SD of logarithm)", (0, 0.2, 0.4, 0.8), bias),
    "misregistration": Shift("residual misregistration (mm)", (0, 1, 2, 4, 6), misregistration, pairs_only=True),
    "missing": Shift("missing volume", (0, 1, 2), missing, pairs_only=True, names=("none", "CT", "MR")),
}
