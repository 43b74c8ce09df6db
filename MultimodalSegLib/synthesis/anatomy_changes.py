"""What age and image processing do to a head: wider ventricles, a removed skull, a removed face."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from ..images.grid import Grid
from .anatomy import BRAIN, LABELS, membership

_VENTRICLES = (4, 43)
_HOSTS = {2: 4, 25: 4, 41: 43, 57: 43}
"""White matter that a widened lateral ventricle replaces, and the ventricle of its side."""
_FACE = np.array([0.0, -0.75, -0.66])
"""Direction toward the face, LPS: anterior and inferior."""


def _near(mask: np.ndarray, grid: Grid, millimetres: float) -> np.ndarray:
    """A mask blurred by a Gaussian of this standard deviation, float32."""
    spacing = np.asarray(grid.spacing[::-1])
    near: np.ndarray = ndimage.gaussian_filter(mask.astype(np.float32), millimetres / spacing, truncate=2.5)
    return near


def widen_ventricles(codes: np.ndarray, grid: Grid, millimetres: float, level: float = 0.25) -> np.ndarray:
    """Let the lateral ventricles grow into the white matter around them, as atrophy and hydrocephalus do.

    Args:
        codes: uint8 (k, j, i).
        grid: grid of the codes.
        millimetres: standard deviation of the blur; white matter goes where the blurred ventricles exceed ``level``.
        level: 0 to 1; lower grows further.
    """
    grown = _near(membership(_VENTRICLES)[codes], grid, millimetres) > level
    table = np.arange(len(LABELS), dtype=np.uint8)
    for white, ventricle in _HOSTS.items():
        table[LABELS.index(white)] = LABELS.index(ventricle)
    return np.where(grown, table[codes], codes).astype(np.uint8)


def strip_skull(codes: np.ndarray, grid: Grid, millimetres: float, level: float) -> np.ndarray:
    """Keep the brain and what lies close to it, as real tools leave some fluid and remnants.

    Args:
        codes: uint8 (k, j, i).
        grid: grid of the codes.
        millimetres: standard deviation of the blur of the brain's mask.
        level: 0 to 1, where the blurred mask is cut.
    """
    brain = membership(BRAIN)[codes]
    return np.where(brain | (_near(brain, grid, millimetres) > level), codes, 0).astype(np.uint8)


def deface(codes: np.ndarray, points: np.ndarray, center: np.ndarray, millimetres: float) -> np.ndarray:
    """Cut the face off by a plane; the brain stays.

    Args:
        codes: uint8 (k, j, i).
        points: (3, k, j, i) label-map points of the voxels, LPS millimetres.
        center: middle of the head, LPS millimetres.
        millimetres: distance of the plane from the middle, toward the face.
    """
    ahead = np.tensordot(_FACE, points, 1) - float(_FACE @ center)
    return np.where((ahead > millimetres) & ~membership(BRAIN)[codes], 0, codes).astype(np.uint8)
