"""How far a map can be believed: what the network itself says when its images are changed where the map is bright."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor

from .gradcam import Attribution
from .subject import Subject
from .targets import Target, probability

STEPS = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
"""Voxels that are changed, in multiples of the target's own volume: equal parts of the image, as for photographs,
would change all of a lesion in the first step."""

AROUND_MM = 20.0
"""Images are changed up to so far from the target. Where everything was blurred, a lesion shown whole was not found
again (measured on the default model), and curves over the whole head would compare nothing."""

NEAR_MM = 5.0
"""A map's maximum counts as a hit up to so far from the target (half of a voxel of the default layer)."""

NOISE = 0.05
"""Standard deviation of the small noise, in standard deviations of the images."""


@dataclass(frozen=True)
class Curve:
    """How the class's probability follows the part of the images that is changed.

    Args:
        volumes: changed voxels in multiples of the target's volume.
        values: mean probability inside the target, 0 to 1.
    """

    volumes: tuple[float, ...]
    values: tuple[float, ...]

    @property
    def area(self) -> float:
        """Area under the curve, 0 to 1, each doubling of the volume as wide as the next (trapezoidal rule)."""
        return float(np.trapezoid(self.values) / (len(self.values) - 1))


def insertion(subject: Subject, target: Target, map_: Tensor, baseline: Tensor, seed: int = 0) -> Curve:
    """Sharpen what is blurred around the target, brightest voxels of the map first: the faster it is found, the better.

    Args:
        subject: the network and the case.
        target: what is explained.
        map_: (D, H, W); equal values are taken in random order.
        baseline: (M, D, H, W) the blurred images.
        seed: of that order.

    Source: Petsiuk et al., RISE, BMVC 2018, section 4.2; changed are only the target and its surroundings.
    """
    return _curve(subject, target, map_, surroundings(subject, target, baseline), subject.images, seed)


def deletion(subject: Subject, target: Target, map_: Tensor, baseline: Tensor, seed: int = 0) -> Curve:
    """Blur what is around the target, brightest voxels of the map first: the faster it is lost, the better.

    Args and source as for :func:`insertion`.
    """
    return _curve(subject, target, map_, subject.images, surroundings(subject, target, baseline), seed)


def surroundings(subject: Subject, target: Target, baseline: Tensor) -> Tensor:
    """The images with the target and what is around it as in the baseline, (M, D, H, W)."""
    near = torch.from_numpy(distance_mm(target.mask, subject.spacing) <= AROUND_MM)
    return torch.where(near, baseline, subject.images)


def _curve(subject: Subject, target: Target, map_: Tensor, before: Tensor, after: Tensor, seed: int) -> Curve:
    near = np.flatnonzero(distance_mm(target.mask, subject.spacing) <= AROUND_MM)
    chance = np.random.default_rng(seed).random(len(near))
    order = torch.from_numpy(near[np.lexsort((chance, -map_.numpy().ravel()[near]))])
    size = int(target.mask.sum())
    images, values, done = before.clone(), [], 0
    for step in STEPS:
        count = min(round(step * size), len(order))
        where = order[done:count]
        images.flatten(1)[:, where] = after.flatten(1)[:, where]
        values.append(probability(subject.with_images(images), target))
        done = count
    return Curve(STEPS, tuple(values))


def distance_mm(mask: Tensor, spacing: Sequence[float]) -> np.ndarray:
    """Distance (D, H, W) of each voxel from a mask, mm; 0 inside.

    Args:
        mask: (D, H, W) bool, not empty.
        spacing: (k, j, i), mm.
    """
    return np.asarray(ndimage.distance_transform_edt(~mask.numpy(), spacing))


def pointing_game(map_: Tensor, distance: np.ndarray, near_mm: float = NEAR_MM) -> bool:
    """Whether the map's maximum lies in the target or at most so far from it; an empty map has none.

    Source: Zhang et al., Top-down neural attention by excitation backprop, IJCV 2018.
    """
    values = map_.numpy()
    return bool(values.max() > 0 and distance.flat[values.argmax()] <= near_mm)


def mass_inside(map_: Tensor, distance: np.ndarray, near_mm: float = 0.0) -> float:
    """Part of the map's sum inside the target, or at most so far from it; 0 for an empty map.

    Source: Wang et al., Score-CAM, CVPRW 2020, energy-based pointing game.
    """
    values = map_.numpy().astype(np.float64)
    total = float(values.sum())
    return float(values[distance <= near_mm].sum()) / total if total > 0 else 0.0


def brightest(map_: Tensor, share: float = 0.05) -> Tensor:
    """The map with only its brightest voxels that together hold a share of its sum."""
    values, order = map_.flatten().double().sort(descending=True)
    total = values.cumsum(0)
    count = int((total < share * total[-1]).sum()) + 1
    kept = torch.zeros_like(map_).flatten()
    kept[order[:count]] = map_.flatten()[order[:count]]
    return kept.view(map_.shape)


def stability(subject: Subject, map_: Tensor, again: Callable[[Subject], Attribution], seed: int = 0) -> float:
    """Correlation of the map with the one of slightly noisy images, -1 to 1; 1 is stable.

    Args:
        subject: the network and the case.
        map_: (D, H, W) of the images as they are.
        again: makes the map anew.
        seed: of the noise.

    Source: after Yeh et al., On the (in)fidelity and sensitivity of explanations, NeurIPS 2019; as a correlation it
        needs no scale.
    """
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(subject.images.shape, generator=generator) * subject.images.std((1, 2, 3), keepdim=True)
    return correlation(map_, again(subject.with_images(subject.images + NOISE * noise)).whole)


def correlation(a: Tensor, b: Tensor) -> float:
    """Pearson's correlation; 0 if one of the two has only one value."""
    x, y = (t.double() - t.double().mean() for t in (a, b))
    length = float(x.norm() * y.norm())
    return float((x * y).sum()) / length if length > 0 else 0.0


def curve_figures(
    subject: Subject,
    target: Target,
    map_: Tensor,
    baseline: Tensor,
    report: Callable[[float], None] = lambda done: None,
) -> dict[str, Any]:
    """The curves of a map with their areas; sixteen passes through the network.

    Args:
        subject: the network and the case.
        target: what is explained.
        map_: (D, H, W).
        baseline: (M, D, H, W) blurred images.
        report: told the finished fraction.

    Returns:
        ``insertion`` and ``deletion``, each with ``volumes`` and ``probability``; ``insertion_area``,
        ``deletion_area``.
    """
    figures: dict[str, Any] = {}
    for n, (name, curve_of) in enumerate((("insertion", insertion), ("deletion", deletion))):
        curve = curve_of(subject, target, map_, baseline)
        figures[f"{name}_area"] = round(curve.area, 4)
        figures[name] = {"volumes": list(curve.volumes), "probability": [round(v, 4) for v in curve.values]}
        report((n + 1) / 2)
    return figures


def faithfulness(
    subject: Subject,
    target: Target,
    map_: Tensor,
    again: Callable[[Subject], Attribution],
    baseline: Tensor,
    report: Callable[[float], None] = lambda done: None,
) -> dict[str, Any]:
    """Every figure of a map but the sanity check, as it is written beside it.

    Args:
        subject: the network and the case.
        target: what is explained.
        map_: (D, H, W).
        again: makes the map anew for a changed case.
        baseline: (M, D, H, W) blurred images.
        report: told the finished fraction.
    """
    distance = distance_mm(target.mask, subject.spacing)
    figures: dict[str, Any] = {
        "pointing_game": pointing_game(map_, distance),
        "mass_inside": round(mass_inside(map_, distance), 4),
        "mass_near": round(mass_inside(brightest(map_), distance, NEAR_MM), 4),
    }
    figures |= curve_figures(subject, target, map_, baseline, lambda done: report(0.9 * done))
    figures["stability"] = round(stability(subject, map_, again), 4)
    report(1.0)
    return figures
