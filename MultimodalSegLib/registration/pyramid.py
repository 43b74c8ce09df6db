"""A volume at the three resolutions in which volumes are registered, and where the head is."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import count
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from ..errors import RegistrationError
from ..images.check import check_values
from ..images.grid import Grid
from ..images.intensities import CT_OUTSIDE, normalize
from ..images.volume import Volume

FINE, MIDDLE, COARSE = 1.0, 4.0, 8.0
"""Voxel sizes in mm. A step at 2 mm between the first two gains nothing; blurred to 2 mm, borders are less exact."""

MOST_VOXELS = 20_000_000
"""At the fine resolution; a trunk has voxels of 2 mm or more."""

TRUNK, TRUNK_VOXELS = 6.0, 1_500_000
"""Voxel size in mm of the middle resolution where it would have more voxels than this."""

AIR_HU = -300.0
FOREGROUND = {"PET": 0.03}
FOREGROUND_DEFAULT = 0.12
"""Part of the robust intensity range above which a voxel belongs to the patient."""


@dataclass(frozen=True)
class Pyramid:
    """One volume as registration sees it.

    Args:
        raw: intensities as they came, voxels of 1 mm, or of more where the scan is coarser or very large.
        modality: its name, or empty.
        middle: normalised intensities at 4 mm, or of a trunk at 6 mm.
        coarse: the same at 8 mm.
        head: bool, the patient without couch and head holder, on the grid of ``middle``; of a trunk the body.
    """

    raw: Volume
    modality: str
    middle: Volume
    coarse: Volume
    head: Volume

    @cached_property
    def fine(self) -> Volume:
        """Normalised intensities at the fine resolution."""
        return self.raw.with_array(normalize(self.raw.array, self.modality))

    def level(self, spacing: float) -> Volume:
        """The volume at one of the three resolutions."""
        if spacing == FINE:
            return self.fine
        return {MIDDLE: self.middle, COARSE: self.coarse}[spacing]


def build_pyramid(volume: Volume, modality: str = "") -> Pyramid:
    """Shrink and normalise a volume and find the patient in it.

    Args:
        volume: intensities (HU for CT).
        modality: a modality's name; if empty, a volume with values below -500 is taken for a CT.

    Raises:
        InputError: values that are not finite, or all the same.
        RegistrationError: too few slices, or nothing stands out from the background.
    """
    check_values(volume.array, volume.source or Path("the volume"))
    if not modality and float(volume.array.min()) < -500.0:
        modality = "CT"
    if modality == "CT":  # padding of -2000 or -3024 outside the scanner's circle is air
        volume = volume.with_array(np.maximum(volume.array, CT_OUTSIDE))
    fine, wide = _fine_spacing(volume.grid), MIDDLE
    raw = shrink(volume, fine)
    middle = shrink(raw, wide)
    if middle.array.size > TRUNK_VOXELS:
        wide = TRUNK
        middle = shrink(raw, wide)
    _check_slices(volume, middle.grid, (fine, wide))
    coarse = shrink(raw, COARSE)
    head = find_head(middle, modality)
    if not head.array.any():
        raise RegistrationError(
            f"Nothing stands out from the background in {volume.source or 'a volume'}.",
            "Look at the volume: it may be empty, or of another modality than said.",
        )
    middle, coarse = (level.with_array(normalize(level.array, modality)) for level in (middle, coarse))
    return Pyramid(raw, modality, middle, coarse, head)


def _fine_spacing(grid: Grid) -> float:
    """1 mm, or so much more that the volume is no larger than :data:`MOST_VOXELS`."""
    cubic_mm = float(np.prod(np.asarray(grid.size) * grid.spacing))
    return max(FINE, float((cubic_mm / MOST_VOXELS) ** (1 / 3)))


def shrink(volume: Volume, spacing: float) -> Volume:
    """Average blocks of voxels up to about ``spacing`` mm; axes that are coarser already stay as they are.

    Voxels left over at the far ends, less than a block, are dropped.
    """
    grid = volume.grid
    factors = [_block(step, size, spacing) for step, size in zip(grid.spacing, grid.size, strict=True)]
    size = tuple(n // f for n, f in zip(grid.size, factors, strict=True))
    array = volume.array[: size[2] * factors[2], : size[1] * factors[1], : size[0] * factors[0]]
    for axis, factor in enumerate(reversed(factors)):
        if factor > 1:
            blocks = [*array.shape[:axis], array.shape[axis] // factor, factor, *array.shape[axis + 1 :]]
            array = array.reshape(blocks).mean(axis=axis + 1, dtype=np.float32)
    shift = grid.affine[:3, :3] @ ((np.asarray(factors) - 1) / 2)
    origin = tuple(float(x) for x in np.asarray(grid.origin) + shift)
    steps = tuple(float(step * f) for step, f in zip(grid.spacing, factors, strict=True))
    smaller = Grid(
        (size[0], size[1], size[2]), (steps[0], steps[1], steps[2]), (origin[0], origin[1], origin[2]), grid.direction
    )
    return Volume(np.ascontiguousarray(array), smaller, volume.source)


def _block(step: float, size: int, spacing: float) -> int:
    """How many voxels along an axis, of ``size`` with ``step`` mm, become one of about ``spacing`` mm."""
    return max(1, min(size, round(spacing / step)))


def _check_slices(volume: Volume, middle: Grid, spacings: tuple[float, float]) -> None:
    """Refuse a volume so thin that :func:`find_head` takes everything in it for a couch, and say what is the least.

    Args:
        volume: as it came.
        middle: its grid after both shrinkings.
        spacings: of the two, mm.
    """
    radius = _couch_radius(middle)

    def enough(step: float, size: int) -> bool:
        for spacing in spacings:
            block = _block(step, size, spacing)
            step, size = step * block, size // block
        return size > 2 * (radius // step)

    for step, size in zip(volume.grid.spacing, volume.grid.size, strict=True):
        if not enough(step, size):
            least = next(more for more in count(size + 1) if enough(step, more))
            raise RegistrationError(
                f"{volume.source or 'A volume'} has only {size} slices of {step:g} mm; to find a head in it, at least "
                f"{least} are needed.",
                "Give a scan with more slices, or the whole of this one if it was cropped.",
            )


def find_head(volume: Volume, modality: str) -> Volume:
    """The patient in a volume of about 4 to 6 mm: the largest bright thing that is thicker than a couch, filled.

    Args:
        volume: intensities before normalisation.
        modality: its name; ``""`` is taken as an MRI.
    """
    array = volume.array
    if modality == "CT":
        bright = array > AIR_HU
    else:
        low = float(np.percentile(array, 0.5))
        above = array[array > array.mean()]
        high = float(np.percentile(above, 99.0)) if above.size else low
        bright = array > low + FOREGROUND.get(modality, FOREGROUND_DEFAULT) * (high - low)
    core = ndimage.binary_opening(bright, _ball(volume.grid, _couch_radius(volume.grid)))
    pieces, number = ndimage.label(core)
    if number == 0:
        return volume.with_array(np.zeros(array.shape, bool))
    largest = pieces == 1 + int(np.argmax(np.bincount(pieces.ravel())[1:]))
    # The neck is cut open by the end of the scan, so a 3D filling would leave the airways; slices are closed.
    closed = ndimage.binary_closing(np.pad(largest, 3, mode="edge"), _ball(volume.grid, 9.0))[3:-3, 3:-3, 3:-3]
    filled = closed.copy()
    for axis in range(3):
        moved = np.moveaxis(closed, axis, 0)
        np.moveaxis(filled, axis, 0)[...] |= np.stack([ndimage.binary_fill_holes(piece) for piece in moved])
    return volume.with_array(filled)


def dilate(mask: Volume, radius: float) -> Volume:
    """A mask grown by ``radius`` mm."""
    image = mask.with_array(mask.array.astype(np.uint8)).to_sitk()
    distance = sitk.SignedMaurerDistanceMap(image, squaredDistance=False, useImageSpacing=True)
    return mask.with_array(sitk.GetArrayViewFromImage(distance) <= radius)


def _couch_radius(grid: Grid) -> float:
    """Half the thickness of a couch, mm: what is no thicker than twice this is no patient."""
    return max(5.0, min(grid.spacing))


def _ball(grid: Grid, radius: float) -> np.ndarray:
    """Structuring element: voxels within ``radius`` mm of the middle one, shape (k, j, i)."""
    reach = [int(radius // step) for step in reversed(grid.spacing)]
    offsets = np.meshgrid(*(np.arange(-r, r + 1) for r in reach), indexing="ij")
    square = sum((offset * step) ** 2 for offset, step in zip(offsets, reversed(grid.spacing), strict=True))
    return np.asarray(square <= radius**2)
