"""Known rigid motions, as 4x4 matrices in LPS millimetres."""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

Range = tuple[float, float]


def about(center: np.ndarray, rotation: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """A rotation (3, 3) about a point, then a shift (mm)."""
    matrix = np.eye(4)
    matrix[:3, :3] = rotation
    matrix[:3, 3] = center - rotation @ center + shift
    return matrix


def random_motion(rng: np.random.Generator, center: np.ndarray, degrees: Range, shift: Range) -> np.ndarray:
    """A rotation about a random axis through a point and a shift in a random direction, sizes evenly in ranges."""
    axis, direction = rng.normal(size=(2, 3))
    turn = Rotation.from_rotvec(axis / np.linalg.norm(axis) * np.radians(rng.uniform(*degrees)))
    return about(center, turn.as_matrix(), direction / np.linalg.norm(direction) * rng.uniform(*shift))


def perturbations(
    count: int, center: np.ndarray, degrees: Range = (5, 30), shift: Range = (10, 60)
) -> list[np.ndarray]:
    """No motion, and ``count - 1`` random ones about a point."""
    rng = np.random.default_rng(7)
    return [np.eye(4), *(random_motion(rng, center, degrees, shift) for _ in range(count - 1))]
