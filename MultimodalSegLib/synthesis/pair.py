"""From one label map to scans of one made-up patient, with exact truth.

:func:`sample_patient` draws every choice; :func:`render` applies them on any grid, so that a CT and an MRI of the same
patient can have different grids and positions, and a case can be made again from its seed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from ..images.grid import Grid
from ..images.intensities import outside_value
from ..images.volume import Volume
from .acquisition import Acquisition, acquire, sample_acquisition
from .anatomy import LABELS, Anatomy, code_to_channel, code_to_side, head_classes
from .anatomy_changes import deface, strip_skull, widen_ventricles
from .appearance import Appearance, sample_ct, sample_mr
from .artifacts import add_holder
from .contrasts import STYLES
from .deformation import Deformation, label_points, sample_deformation, take_codes
from .lesion_looks import EDEMA
from .lesions import Lesion, lesion_map, sample_lesions

_SOFT = LABELS.index(507)
WIDEN_CHANCE, DEFACE_CHANCE = 0.2, 0.08


@dataclass(frozen=True)
class Scan:
    """How one modality of a patient was taken.

    Args:
        appearance: intensities of the tissues.
        acquisition: resolution, noise, field of view.
        motion: 4x4 rigid matrix, LPS millimetres: from this scan's points to the patient's points.
        seed: of noise and texture.
    """

    appearance: Appearance
    acquisition: Acquisition
    motion: np.ndarray
    seed: int


@dataclass(frozen=True)
class Patient:
    """Every random choice about a made-up patient.

    Args:
        deformation: shape.
        lesions: drawn lesions, in label-map space.
        strip: the skull was removed: how far (mm) and at which level (0 to 1) the brain's blurred mask was cut, so that
            some fluid and remnants stay as real tools leave them; None for a whole head.
        widen: how far (mm) and from which level (0 to 1) the lateral ventricles have grown, or None.
        face: distance (mm) from the middle of the head at which the face was cut off, or None.
        scans: by modality name.
    """

    deformation: Deformation
    lesions: tuple[Lesion, ...]
    strip: tuple[float, float] | None
    widen: tuple[float, float] | None
    face: float | None
    scans: Mapping[str, Scan]


@dataclass(frozen=True)
class Truth:
    """Exact answers on one grid, each (k, j, i).

    Args:
        channel: uint8 network channel of each voxel.
        side: int8, +1 on the patient's left, -1 right, 0 where no paired structure is.
        lesion: bool.
    """

    channel: np.ndarray
    side: np.ndarray
    lesion: np.ndarray


def sample_patient(
    rng: np.random.Generator,
    anatomy: Anatomy,
    modalities: tuple[str, ...] = ("CT", "MR"),
    *,
    strength: float = 1.0,
    lesion_chance: float = 0.6,
    strip_chance: float = 0.25,
    focus: np.ndarray | None = None,
) -> Patient:
    """Draw a patient.

    Args:
        modalities: scans to draw; ``"CT"``, ``"T1"``, ``"T1C"``, ``"T2"``, ``"FLAIR"``, or any other name for an MRI of
            any contrast.
        strength: of the deformation, 0 to 1.
        lesion_chance: probability of drawn lesions.
        strip_chance: probability that all scans are skull-stripped.
        focus: see :func:`~MultimodalSegLib.synthesis.lesions.sample_lesions`.
    """
    deformation = sample_deformation(rng, strength)
    lesions = sample_lesions(rng, anatomy, focus) if rng.random() < lesion_chance else ()
    kind = lesions[0].kind if lesions else "infarct"
    strip = (float(rng.uniform(1.5, 6.0)), float(rng.uniform(0.05, 0.5))) if rng.random() < strip_chance else None
    widen = (float(rng.uniform(2.0, 8.0)), float(rng.uniform(0.2, 0.45))) if rng.random() < WIDEN_CHANCE else None
    face = float(rng.uniform(55, 85)) if not strip and rng.random() < DEFACE_CHANCE else None
    scans = {}
    for name in modalities:
        style = name if name in STYLES else ""
        appearance = sample_ct(rng, kind) if name == "CT" else sample_mr(rng, kind, style)
        settings = sample_acquisition(rng, name)
        scans[name] = Scan(appearance, settings, np.eye(4), int(rng.integers(2**31)))
    return Patient(deformation, lesions, strip, widen, face, scans)


def locate(anatomy: Anatomy, patient: Patient, grid: Grid, motion: np.ndarray | None = None) -> tuple[np.ndarray, ...]:
    """Tissue codes (air is 0) and map of drawn lesions (0 or a part) of a patient on a grid, both uint8 (k, j, i)."""
    points = label_points(grid, anatomy.center, patient.deformation, motion)
    codes = take_codes(anatomy.codes, anatomy.grid, points)
    if patient.widen:
        codes = widen_ventricles(codes, grid, *patient.widen)
    if patient.strip:
        codes = strip_skull(codes, grid, *patient.strip)
    if patient.face is not None:
        codes = deface(codes, points, np.asarray(anatomy.center), patient.face)
    return codes, lesion_map(patient.lesions, points, codes)


def truth(codes: np.ndarray, lesions: np.ndarray, patient: Patient) -> Truth:
    """Exact answers from what :func:`locate` found; a lesion that no scan shows is none."""
    channel, side = code_to_channel()[codes], code_to_side()[codes]
    if patient.deformation.mirrored:
        side = -side
    looks = [scan.appearance for scan in patient.scans.values()]
    drawn = lesions > 0
    if not any(value is not None for look in looks for value in look.lesion.values()):
        drawn &= False
    elif all(look.lesion[EDEMA] is None for look in looks):
        drawn &= lesions != EDEMA
    return Truth(channel.astype(np.uint8), side.astype(np.int8), drawn)


def render(codes: np.ndarray, lesions: np.ndarray, patient: Patient, grid: Grid, modality: str) -> Volume:
    """One scan of the patient.

    Args:
        codes: tissue codes on ``grid``, from :func:`locate` with this scan's motion.
        lesions: lesion map on ``grid``.
        patient: the choices.
        grid: grid of the scan.
        modality: which of the patient's scans.

    Returns:
        float32 volume, HU for CT, about 0..1 for MRI.
    """
    scan = patient.scans[modality]
    rng = np.random.default_rng(scan.seed)
    look = scan.appearance
    image = look.mean[codes]
    coarse = ndimage.zoom(rng.standard_normal([max(2, n // 8) for n in codes.shape], dtype=np.float32), 2, order=3)
    zoom = np.asarray(codes.shape) / coarse.shape
    smooth = ndimage.zoom(coarse, zoom, order=1, grid_mode=True, mode="nearest")
    image[(smooth > 0) & (codes == _SOFT)] = look.fat
    for part, value in look.lesion.items():
        if value is not None:
            here = lesions == part
            image[here] = value + look.lesion_texture * smooth[here]
    image += look.texture[codes] * rng.standard_normal(codes.shape, dtype=np.float32)
    if not patient.strip and scan.acquisition.table_hu is not None:
        add_holder(image, codes > 0, scan.acquisition.table_hu, rng)
    values = acquire(image, grid, scan.acquisition, modality, scan.seed + 1)
    if patient.strip:
        values[codes == 0] = outside_value(modality)
    return Volume(values, grid)


def label_values(answer: Truth) -> np.ndarray:
    """The label map a perfect segmentation would give: values of the table of structures, uint16 (k, j, i).

    A voxel of a paired structure without a side (there is none in the shipped maps) counts as right.
    """
    table = head_classes()
    left = np.array([e.get("left", e).get("value", 0) for e in table["classes"]], np.uint16)
    right = np.array([e.get("right", e).get("value", 0) for e in table["classes"]], np.uint16)
    values = np.where(answer.side > 0, left[answer.channel], right[answer.channel])
    values[answer.lesion] = table["lesion"]["value"]
    return values
