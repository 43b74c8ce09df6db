"""Lesions of asked kind, place and size, painted into the aligned volumes of a patient."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from ..enhancement.intensities import Scale
from ..errors import InputError
from ..images.grid import Grid
from ..images.intensities import outside_value
from ..images.resample import inside, resample
from ..images.volume import Volume
from ..progress import Event, Progress, silent
from .asked import SPACING, AskedLesion, check_kind, drawn, lesion_mask, work_grid
from .canvas import MARGIN, paint_weight

if TYPE_CHECKING:
    from .flow import Painter, Seen

STAGE = "paint"

TISSUE_HU = (-150.0, 250.0)
"""What can hold a lesion of the brain in a CT: neither air nor bone."""

DARK = 0.1
"""Part of the range below which an MRI that is dark as far as its border shows air, or what was masked."""

LEAST = 0.5
"""Part of a drawn shape that must lie in tissue."""


@dataclass(frozen=True)
class Painted:
    """What :func:`paint` made.

    Args:
        volumes: by modality, float32 on their own grids; voxels away from the lesions are those that were given.
        mask: uint8 on the first volume's grid: 0, or the number of the lesion in the order asked for, from 1.
        ml: volume of each lesion.
        seconds: wall time.
    """

    volumes: Mapping[str, Volume]
    mask: Volume
    ml: tuple[float, ...]
    seconds: float


def paint(
    volumes: Mapping[str, Volume],
    asked: Sequence[AskedLesion],
    painter: Painter,
    families: Mapping[str, str],
    *,
    seed: int = 0,
    progress: Progress = silent,
) -> Painted:
    """Paint lesions one after the other, each into all volumes with one shape.

    Args:
        volumes: by modality, in one space; each on its own grid. The first is painted first, and the others so that
            they agree with it.
        asked: lesions.
        painter: draws how they look.
        families: of each modality, ``"CT"`` or ``"MR"``.
        seed: of shapes and looks.
        progress: takes the events of the stage ``"paint"``.

    Raises:
        InputError: nothing is asked for, an unknown kind, or a place outside of a volume, in air or in bone.
        Cancelled: ``progress`` asked to stop.
    """
    began = time.perf_counter()
    if not volumes or not asked:
        raise InputError("There is no volume or no lesion to paint.", "Give at least one of each.")
    for lesion in asked:
        check_kind(lesion.kind, painter.kinds)
        _check_place(lesion, volumes)
    scales = {name: Scale.of(volume.array, families[name]) for name, volume in volumes.items()}
    first = next(iter(volumes.values()))
    mask, done, ml = np.zeros(first.grid.shape, np.uint8), dict(volumes), []
    for number, lesion in enumerate(asked):

        def tell(part: float, message: str = "", at: int = number) -> None:
            progress(Event(STAGE, at + part, len(asked), message))

        done, where = _painted(done, lesion, painter, scales, np.random.default_rng((seed, number)), tell)
        mask[resample(where, first.grid, labels=True).array > 0] = number + 1
        ml.append(float(where.array.sum()) * where.grid.voxel_ml)
    progress(Event(STAGE, len(asked), len(asked)))
    return Painted(done, Volume(mask, first.grid), tuple(ml), time.perf_counter() - began)


def _painted(
    volumes: Mapping[str, Volume],
    lesion: AskedLesion,
    painter: Painter,
    scales: Mapping[str, Scale],
    rng: np.random.Generator,
    tell: Callable[..., None],
) -> tuple[dict[str, Volume], Volume]:
    """All volumes with one lesion, and where it is: uint8 on a grid around it."""
    shape = drawn(lesion, rng)
    grid = work_grid(shape, MARGIN)
    scans = {name: resample(v, grid, outside=outside_value(scales[name].family)) for name, v in volumes.items()}
    whole = lesion_mask(shape, grid)
    mask = whole & _tissue(scans, scales)
    if mask.sum() < LEAST * whole.sum():
        raise InputError(f"The {lesion.name} lies in air or bone.", "Choose a place inside of the brain (LPS mm).")
    weight = Volume(paint_weight(mask), grid)
    result: dict[str, Volume] = {}
    other: Seen | None = None
    for name, volume in volumes.items():
        at, seed = len(result), int(rng.integers(2**31))
        tell(at / len(volumes), f"{lesion.kind} in {name}")
        painted, other = paint_scan(
            painter,
            scans[name].array,
            mask,
            lesion.kind,
            scales[name],
            SPACING,
            seed,
            other,
            lambda part, at=at: tell((at + part) / len(volumes)),  # type: ignore[misc]
        )
        result[name] = _merged(volume, Volume(painted, grid), weight)
    return result, Volume(mask.astype(np.uint8), grid)


def paint_scan(
    painter: Painter,
    array: np.ndarray,
    mask: np.ndarray,
    kind: str,
    scale: Scale,
    spacing: float,
    seed: int,
    other: Seen | None = None,
    report: Callable[[float], None] = lambda _: None,
) -> tuple[np.ndarray, Seen]:
    """Paint a lesion into one scan in its own unit.

    Args:
        painter: draws how it looks.
        array: (k, j, i), voxels as long in all directions.
        mask: same shape, bool.
        kind: of lesion.
        scale: between the scan's unit and what the network sees.
        spacing: between voxels, mm.
        seed: of the noise from which the flow starts.
        other: a scan of the patient that shows the lesion already.
        report: told the finished fraction.

    Returns:
        The scan with the lesion, same unit; and what the next scan of the patient is to agree with.
    """
    from .flow import Seen

    plain = scale.apply(array)
    painted = painter.paint(plain, mask, kind, scale.family, spacing, seed, other, report)
    result = np.where(paint_weight(mask) > 0, scale.undo(painted), array)
    return result.astype(np.float32), Seen(painted, scale.family)


def _check_place(lesion: AskedLesion, volumes: Mapping[str, Volume]) -> None:
    for name, volume in volumes.items():
        if not inside(volume.grid, np.asarray([lesion.place]))[0]:
            raise InputError(f"The {lesion.name} is outside of the {name}.", "Choose a place in all volumes (LPS mm).")


def _tissue(scans: Mapping[str, Volume], scales: Mapping[str, Scale]) -> np.ndarray:
    """Where no scan shows air or bone, or nothing at all."""
    found = np.ones(next(iter(scans.values())).array.shape, bool)
    for name, scan in scans.items():
        if scales[name].family == "CT":
            soft = ndimage.uniform_filter(scan.array, 3)
            found &= (soft > TISSUE_HU[0]) & (soft < TISSUE_HU[1])
            continue
        dark = scan.array < scales[name].low + DARK * (scales[name].high - scales[name].low)
        parts, _ = ndimage.label(ndimage.binary_opening(dark, iterations=2))
        border = np.ones(dark.shape, bool)
        border[1:-1, 1:-1, 1:-1] = False
        found &= ~np.isin(parts, np.setdiff1d(parts[border], [0]))
    return found


def _merged(volume: Volume, painted: Volume, weight: Volume) -> Volume:
    """A volume with the painted region in its place, on its own grid; other voxels stay as they are."""
    box = _box(volume, painted.grid)
    part = Volume(volume.array[box], _cut(volume.grid, box))
    share, look = resample(weight, part.grid).array, resample(painted, part.grid).array
    array = volume.array.astype(np.float32, copy=True)
    array[box] = np.where(share > 0, share * look + (1 - share) * part.array, part.array)
    return volume.with_array(array)


def _box(volume: Volume, grid: Grid) -> tuple[slice, ...]:
    """The voxels of a volume that a grid's box covers."""
    index = volume.grid.indices(grid.corners)
    low, high = np.floor(index.min(0)).astype(int), np.ceil(index.max(0)).astype(int) + 1
    size = volume.grid.size
    return tuple(slice(max(0, int(low[n])), min(size[n], int(high[n]))) for n in (2, 1, 0))


def _cut(grid: Grid, box: tuple[slice, ...]) -> Grid:
    k, j, i = box
    x, y, z = (float(n) for n in grid.points(np.array([i.start, j.start, k.start])))
    return Grid((i.stop - i.start, j.stop - j.start, k.stop - k.start), grid.spacing, (x, y, z), grid.direction)
