"""Scans that show a lesion, with its mask and kind: of made-up patients and of real ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from torch.utils.data import Dataset

from ...enhancement.intensities import Scale
from ...errors import InputError
from ...images.grid import Grid
from ...images.intensities import outside_value
from ...images.io import read_labels, read_volume
from ...images.resample import resample
from ...images.volume import Volume
from ...synthesis.anatomy import Anatomy, load_anatomy
from ...synthesis.lesion_looks import CORE
from ...synthesis.pair import locate, render, sample_patient, truth
from ..samples import SET_CHANCES, SETS, crop_grid
from .plan import PaintPlan, RealLesion

LEAST_VOXELS = 8
"""A smaller lesion in view teaches nothing."""

JITTER = 0.05
"""Part of an MRI's range by which its ends are moved: the range of a crop is not that of the whole head."""


@dataclass(frozen=True)
class Scene:
    """Scans of one patient on one grid; all of them show the lesion.

    Args:
        images: (k, j, i) float32 normalized, any number of them.
        families: of :data:`FAMILIES`, of each image.
        mask: (k, j, i) bool.
        kind: of :data:`KINDS`.
        spacing: between voxels, mm.
    """

    images: tuple[np.ndarray, ...]
    families: tuple[str, ...]
    mask: np.ndarray
    kind: str
    spacing: float

    @property
    def useful(self) -> bool:
        """Whether there is enough lesion, in any image at all."""
        return bool(self.images) and int(self.mask.sum()) >= LEAST_VOXELS


@dataclass(frozen=True)
class RealScans:
    """Volumes of one real patient with lesions.

    Args:
        volumes: in one space.
        scales: of each whole volume.
        mask: label map, above 0 where lesion is.
        places: (n, 3) LPS mm of voxels of lesion.
        kind: of :data:`KINDS`.
    """

    volumes: tuple[Volume, ...]
    scales: tuple[Scale, ...]
    mask: Volume
    places: np.ndarray
    kind: str


def made_up_scene(anatomy: Anatomy, rng: np.random.Generator, plan: PaintPlan) -> Scene:
    """Draw a patient with lesions and take the scans that show them."""
    spacing = float(rng.uniform(*plan.spacings))
    grid, focus = crop_grid(anatomy, rng, (plan.size,) * 3, spacing)
    names = SETS[rng.choice(len(SETS), p=SET_CHANCES)]
    patient = sample_patient(rng, anatomy, names, lesion_chance=1.0, focus=focus)
    shown = {
        name: replace(scan, acquisition=replace(scan.acquisition, view=np.zeros((3, 2))))
        for name, scan in patient.scans.items()
        if scan.appearance.lesion[CORE] is not None
    }
    patient = replace(patient, scans=shown)
    codes, lesions = locate(anatomy, patient, grid)
    mask = truth(codes, lesions, patient).lesion
    families = tuple("CT" if name == "CT" else "MR" for name in shown)
    arrays = [render(codes, lesions, patient, grid, name).array for name in shown]
    scales = [_moved(Scale.of(array, family), rng) for array, family in zip(arrays, families, strict=True)]
    images = tuple(scale.apply(array) for scale, array in zip(scales, arrays, strict=True))
    return _turned(Scene(images, families, mask, patient.lesions[0].kind, spacing), rng)


def load_real(text: str) -> RealScans:
    """Read an entry of the plan's ``real``.

    Raises:
        InputError: a file cannot be read, or the mask is empty.
    """
    entry = RealLesion.parse(text)
    mask = read_labels(entry.mask)
    index = np.argwhere(mask.array > 0)[:, ::-1]
    if not len(index):
        raise InputError(f"{entry.mask} holds no lesion.", "Give a mask that is above 0 where the lesion is.")
    volumes = tuple(read_volume(file) for _, file in entry.images)
    scales = tuple(Scale.of(v.array, family) for v, (family, _) in zip(volumes, entry.images, strict=True))
    return RealScans(volumes, scales, mask, mask.grid.points(index), entry.kind)


def real_scene(scans: RealScans, rng: np.random.Generator, plan: PaintPlan) -> Scene:
    """A crop around a lesion of a real patient; the contrast of MRI is bent a little."""
    spacing = float(rng.uniform(*plan.spacings))
    middle = scans.places[rng.integers(len(scans.places))] + rng.uniform(-0.2, 0.2, 3) * plan.size * spacing
    x, y, z = (float(n) for n in middle - (plan.size - 1) / 2 * spacing)
    grid = Grid((plan.size,) * 3, (spacing,) * 3, (x, y, z))
    lesion = Volume((scans.mask.array > 0).astype(np.float32), scans.mask.grid)
    mask = resample(lesion, grid).array > 0.5
    images = []
    for volume, scale in zip(scans.volumes, scans.scales, strict=True):
        array = resample(volume, grid, outside=outside_value(scale.family)).array
        if scale.family == "MR":
            share = np.clip((array - scale.low) / (scale.high - scale.low), 0, 4)
            array = scale.low + (scale.high - scale.low) * share ** np.exp(rng.uniform(-0.2, 0.2))
        images.append(_moved(scale, rng).apply(array))
    families = tuple(scale.family for scale in scans.scales)
    return _turned(Scene(tuple(images), families, mask, scans.kind, spacing), rng)


class Scenes(Dataset[Scene]):
    """The scenes of a run by number; number n is the same after every interruption.

    Args:
        paths: label maps.
        plan: seed, steps, sizes, real lesions.
    """

    def __init__(self, paths: Sequence[Path], plan: PaintPlan) -> None:
        self.paths, self.plan = list(paths), plan
        self._anatomies: dict[Path, Anatomy] = {}
        self._real: dict[str, RealScans] = {}

    def __len__(self) -> int:
        return self.plan.steps

    def __getitem__(self, n: int) -> Scene:
        rng = np.random.default_rng((self.plan.seed, 0, n))
        if self.plan.real and rng.random() < self.plan.real_share:
            text = str(rng.choice(self.plan.real))
            if text not in self._real:
                self._real[text] = load_real(text)
            return real_scene(self._real[text], rng, self.plan)
        path = self.paths[rng.integers(len(self.paths))]
        if path not in self._anatomies:
            self._anatomies[path] = load_anatomy(path)
        return made_up_scene(self._anatomies[path], rng, self.plan)


def held_out_scenes(paths: Sequence[Path], plan: PaintPlan) -> list[Scene]:
    """Scenes of label maps that are not trained on; the same through a run."""
    anatomies = [load_anatomy(path) for path in paths] if plan.validation_samples else []
    scenes = [
        made_up_scene(anatomies[n % len(anatomies)], np.random.default_rng((plan.seed, 2, n)), plan)
        for n in range(plan.validation_samples if anatomies else 0)
    ]
    return [scene for scene in scenes if scene.useful]


def _moved(scale: Scale, rng: np.random.Generator) -> Scale:
    low, high = np.asarray((scale.low, scale.high)) + rng.uniform(-JITTER, JITTER, 2) * (scale.high - scale.low)
    return scale if scale.family == "CT" else replace(scale, low=float(low), high=float(high))


def _turned(scene: Scene, rng: np.random.Generator) -> Scene:
    """Left and right exchanged in half of the cases."""
    if rng.random() < 0.5:
        return scene
    images = tuple(np.ascontiguousarray(image[:, :, ::-1]) for image in scene.images)
    return replace(scene, images=images, mask=np.ascontiguousarray(scene.mask[:, :, ::-1]))
