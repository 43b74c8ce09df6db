"""Made-up lesions: blobs with an irregular border, some with oedema around them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from .anatomy import BRAIN, WHITE_MATTER, Anatomy, membership
from .lesion_looks import CORE, EDEMA, KINDS, RIM

_SWELL = ("tumor", "hemorrhage", "cavity")
_UNEVEN = ("infarct", "white matter")
_VENTRICLES = (4, 43)
_TISSUE = tuple(label for label in BRAIN if label not in (4, 43, 5, 44, 14, 72, 15, 136, 137, 163, 164))


@dataclass(frozen=True)
class Lesion:
    """One lesion in the space of the label map.

    Args:
        kind: one of :data:`~MultimodalSegLib.synthesis.lesion_looks.KINDS`.
        center: LPS millimetres.
        axes: 3x3; a point is inside the smooth ellipsoid where ``|axes @ (point - center)| < 1`` (1/mm).
        bumps: (n, n, n) float32 roughness of the border, covering a cube of twice the largest radius each way.
        reach: largest radius in millimetres.
        edema: width of the oedema as a fraction of the radius, 0 for none.
        rim: width of the rim as a fraction of the radius, 0 for none.
    """

    kind: str
    center: np.ndarray
    axes: np.ndarray
    bumps: np.ndarray
    reach: float
    edema: float
    rim: float


def sample_lesions(rng: np.random.Generator, anatomy: Anatomy, focus: np.ndarray | None = None) -> tuple[Lesion, ...]:
    """Draw one to 24 lesions inside the brain, those of white matter often around the ventricles.

    Args:
        anatomy: where to put them.
        focus: label-map point (LPS mm) near which the first lesion is preferred, for training on small crops.
    """
    kind = str(rng.choice(KINDS, p=(0.3, 0.2, 0.13, 0.3, 0.07)))
    small = kind == "white matter"
    count = int(rng.integers(2, 25)) if small else int(rng.choice((1, 2), p=(0.8, 0.2)))
    codes = anatomy.codes[::2, ::2, ::2]
    allowed = membership(WHITE_MATTER if small else _TISSUE)[codes]
    if small and rng.random() < 0.7:
        around = allowed & (ndimage.uniform_filter(membership(_VENTRICLES)[codes].astype(np.float32), 9) > 0.01)
        allowed = around if around.any() else allowed
    places = np.argwhere(allowed)[:, ::-1] * 2.0 * np.asarray(anatomy.grid.spacing) + np.asarray(anatomy.grid.origin)
    if focus is not None:
        near = places[np.abs(places - focus).max(1) < 45.0]
        places = near if len(near) else places
    lesions = []
    for _ in range(count):
        radius = float(rng.uniform(1.5, 7.0) if small else np.exp(rng.uniform(np.log(3.0), np.log(28.0))))
        axes, bumps, reach = sample_shape(rng, kind, radius)
        lesions.append(
            Lesion(
                kind,
                places[rng.integers(len(places))],
                axes,
                bumps,
                reach,
                float(rng.uniform(0.2, 0.9)) if kind in _SWELL and rng.random() < 0.6 else 0.0,
                float(rng.uniform(0.1, 0.4)) if kind != "white matter" and rng.random() < 0.6 else 0.0,
            )
        )
    return tuple(lesions)


def sample_shape(rng: np.random.Generator, kind: str, radius: float) -> tuple[np.ndarray, np.ndarray, float]:
    """Draw ``axes``, ``bumps`` and ``reach`` of a :class:`Lesion` of about this radius, mm."""
    radii = radius * (rng.uniform(0.5, 1.7, 3) if kind in _UNEVEN else rng.uniform(0.7, 1.3, 3))
    basis, _unused = np.linalg.qr(rng.normal(size=(3, 3)))
    coarse = rng.normal(0, rng.uniform(0.1, 0.35), (7, 7, 7)).astype(np.float32)
    return basis / radii[:, None], ndimage.zoom(coarse, 3, order=3), float(radii.max())


def border_distance(lesion: Lesion, points: np.ndarray) -> tuple[tuple[np.ndarray, ...], np.ndarray]:
    """How far voxels near a lesion are from its center: below 1 inside of its core.

    Args:
        lesion: in the space of the points.
        points: (3, k, j, i), LPS millimetres.

    Returns:
        Indices of the voxels within twice the lesion's reach, three arrays (n,); and their distance (n,) in radii.
    """
    near = np.ones(points.shape[1:], bool)
    for axis in range(3):
        near &= np.abs(points[axis] - lesion.center[axis]) < 2 * lesion.reach
    where = np.nonzero(near)
    offset = points[:, where[0], where[1], where[2]] - lesion.center[:, None]
    size = lesion.bumps.shape[0]
    index = (offset[::-1] / (2 * lesion.reach) + 1) * (size - 1) / 2
    rough = ndimage.map_coordinates(lesion.bumps, index, order=1, mode="nearest")
    return where, np.linalg.norm(lesion.axes @ offset, axis=0) + rough


def lesion_map(lesions: tuple[Lesion, ...], points: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Where the lesions are.

    Args:
        lesions: lesions in label-map space.
        points: (3, k, j, i) label-map points of the voxels, LPS millimetres.
        codes: (k, j, i) tissue codes; lesions stay inside the brain's tissue, oedema inside white matter.

    Returns:
        uint8 (k, j, i): 0, or the part of a lesion: CORE, EDEMA or RIM of
        :mod:`~MultimodalSegLib.synthesis.lesion_looks`.
    """
    result = np.zeros(codes.shape, np.uint8)
    tissue, white = membership(_TISSUE), membership(WHITE_MATTER)
    for lesion in lesions:
        where, distance = border_distance(lesion, points)
        here = codes[where]
        ring = (distance < 1 + lesion.edema) & white[here]
        core = (distance < 1) & tissue[here]
        values = result[where]
        values[ring & (values == 0)] = EDEMA
        values[core] = CORE
        values[core & (distance > 1 - lesion.rim)] = RIM
        result[where] = values
    return result
