"""Made-up CT and MRI pairs for ``registration_quality.py``, with their true alignment and wrong ones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import SimpleITK as sitk
from scipy.spatial.transform import Rotation

from MultimodalSegLib.images.grid import Grid
from MultimodalSegLib.images.resample import map_points, resample
from MultimodalSegLib.images.volume import Volume
from MultimodalSegLib.registration.optimize import optimize
from MultimodalSegLib.registration.pyramid import Pyramid, build_pyramid
from MultimodalSegLib.registration.restarts import AGAIN, CLOSER
from MultimodalSegLib.registration.start import head_center, rigid
from MultimodalSegLib.synthesis.anatomy import Anatomy
from MultimodalSegLib.synthesis.deformation import rotation
from MultimodalSegLib.synthesis.pair import Patient, locate, render, sample_patient

SPACING, SIZE = 2.2, (92, 112, 104)  # mm; voxels along i, j, k
THICK_MM = (4.0, 5.0, 6.5)
MOST_MM, MOST_DEGREES = 30.0, 20.0
ERRORS_MM = ((0.0, 2.0), (0.0, 2.0), (2.0, 8.0), (5.0, 35.0))
"""Ranges of the mean error over the head, one for each wrong alignment of a patient."""
HARD = ((25.0, 25.0), (50.0, 45.0))
"""Millimetres and degrees from the truth from which the optimiser is let go, to end where it ends."""

TURNED = (120.0, 180.0)
"""Degrees by which a patient lies the other way round."""


def draw_pair(anatomy: Anatomy, key: tuple[int, ...], names: tuple[str, str]) -> tuple[Volume, Volume, sitk.Transform]:
    """A fixed scan, a moving scan of the patient elsewhere, and the true transform (fixed to moving points).

    A third of the scans have thick slices, a third of the pairs one that misses a part of the head.
    """
    rng = np.random.default_rng((77, *key))
    patient = sample_patient(rng, anatomy, names, lesion_chance=0.7, strip_chance=0.1)
    center = np.asarray(anatomy.center)
    motion = np.eye(4)
    motion[:3, :3] = rotation(rng.uniform(-12, 12, 3))
    motion[:3, 3] = center - motion[:3, :3] @ center + rng.uniform(-15, 15, 3)
    cut = int(rng.integers(6))  # 0 the fixed and 1 the moving scan
    fixed = _scan(anatomy, patient, names[0], np.eye(4), rng, cut == 0)
    moving = _scan(anatomy, patient, names[1], motion, rng, cut == 1)
    back = np.linalg.inv(motion)
    return fixed, moving, sitk.AffineTransform(back[:3, :3].ravel().tolist(), back[:3, 3].tolist())


def _scan(
    anatomy: Anatomy, patient: Patient, name: str, motion: np.ndarray, rng: np.random.Generator, cut: bool
) -> Volume:
    back = np.linalg.inv(motion)
    middle = back[:3, :3] @ np.asarray(anatomy.center) + back[:3, 3]
    x, y, z = (float(v) for v in middle - (np.asarray(SIZE) - 1) / 2 * SPACING)
    grid = Grid(SIZE, (SPACING,) * 3, (x, y, z))
    whole = _in_voxels(patient, name)
    volume = render(*locate(anatomy, whole, grid, motion), whole, grid, name)
    if cut:
        volume = _cut(volume, int(rng.integers(2)), float(rng.uniform(0.2, 0.45)))
    return _thick(volume, float(rng.choice(THICK_MM))) if rng.random() < 1 / 3 else volume


def _in_voxels(patient: Patient, name: str) -> Patient:
    """The patient without the generator's own thick slices, which may lie half a voxel off: too much at 2 mm."""
    scan = patient.scans[name]
    plain = replace(scan, acquisition=replace(scan.acquisition, slice_mm=1.0, view=np.zeros((3, 2))))
    return replace(patient, scans={**patient.scans, name: plain})


def _cut(volume: Volume, end: int, share: float) -> Volume:
    """Without a part of the slices below (0) or above (1)."""
    count = round(volume.array.shape[0] * share)
    array = volume.array[count:] if end == 0 else volume.array[:-count]
    grid = volume.grid
    origin = np.asarray(grid.origin) + (0.0, 0.0, grid.spacing[2] * count * (end == 0))
    size = (array.shape[2], array.shape[1], array.shape[0])
    return Volume(np.ascontiguousarray(array), Grid(size, grid.spacing, tuple(map(float, origin)), grid.direction))


def _thick(volume: Volume, slice_mm: float) -> Volume:
    grid = volume.grid
    count = int((grid.size[2] - 1) * grid.spacing[2] / slice_mm)
    return resample(volume, replace(grid, size=(*grid.size[:2], count), spacing=(*grid.spacing[:2], slice_mm)))


def alignments(
    fixed: Pyramid, moving: Pyramid, truth: sitk.Transform, rng: np.random.Generator
) -> Iterator[tuple[str, sitk.Transform]]:
    """Alignments to be judged: the truth disturbed by known amounts, and what the optimiser made of hard starts."""
    center = head_center(fixed.head)
    points = center + rng.normal(0.0, 45.0, (200, 3))
    for low, high in ERRORS_MM:
        wrong = _disturbed(center, points, float(rng.uniform(low, high)), rng)
        yield "given", sitk.CompositeTransform([truth, wrong])
    for length, angle in HARD:
        start = rigid(center, tuple(angle * _direction(rng)))
        start.SetTranslation((length * _direction(rng)).tolist())
        for step in (AGAIN, CLOSER):
            levels = fixed.level(step.spacing), moving.level(step.spacing)
            optimize(*levels, fixed.head, start, step, seed=9, before=truth, on_iteration=lambda number, value: None)
        yield "optimized", sitk.CompositeTransform([truth, start])


def turned(volume: Volume, truth: sitk.Transform, rng: np.random.Generator) -> tuple[Volume, sitk.Transform, float]:
    """A scan of a patient who lies the other way round, its true transform, and the angle of 120 to 180 degrees."""
    degrees, grid = float(rng.uniform(*TURNED)), volume.grid
    motion = _rotated(grid.corners.mean(axis=0), degrees * _direction(rng))
    axes = map_points(motion, np.vstack([np.zeros(3), np.asarray(grid.direction).reshape(3, 3).T]))
    direction = tuple(float(x) for x in (axes[1:] - axes[0]).T.ravel())
    moved = replace(grid, origin=motion.TransformPoint(grid.origin), direction=direction)
    return Volume(volume.array, moved), sitk.CompositeTransform([motion, truth]), degrees


def wrong_side(fixed: Pyramid, moving: Pyramid, truth: sitk.Transform, rng: np.random.Generator) -> sitk.Transform:
    """Where the optimiser ends that begins at the true alignment, turned by 120 to 180 degrees in the fixed head."""
    start = _rotated(head_center(fixed.head), rng.uniform(*TURNED) * _direction(rng))
    for step in (AGAIN, CLOSER):
        levels = fixed.level(step.spacing), moving.level(step.spacing)
        optimize(*levels, fixed.head, start, step, seed=9, before=truth, on_iteration=lambda number, value: None)
    axes = map_points(sitk.CompositeTransform([truth, start]), np.vstack([np.zeros(3), np.eye(3)]))
    return sitk.AffineTransform((axes[1:] - axes[0]).T.ravel().tolist(), axes[0].tolist())


def _rotated(center: np.ndarray, degrees: np.ndarray) -> sitk.Euler3DTransform:
    """A rotation about a point by a vector in degrees."""
    transform = rigid(center)
    transform.SetMatrix(Rotation.from_rotvec(degrees, degrees=True).as_matrix().ravel().tolist())
    return transform


def _disturbed(center: np.ndarray, points: np.ndarray, error_mm: float, rng: np.random.Generator) -> sitk.Transform:
    """A rigid motion that moves points by so many mm in the mean, and by at most the limits."""
    shift, turn = _direction(rng) * rng.random() * MOST_MM, _direction(rng) * rng.random() * MOST_DEGREES
    factor = 1.0
    for _ in range(8):  # the mean distance is nearly proportional
        wrong = rigid(center, tuple(factor * turn))
        wrong.SetTranslation((factor * shift).tolist())
        mean = np.linalg.norm(map_points(wrong, points) - points, axis=1).mean()
        most = min(MOST_MM / np.linalg.norm(shift), MOST_DEGREES / np.linalg.norm(turn))
        factor = min(factor * error_mm / max(float(mean), 1e-6), most)
    return wrong


def _direction(rng: np.random.Generator) -> np.ndarray:
    vector = rng.normal(size=3)
    return vector / np.linalg.norm(vector)


def pyramids(fixed: Volume, moving: Volume, names: tuple[str, str]) -> tuple[Pyramid, Pyramid]:
    """Both volumes as registration sees them."""
    return build_pyramid(fixed, names[0]), build_pyramid(moving, names[1])
