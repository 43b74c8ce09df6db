"""How long a case will take on this machine and how much memory, said before it is started.

Without torch: the panel asks each time that an input changes, and torch takes seconds to import.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...images.grid import Grid
from ...inference.memory import SHARE, available_bytes, bytes_per_voxel, windowed_bytes
from ...machine import has_graphics_card, usable_processors
from ...models.bundle import Bundle
from ..text import _

HEAD_MM = (192.0, 240.0, 268.0)
"""Most of what the network sees: the head box of a large adult head with its margins, LPS."""

START_SECONDS = 5.0
"""Starting Python, importing torch, reading the files and loading the weights."""
REGISTRATION_SECONDS = {"none": 0.5, "given": 0.5, "rigid": 3.0, "affine": 5.0, "bspline": 15.0}
NETWORK_SECONDS = {"cpu": 0.5e-6, "cuda": 0.02e-6}
"""Per voxel of the working grid and per volume."""
LABEL_SECONDS = 0.4e-6
"""Per voxel of the reference and class group: upsampling, cleaning up, measuring and writing."""
REFERENCE_PROCESSORS = 2
REFERENCE_MATRIX_SECONDS = 0.004
"""Time of :func:`matrix_seconds` on the machine on which the figures above were measured."""
SPEEDS = (0.1, 10.0)
"""Slowest and fastest machine that is believed."""
WIDTH = (0.6, 2.0)
"""The estimate is given as a range of these factors."""

WINDOW_FACTOR = 2.0
"""Overlapping windows do the work about twice."""
PROCESS_MB = 700.0
"""Python, torch and the network's weights."""
PRECISION: Mapping[str, np.dtype[Any]] = {"cpu": np.dtype(np.float32), "cuda": np.dtype(np.float16)}
"""Type of the logits; whether a processor does better is not known without torch."""


@dataclass(frozen=True)
class Estimate:
    """What a run is expected to need.

    Args:
        seconds: shortest and longest time that would not surprise.
        memory_mb: memory of the child process at its peak, MiB.
        free_mb: memory that is free now and may be used, MiB; None if not known (a graphics card's).
        one_shot: whether everything, or a window as large as the model wants it, fits into that; otherwise it is done
            in smaller windows, or not at all.
        measured: whether a run on this machine is known, which makes the seconds much better.
    """

    seconds: tuple[float, float]
    memory_mb: float
    free_mb: float | None
    one_shot: bool
    measured: bool = False

    def sentence(self) -> str:
        """For the panel, one or two sentences."""
        text = _("About {low} to {high}, and up to {memory:.1f} GB of memory.").format(
            low=duration(self.seconds[0]), high=duration(self.seconds[1]), memory=self.memory_mb / 1024
        )
        if not self.measured:
            text += " " + _("A rough guess until the first run on this computer.")
        if not self.one_shot:
            text += " " + _("Memory is short: it will be done in small windows, which takes longer.")
        return text


def duration(seconds: float) -> str:
    """A time as a person says it: ``"15 s"``, ``"2 min"``."""
    if seconds < 60:
        step = 1 if seconds < 10 else 5
        return _("{number} s").format(number=max(1, round(seconds / step) * step))
    return _("{number} min").format(number=max(1, round(seconds / 60)))


def estimate(
    bundle: Bundle,
    grid: Grid,
    volumes: int = 1,
    *,
    registration: str = "rigid",
    device: str = "auto",
    threads: int | None = None,
    memory_limit_mb: float | None = None,
    speed: float | None = None,
) -> Estimate:
    """What segmenting a case is expected to need.

    Args:
        bundle: the model.
        grid: of the reference volume, or of the region of interest of it.
        volumes: number of volumes, the reference included.
        registration: ``"none"``, ``"given"``, ``"rigid"``, ``"affine"`` or ``"bspline"``.
        device: ``"cpu"``, ``"cuda"`` or ``"auto"`` (a graphics card if there seems to be one).
        threads: processor threads; all if None.
        memory_limit_mb: what the user allows.
        speed: from :func:`learned_speed` of a finished run; measured for a few milliseconds otherwise.
    """
    where = used_device(device)
    memory = network_bytes(bundle, grid, volumes, PRECISION[where]) / 2**20
    voxels = working_voxels(bundle, grid)
    free = memory_limit_mb if memory_limit_mb is not None else (free_memory_mb() if where == "cpu" else None)
    one_shot = free is None or memory <= free
    factor = 1.0 / (speed or machine_speed())
    seconds = _seconds(grid, volumes, voxels, registration, where, threads) * factor
    if not one_shot:
        seconds += voxels * volumes * NETWORK_SECONDS[where] * (WINDOW_FACTOR - 1) * factor
        memory = min(memory, free or memory)
    grid_mb = 4 * float(np.prod(grid.size)) * (volumes + 3) / 2**20
    low, high = (0.8, 1.3) if speed else WIDTH
    used = PROCESS_MB + grid_mb + (memory if where == "cpu" else 0.0)
    return Estimate((seconds * low, seconds * high), used, free, one_shot, speed is not None)


def learned_speed(
    record: Mapping[str, Any],
    bundle: Bundle,
    seconds: float,
    *,
    registration: str = "rigid",
    threads: int | None = None,
) -> float:
    """How much faster than the reference machine this one was in a finished run; keep it in the settings.

    Args:
        record: content of ``run.json``.
        bundle: the model that was used.
        seconds: from the start of the run to its end, as the user saw it.
        registration: as in :func:`estimate`; the record only knows what was done in the child process.
        threads: as in :func:`estimate`.
    """
    inputs = record["inputs"]
    reference = inputs[record["reference"]]
    grid = Grid(tuple(reference["size"]), tuple(reference["spacing"]))
    device = used_device(record["device"])
    expected = _seconds(grid, len(inputs), working_voxels(bundle, grid), registration, device, threads)
    return float(np.clip(expected / max(seconds, 1.0), *SPEEDS))


def working_shape(bundle: Bundle, grid: Grid) -> tuple[int, int, int]:
    """Size (k, j, i) of what the network is expected to see: the head box or the field of view, if that is smaller."""
    extent = grid.corners.max(0) - grid.corners.min(0)
    extent = np.minimum(extent, HEAD_MM) if bundle.region == "head" else extent
    least = bundle.patch or (2 * bundle.stride if bundle.stride > 1 else 1,) * 3
    multiple = 1 if bundle.patch else bundle.stride
    sides = np.maximum(np.ceil(extent / bundle.spacing)[::-1], least)
    k, j, i = (int(n) for n in np.ceil(sides / multiple) * multiple)
    return k, j, i


def working_voxels(bundle: Bundle, grid: Grid) -> int:
    """Voxels that the network is expected to compute, those of overlapping windows of the model's patch twice."""
    shape = working_shape(bundle, grid)
    factor = WINDOW_FACTOR if _in_windows(bundle, shape) else 1.0
    return int(factor * np.prod(shape))


def network_bytes(bundle: Bundle, grid: Grid, volumes: int, precision: np.dtype[Any]) -> float:
    """Memory that the network is expected to take as the model wants it, bytes."""
    network, shape = bundle.metadata["network"], working_shape(bundle, grid)
    if bundle.patch and _in_windows(bundle, shape):
        return windowed_bytes(network, volumes, precision, shape, bundle.patch)
    return bytes_per_voxel(network, volumes, precision) * float(np.prod(shape))


def _in_windows(bundle: Bundle, shape: tuple[int, int, int]) -> bool:
    return bundle.patch is not None and any(n > p for n, p in zip(shape, bundle.patch, strict=True))


def free_memory_mb() -> float | None:
    """Memory that may be planned for on this computer, MiB; None where nobody knows."""
    try:
        return SHARE * available_bytes() / 2**20
    except ImportError:  # the packages are not installed yet
        return None


def used_device(device: str) -> str:
    """``"cpu"`` or ``"cuda"``: where a run goes that is asked for a device; ``"auto"`` takes a graphics card."""
    if device == "auto":
        return "cuda" if has_graphics_card() else "cpu"
    return "cuda" if device.startswith("cuda") else "cpu"


@functools.cache
@functools.cache
def machine_speed() -> float:
    """Speed of this machine against the reference machine, from a few milliseconds of arithmetic."""
    return float(np.clip(REFERENCE_MATRIX_SECONDS / matrix_seconds(), *SPEEDS))


def matrix_seconds(size: int = 512) -> float:
    """The shortest of a few times for one product of two matrices, s."""
    matrix = np.ones((size, size), np.float32)
    times = []
    for _attempt in range(5):
        begin = time.perf_counter()
        matrix @ matrix
        times.append(time.perf_counter() - begin)
    return max(1e-6, min(times))


def _seconds(grid: Grid, volumes: int, voxels: int, registration: str, device: str, threads: int | None) -> float:
    """Seconds on the reference machine."""
    processors = min(threads or usable_processors(), usable_processors())
    slower = (REFERENCE_PROCESSORS / max(1, processors)) ** 0.7  # more processors help less and less
    network = voxels * volumes * NETWORK_SECONDS[device] * (slower if device == "cpu" else 1.0)
    register = REGISTRATION_SECONDS.get(registration, REGISTRATION_SECONDS["rigid"]) * (volumes - 1) * slower
    return START_SECONDS + network + register + float(np.prod(grid.size)) * LABEL_SECONDS
