"""Made-up patients, cropped to what a training step takes; each can be made again from its number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch.utils.data import Dataset

from ..images.grid import Grid
from ..images.intensities import normalize, outside_value
from ..synthesis.anatomy import BRAIN, Anatomy, load_anatomy, membership
from ..synthesis.deformation import rotation
from ..synthesis.pair import Scan, locate, render, sample_patient, truth
from .painted import PaintedLesions, painted_lesions
from .plan import Plan, Size

FAMILIES = ("CT", "MR")
LESION_CHANCE = 0.75
SETS: tuple[tuple[str, ...], ...] = (
    ("CT", "MR"),
    ("MR", "CT"),
    ("CT",),
    ("MR",),
    ("T1", "FLAIR"),
    ("T1C", "T2"),
    ("FLAIR", "T1", "T2"),
)
SET_CHANCES = (0.23, 0.18, 0.2, 0.26, 0.05, 0.04, 0.04)


@dataclass(frozen=True)
class Sample:
    """One training example; the batch size is one, every given modality is present.

    Args:
        images: (1, M, D, H, W) float32 normalized.
        family: (1, M) int64 index in :data:`FAMILIES`.
        channel: (1, D, H, W) int64 structure.
        side: (1, 1, D, H, W) int8, +1 left, -1 right, 0 neither.
        lesion: (1, 1, D, H, W) float32.
    """

    images: torch.Tensor
    family: torch.Tensor
    channel: torch.Tensor
    side: torch.Tensor
    lesion: torch.Tensor


def brain_center(anatomy: Anatomy) -> np.ndarray:
    """Middle of the brain, LPS millimetres."""
    brain = np.argwhere(membership(BRAIN)[anatomy.codes[::4, ::4, ::4]]) * 4.0
    center: np.ndarray = brain.mean(0)[::-1] * np.asarray(anatomy.grid.spacing) + np.asarray(anatomy.grid.origin)
    return center


def make_sample(
    anatomy: Anatomy,
    rng: np.random.Generator,
    shape: Size,
    spacing: float,
    lesion_chance: float = LESION_CHANCE,
    painting: PaintedLesions | None = None,
) -> Sample:
    """Draw one patient and render a crop of it.

    Args:
        anatomy: label map.
        rng: source of every choice.
        shape: of the crop, (k, j, i) voxels.
        spacing: millimetres per voxel, isotropic.
        lesion_chance: probability of drawn lesions.
        painting: how the lesions of a part of the patients look; else the generator's own lesions.
    """
    grid, focus = crop_grid(anatomy, rng, shape, spacing)
    names = SETS[rng.choice(len(SETS), p=SET_CHANCES)]
    patient = sample_patient(rng, anatomy, names, lesion_chance=lesion_chance, focus=focus)
    codes, lesions = locate(anatomy, patient, grid)
    answer = truth(codes, lesions, patient)
    paint = painting.of_patient(patient, spacing, rng) if painting else None
    images, seen = [], np.zeros(grid.shape, bool)
    for index, name in enumerate(names):
        here = (codes, lesions)
        if index and rng.random() < 0.4:
            here = locate(anatomy, patient, grid, _small_motion(rng))  # type: ignore[assignment]
        scan: Scan = patient.scans[name]
        values = render(here[0], here[1] * (paint is None), patient, grid, name).array
        view = _in_view(values.shape, scan.acquisition.view)
        if paint:
            values = paint.into(values, truth(*here, patient).lesion & view, name)
        seen |= view
        image = normalize(values, "CT" if name == "CT" else "MR")
        if name != "CT":
            inside = values != outside_value(name)
            image = np.where(inside, image * rng.uniform(0.9, 1.1) + rng.uniform(-0.1, 0.1), image)
        images.append(image.astype(np.float32))
    family = [FAMILIES.index("CT" if name == "CT" else "MR") for name in names]
    return Sample(
        torch.from_numpy(np.stack(images))[None],
        torch.tensor([family]),
        torch.from_numpy(np.where(seen, answer.channel, 0).astype(np.int64))[None],
        torch.from_numpy(np.where(seen, answer.side, 0).astype(np.int8))[None, None],
        torch.from_numpy((answer.lesion & seen).astype(np.float32))[None, None],
    )


def crop_grid(
    anatomy: Anatomy, rng: np.random.Generator, shape: tuple[int, int, int], spacing: float
) -> tuple[Grid, np.ndarray]:
    """A grid of this shape (k, j, i) somewhere around the brain, and its middle, LPS mm."""
    extent = np.asarray(shape[::-1]) * spacing
    roam = np.maximum(np.array([85.0, 105.0, 115.0]) - extent / 2, 12.0)
    center = brain_center(anatomy) + rng.uniform(-1, 1, 3) * roam
    origin = center - extent / 2 + spacing / 2
    size = (shape[2], shape[1], shape[0])
    grid = Grid(size, (spacing,) * 3, (float(origin[0]), float(origin[1]), float(origin[2])))
    return grid, center


def _small_motion(rng: np.random.Generator) -> np.ndarray:
    """What registration leaves: up to 2 degrees and 2 mm."""
    motion = np.eye(4)
    motion[:3, :3] = rotation(rng.uniform(-2, 2, 3))
    motion[:3, 3] = rng.uniform(-2, 2, 3)
    return motion


def _in_view(shape: tuple[int, ...], view: np.ndarray) -> np.ndarray:
    inside = np.ones(shape, bool)
    for axis in range(3):
        line = np.zeros(shape[axis], bool)
        line[int(view[axis, 0] * shape[axis]) : shape[axis] - int(view[axis, 1] * shape[axis])] = True
        inside &= line.reshape([-1 if a == axis else 1 for a in range(3)])
    return inside


class LabelMapSamples(Dataset[Sample]):
    """The samples of a run by number; number n is the same in every process and after every interruption.

    Args:
        paths: label maps.
        plan: seed, batch, steps and stages.
    """

    def __init__(self, paths: Sequence[Path], plan: Plan) -> None:
        self.paths, self.plan = list(paths), plan
        self._anatomies: dict[Path, Anatomy] = {}

    def __len__(self) -> int:
        return self.plan.steps * self.plan.batch

    def __getitem__(self, n: int) -> Sample:
        stage, shape = self.plan.crop(n // self.plan.batch)
        rng = np.random.default_rng((self.plan.seed, 0, n))
        path = self.paths[rng.integers(len(self.paths))]
        return make_sample(self._anatomy(path), rng, shape, stage.xyz[0], painting=painted_lesions(self.plan))

    def _anatomy(self, path: Path) -> Anatomy:
        """Each process reads a map once, when it first needs it."""
        if path not in self._anatomies:
            self._anatomies[path] = load_anatomy(path)
        return self._anatomies[path]


class HeldOutSamples(Dataset[Sample]):
    """A few samples that stay the same through a run and are never trained on.

    Args:
        paths: label maps, used in turn.
        plan: their number, and the last stage with its most probable crop shape.
    """

    def __init__(self, paths: Sequence[Path], plan: Plan) -> None:
        self.paths, self.plan = list(paths), plan

    def __len__(self) -> int:
        return self.plan.validation_samples

    def __getitem__(self, n: int) -> Sample:
        if n >= len(self):
            raise IndexError(n)
        last, anatomy = self.plan.stages[-1], load_anatomy(self.paths[n % len(self.paths)])
        return make_sample(anatomy, np.random.default_rng((self.plan.seed, 2, n)), last.usual_size, last.xyz[0])
