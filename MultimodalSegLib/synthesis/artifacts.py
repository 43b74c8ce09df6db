"""What else is in a picture beside the patient: head holder, streaks of metal, ghosts of motion."""

from __future__ import annotations

import numpy as np

HOLDER_CHANCE, STREAK_CHANCE, GHOST_CHANCE = 0.5, 0.12, 0.08


def add_holder(image: np.ndarray, inside: np.ndarray, hounsfield: float, rng: np.random.Generator) -> None:
    """Draw a head holder behind a CT's head, in place: a hard shell, often with foam between it and the head.

    Args:
        image: (k, j, i) HU; j runs to posterior.
        inside: where the head is; it is not drawn over.
        hounsfield: of the shell.
        rng: source of shape and place.
    """
    _, height, width = image.shape
    column = np.arange(width)[None, :] - width * rng.uniform(0.45, 0.55)
    row = np.arange(height)[:, None] - height * rng.uniform(0.3, 0.5)
    behind = np.nonzero(inside.any(axis=(0, 2)))[0]
    last = float(behind[-1]) if len(behind) else height * 0.8
    if rng.random() < 0.25:  # a flat couch
        depth = np.broadcast_to(np.arange(height)[:, None] - last - rng.uniform(1, 10), (height, width))
    else:
        depth = np.hypot(column * rng.uniform(0.8, 1.2), row) - (last + row.min() + rng.uniform(0, 6))
        depth = np.where(row > -height * rng.uniform(-0.1, 0.2), depth, -1.0)
    thick = rng.uniform(1.0, 5.0)
    foam = rng.uniform(2.0, 12.0) if rng.random() < 0.6 else 0.0
    for low, high, value in ((-foam, 0.0, rng.uniform(-980, -850)), (0.0, thick, hounsfield)):
        layer = (depth >= low) & (depth < high)
        image[np.broadcast_to(layer, image.shape) & ~inside] = value


def streaks(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Bright and dark rays through a few slices of a CT, from a point such as a tooth filling."""
    depth, height, width = image.shape
    center = rng.uniform(0.15, 0.85, 3) * image.shape
    row = np.arange(height, dtype=np.float32)[:, None] - center[1]
    column = np.arange(width, dtype=np.float32)[None, :] - center[2]
    angle, distance = np.arctan2(row, column), np.hypot(row, column)
    rays = np.cos(angle * int(rng.integers(3, 20)) + rng.uniform(0, 6.3)) * np.cos(angle * int(rng.integers(2, 9)))
    rays *= rng.uniform(20, 200) / (1 + distance / rng.uniform(5, 30))
    slab = np.exp(-0.5 * ((np.arange(depth) - center[0]) / rng.uniform(1, 6)) ** 2)
    return (image + slab[:, None, None] * rays[None]).astype(np.float32)


def ghosts(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Faint copies of an MRI, moved along one axis, as motion during the acquisition leaves them."""
    axis = int(rng.integers(3))
    shift = int(rng.uniform(0.08, 0.5) * image.shape[axis])
    amount = rng.uniform(0.02, 0.12)
    both = np.roll(image, shift, axis) + np.roll(image, -shift, axis)
    return (image * (1 - amount) + amount / 2 * both).astype(np.float32)
