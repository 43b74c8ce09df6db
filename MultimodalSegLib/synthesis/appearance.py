"""Which intensity each tissue gets: Hounsfield priors for CT, anything for MRI.

MRI contrast is drawn freely for a quarter of the samples (domain randomization, Billot et al., Med Image Anal
86:102789, 2023) and near T1, T2 and FLAIR for the rest, so that common contrasts are common.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from .anatomy import LABELS
from .contrasts import GROUPS, HU, SPREAD, STYLES, Range
from .lesion_looks import sample_look

LEAST_CT, LEAST_MR = 7.0, 0.16
"""A lesion that differs less than this from white matter cannot be seen, HU and fraction of the range."""


@dataclass(frozen=True)
class Appearance:
    """Intensities of one scan, in HU for CT and 0..1 for MRI.

    Args:
        modality: ``"CT"`` or ``"MR"``.
        style: ``"CT"`` or a key of :data:`STYLES`.
        mean: by code, float32.
        texture: standard deviation inside a tissue, by code, float32.
        fat: intensity of fat, which soft tissue is mixed with.
        lesion: intensity of each part of a lesion, None for a part that this scan does not show.
        lesion_texture: how much the inside of a lesion varies, smoothly.
    """

    modality: str
    style: str
    mean: np.ndarray
    texture: np.ndarray
    fat: float
    lesion: Mapping[int, float | None]
    lesion_texture: float


def _by_code(rng: np.random.Generator, ranges: dict[str, Range]) -> np.ndarray:
    mean = np.zeros(len(LABELS), np.float32)
    for group, labels in GROUPS.items():
        low, high = ranges[group]
        base, spread = rng.uniform(low, high), SPREAD.get(group, 0.1) * (high - low)
        partner: dict[int, float] = {}
        for label in labels:
            # both sides of a structure look alike: the right label takes the left one's value
            left = _LEFT_OF.get(label, label)
            partner.setdefault(left, float(np.clip(base + rng.uniform(-spread, spread), low, high)))
            mean[LABELS.index(label)] = partner[left]
    return mean


_WHITE = LABELS.index(2)
_LEFT_OF = {41: 2, 57: 25, 46: 7, 42: 3, 47: 8, 53: 17, 54: 18, 49: 10, 50: 11, 51: 12, 52: 13, 58: 26, 60: 28}
_LEFT_OF |= {43: 4, 44: 5, 62: 30, 163: 136, 164: 137}
_LEFT_OF |= {25: 2, 57: 2}
"""Also lesions of the maps look like white matter. Most maps have the same thin rims along the ventricles: shown, a
network learns where they lie and marks them in everyone."""


def sample_ct(rng: np.random.Generator, lesion_kind: str) -> Appearance:
    """Draw a CT, with contrast agent in one of six and calcified choroid plexus or pallidum in one of four."""
    ranges = dict(HU)
    if rng.random() < 0.17:
        ranges |= {"artery": (100, 350), "vein": (90, 250)}
    if rng.random() < 0.25:
        ranges["choroid plexus"] = (80, 300)
    if rng.random() < 0.1:
        ranges["pallidum"] = (45, 110)
    texture = np.full(len(LABELS), 2.0, np.float32)
    for group, amount in (("cortical bone", 160), ("cancellous bone", 120), ("soft tissue", 15), ("mucosa", 15)):
        texture[np.isin(LABELS, GROUPS[group])] = amount * rng.uniform(0.4, 1.2)
    mean = _by_code(rng, ranges)
    mean[1:] += rng.uniform(-4, 4)  # scanners are calibrated to a few HU
    lesion = sample_look(rng, lesion_kind, "CT", float(mean[_WHITE]), LEAST_CT)
    return Appearance("CT", "CT", mean, texture, rng.uniform(-115, -75), lesion, rng.uniform(0, 5))


def sample_mr(rng: np.random.Generator, lesion_kind: str, style: str = "") -> Appearance:
    """Draw an MRI of the given style, or of a random one."""
    style = style or str(rng.choice(("any", "T1", "T1C", "T2", "FLAIR"), p=(0.25, 0.27, 0.12, 0.18, 0.18)))
    ranges: dict[str, Range] = dict.fromkeys(GROUPS, (0.05, 1.0)) | STYLES[style]
    if style == "any":
        ranges |= _any_contrast(rng)
    ranges["air"] = (0.0, 0.03)
    mean = _by_code(rng, ranges)
    texture = np.full(len(LABELS), rng.uniform(0.005, 0.05), np.float32)
    texture[np.isin(LABELS, GROUPS["soft tissue"] + GROUPS["mucosa"])] *= 2
    texture[0] = 0.0
    lesion = sample_look(rng, lesion_kind, style, float(mean[_WHITE]), LEAST_MR)
    return Appearance("MR", style, mean, texture, float(rng.uniform(0.3, 1.0)), lesion, rng.uniform(0, 0.12))


def _any_contrast(rng: np.random.Generator) -> dict[str, Range]:
    """Any intensities in which white matter, gray matter and fluid differ; else there is nothing to see."""
    tissue = rng.uniform(0.15, 1.0, 3)
    while min(abs(tissue[0] - tissue[1]), abs(tissue[0] - tissue[2]), abs(tissue[1] - tissue[2])) < 0.08:
        tissue = rng.uniform(0.05, 1.0, 3)
    groups = ("white matter", "gray matter", "fluid")
    ranges = {g: (max(0.0, v - 0.04), min(1.0, v + 0.04)) for g, v in zip(groups, tissue, strict=True)}
    low, high = sorted(tissue[:2])
    between = (max(0.0, low - 0.05), min(1.0, high + 0.05))
    ranges |= {"deep gray matter": between, "brain stem": between, "pallidum": between}
    if rng.random() < 0.7:
        ranges["cortical bone"] = (0.0, 0.2)
    return ranges
