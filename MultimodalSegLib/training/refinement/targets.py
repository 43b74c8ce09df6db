"""Objects that a person may click at: lesions, structures, several of them together, and parts without a name."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from ...refinement.clicks import largest
from ..samples import Sample

LEAST_VOXELS = 6
PART_CHANCE, UNION_CHANCE = 0.1, 0.15
"""Parts among all objects, unions among structures."""

ATTEMPTS = 8


def draw_target(sample: Sample, rng: np.random.Generator, lesion_share: float) -> np.ndarray | None:
    """One object of a made-up volume, by no name that the network is told.

    Args:
        sample: made by :func:`~MultimodalSegLib.training.samples.make_sample`.
        rng: source of every choice.
        lesion_share: how often it is a lesion, where there is one.

    Returns:
        bool (k, j, i), or None if the volume shows nothing large enough.
    """
    for _ in range(ATTEMPTS):
        lesion = sample.lesion[0, 0].numpy() > 0
        found = a_lesion(lesion, rng) if lesion.any() and rng.random() < lesion_share else a_structure(sample, rng)
        if found.any() and rng.random() < PART_CHANCE:
            found = a_part(found, sample.images[0, rng.integers(sample.images.shape[1])].numpy(), rng)
        if found.sum() >= LEAST_VOXELS:
            return found
    return None


def a_lesion(lesion: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One connected lesion; small ones count as much as large ones."""
    parts, count = ndimage.label(lesion)
    return np.asarray(parts == rng.integers(1, count + 1))


def a_structure(sample: Sample, rng: np.random.Generator) -> np.ndarray:
    """A structure of one side, without its lesions, or several that touch; the largest connected part."""
    signed = sample.channel[0].numpy() * 3 + sample.side[0, 0].numpy() + 1
    signed = np.where((sample.channel[0].numpy() > 0) & ~(sample.lesion[0, 0].numpy() > 0), signed, 0)
    known = np.unique(signed[signed > 0])
    if not len(known):
        return np.zeros(signed.shape, bool)
    found = largest(signed == rng.choice(known))
    if rng.random() < UNION_CHANCE:
        around = np.unique(signed[ndimage.binary_dilation(found) & ~found])
        around = around[around > 0]
        if len(around):
            found = largest(found | np.isin(signed, rng.choice(around, min(len(around), int(rng.integers(1, 4))))))
    return found


def a_part(mask: np.ndarray, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The brighter or the darker part of an object in one image, smoothed: it can be seen, but has no name."""
    box = ndimage.find_objects(mask.astype(np.uint8))[0]
    smooth = ndimage.gaussian_filter(image[box], 1.0)
    level = np.quantile(smooth[mask[box]], rng.uniform(0.25, 0.75))
    part = np.zeros(mask.shape, bool)
    part[box] = largest(mask[box] & ((smooth > level) if rng.random() < 0.5 else (smooth < level)))
    return part


def corrupted(mask: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """An object as an earlier, wrong segmentation may have it: shrunk, grown, shifted or cut off."""
    radius = int(rng.integers(1, 4))
    kind = rng.integers(4)
    if kind == 0:
        return np.asarray(ndimage.binary_erosion(mask, iterations=radius))
    if kind == 1:
        return np.asarray(ndimage.binary_dilation(mask, iterations=radius))
    if kind == 2:
        return np.asarray(np.roll(mask, tuple(rng.integers(-radius, radius + 1, 3)), (0, 1, 2)))
    axis, places = int(rng.integers(3)), np.argwhere(mask)
    cut = int(np.quantile(places[:, axis], rng.uniform(0.2, 0.8)))
    keep = np.arange(mask.shape[axis]) < cut if rng.random() < 0.5 else np.arange(mask.shape[axis]) >= cut
    return np.asarray(mask & keep.reshape([-1 if a == axis else 1 for a in range(3)]))
