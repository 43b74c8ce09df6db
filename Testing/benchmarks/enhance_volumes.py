"""Real volumes with voxels of 1 mm, and the thick slices that a coarser scan of them would have."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from MultimodalSegLib.enhancement.slices import SliceModel
from MultimodalSegLib.enhancement.thick import regridded
from MultimodalSegLib.images.grid import Grid
from MultimodalSegLib.images.intensities import robust_range
from MultimodalSegLib.images.io import read_volume
from MultimodalSegLib.images.volume import Volume

FILES = {
    "remind-022 T1C": ("remind-022/ReMIND-022_T1post.nii.gz", "MR"),
    "remind-022 T2": ("remind-022/ReMIND-022_T2SPACE.nii.gz", "MR"),
    "ICBM152 T1": ("templates/mni_icbm152_t1_tal_nlin_sym_09a_converted.nii.gz", "MR"),
    "Colin27 T1": ("templates/ch2.nii.gz", "MR"),
    "seeg-brain T1": ("seeg-brain/seeg_brain.nii.gz", "MR"),
    "CT brain atlas": ("templates/ts_ct_brain_atlas_1mm.nii.gz", "CT"),
    "head-ct": ("head-ct/head_ct_ge_untilted_0.98x0.98x2mm.nii.gz", "CT"),
}
MARGIN = 6


@dataclass(frozen=True)
class Trial:
    """A volume and its thick slices.

    Args:
        name: of the volume.
        family: CT or MR.
        truth: with voxels of 1 mm, cut to the head.
        thick: the same as slices of ``mm``.
        axis: array axis across the slices.
        inside: bool, the head.
    """

    name: str
    family: str
    truth: Volume
    thick: Volume
    axis: int
    inside: np.ndarray


def trials(data: Path, names: list[str], axes: list[int], mm: float, profiles: dict[str, str]) -> Iterator[Trial]:
    """Those volumes that are there, across each axis."""
    for name in names:
        file, family = FILES[name]
        if not (data / file).is_file():
            print(f"{name}: {data / file} is not there")
            continue
        for axis in axes:
            truth = _cut(_isotropic(_along_patient(read_volume(data / file))), family, axis, mm)
            yield Trial(name, family, truth, _thick(truth, axis, mm, profiles[family]), axis, _inside(truth, family))


def whole(file: Path, family: str = "CT") -> tuple[Volume, np.ndarray]:
    """A volume with voxels of 1 mm, cut to the head, and where the head is."""
    volume = _cut(_isotropic(_along_patient(read_volume(file))), family, 0, 1.0)
    return volume, _inside(volume, family)


def _along_patient(volume: Volume) -> Volume:
    """With axes to the patient's left, back and head, so that axis 0 is across axial slices."""
    return Volume.from_sitk(sitk.DICOMOrient(volume.to_sitk(), "LPS"))


def _isotropic(volume: Volume) -> Volume:
    """Cubic B-splines to 1 mm where the voxels are not."""
    if all(abs(s - 1) < 1e-3 for s in volume.grid.spacing):
        return volume
    grid = regridded(volume.grid, (1.0, 1.0, 1.0))
    low = float(volume.array.min())
    image = sitk.Resample(
        volume.to_sitk(), grid.size, sitk.Transform(), sitk.sitkBSpline, grid.origin, grid.spacing, grid.direction, low
    )
    array = np.clip(sitk.GetArrayFromImage(image), low, float(volume.array.max()))
    return Volume(array.astype(np.float32), grid)


def _inside(volume: Volume, family: str) -> np.ndarray:
    """The head with its holes filled."""
    low, high = robust_range(volume.array)
    above = volume.array > (-300 if family == "CT" and low < -500 else low + 0.1 * (high - low))
    labels, count = ndimage.label(ndimage.binary_opening(above))
    if not count:
        return above
    largest = labels == 1 + int(np.argmax(np.bincount(labels.ravel())[1:]))
    return np.stack([ndimage.binary_fill_holes(plane) for plane in largest])


def _cut(volume: Volume, family: str, axis: int, mm: float) -> Volume:
    """The box of the head; a multiple of the slices across the axis."""
    box = ndimage.find_objects(_inside(volume, family).astype(np.uint8))[0]
    part = [
        slice(max(0, s.start - MARGIN), min(n, s.stop + MARGIN)) for s, n in zip(box, volume.array.shape, strict=True)
    ]
    length = part[axis].stop - part[axis].start
    part[axis] = slice(part[axis].start, part[axis].start + int(length // mm * mm))
    start = np.array([p.start for p in part[::-1]] + [1.0])
    origin = (volume.grid.affine @ start)[:3]
    array = np.ascontiguousarray(volume.array[tuple(part)])
    k, j, i = array.shape
    return Volume(array, Grid((i, j, k), (1.0, 1.0, 1.0), tuple(map(float, origin)), volume.grid.direction))  # type: ignore[arg-type]


def _thick(volume: Volume, axis: int, mm: float, profile: str) -> Volume:
    model = SliceModel(int(volume.array.shape[axis] // mm), mm, profile=profile)
    slices = np.moveaxis(model.taken(np.moveaxis(volume.array, axis, 0)), 0, axis)
    spacing = [1.0, 1.0, 1.0]
    spacing[2 - axis] = mm
    grid = regridded(volume.grid, (spacing[0], spacing[1], spacing[2]), {2 - axis: model.count})
    return Volume(np.ascontiguousarray(slices), grid)
