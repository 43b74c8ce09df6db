"""How alike two images are: in numbers, in structure, and in their edges as an eye sees them."""

from __future__ import annotations

import numpy as np
from scipy import ndimage
from scipy.stats import spearmanr
from skimage.metrics import structural_similarity

from MultimodalSegLib.inference.segmentation import Segmentation

RANGE = 2.0
"""From the dark to the bright end of a normalized image."""

EDGE = 170 / 255**2
"""Constant of GMSD as published, for images from 0 to 1."""

LEAST_ML = 0.3


def psnr(truth: np.ndarray, found: np.ndarray, inside: np.ndarray) -> float:
    """Peak signal-to-noise ratio in the head, dB, of normalized images."""
    return float(10 * np.log10(RANGE**2 / np.mean((truth - found)[inside] ** 2)))


def ssim(truth: np.ndarray, found: np.ndarray, inside: np.ndarray) -> float:
    """Structural similarity in the head (Wang et al., IEEE Trans Image Process 13:600, 2004), windows of 7 voxels."""
    _, whole = structural_similarity(truth, found, data_range=RANGE, full=True)
    return float(whole[inside].mean())


def gmsd(truth: np.ndarray, found: np.ndarray, inside: np.ndarray) -> float:
    """Deviation of the similarity of gradients in the head, 0 for equal images.

    Gradient magnitude similarity deviation (Xue et al., IEEE Trans Image Process 23:684, 2014), in 3D: it follows what
    people judge sharp and undistorted better than PSNR and SSIM do, and needs no network.
    """
    first, second = (ndimage.generic_gradient_magnitude(image / RANGE, ndimage.prewitt) / 9 for image in (truth, found))
    alike = (2 * first * second + EDGE) / (first**2 + second**2 + EDGE)
    return float(alike[inside].std())


def sharpness(truth: np.ndarray, found: np.ndarray, inside: np.ndarray, axis: int) -> float:
    """Energy of the differences between neighbors across the slices, as part of the truth's: 1 is as sharp."""
    both = inside & np.roll(inside, 1, axis)
    energy = [float(np.mean((image - np.roll(image, 1, axis))[both] ** 2)) for image in (found, truth)]
    return energy[0] / energy[1]


def follows(error: np.ndarray, deviation: np.ndarray, inside: np.ndarray) -> float:
    """Rank correlation (Spearman) of the error's size and the samples' deviation in the head: 1 if it tells all."""
    return float(spearmanr(np.abs(error[inside]), deviation[inside]).statistic)


def dice(reference: Segmentation, found: Segmentation) -> float:
    """Mean Dice of the structures of which the segmentation of the original has at least 0.3 ml."""
    first, second = reference.labels.array, found.labels.array
    assert first.shape == second.shape
    values, counts = np.unique(first[first > 0], return_counts=True)
    voxel = reference.labels.grid.voxel_ml
    scores = []
    for value, count in zip(values, counts, strict=True):
        if count * voxel >= LEAST_ML:
            mine = second == value
            scores.append(2 * np.count_nonzero(mine & (first == value)) / (count + np.count_nonzero(mine)))
    return float(np.mean(scores)) if scores else float("nan")
