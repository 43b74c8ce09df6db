"""Which intensity each tissue gets: Hounsfield priors for CT, anything for MRI.

MRI contrast is drawn freely for about half of the samples (domain randomization, Billot et al., Med Image Anal
86:102789, 2023) and near T1, T2 and FLAIR for the rest, so that common contrasts are common.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .anatomy import LABELS

Range = tuple[float, float]

GROUPS: dict[str, tuple[int, ...]] = {
    "air": (0,),
    "white matter": (2, 41, 7, 46),
    "white matter lesion": (25, 57),
    "gray matter": (3, 42, 8, 47, 17, 53, 18, 54),
    "deep gray matter": (10, 49, 11, 50, 12, 51, 13, 52, 26, 58),
    "brain stem": (16, 28, 60, 512),
    "fluid": (4, 43, 5, 44, 14, 72, 15, 24),
    "choroid plexus": (136, 137, 163, 164),
    "artery": (502, 30, 62),
    "vein": (514,),
    "eye": (506,),
    "nerve": (85, 530),
    "soft tissue": (507,),
    "muscle": (508,),
    "mucosa": (509,),
    "skin": (511,),
    "cortical bone": (515,),
    "cancellous bone": (516,),
}
_SPREAD: dict[str, float] = {"gray matter": 0.3, "deep gray matter": 0.6, "brain stem": 0.4, "white matter": 0.2}
"""How far the labels of a group may differ from one another, as a fraction of the group's range."""

HU: dict[str, Range] = {
    "air": (-1000, -990),
    "white matter": (22, 31),
    "white matter lesion": (14, 22),
    "gray matter": (33, 43),
    "deep gray matter": (33, 43),
    "brain stem": (26, 35),
    "fluid": (0, 14),
    "choroid plexus": (20, 60),
    "artery": (35, 60),
    "vein": (40, 70),
    "eye": (5, 25),
    "nerve": (20, 45),
    "soft tissue": (-40, 50),
    "muscle": (35, 65),
    "mucosa": (10, 60),
    "skin": (-20, 60),
    "cortical bone": (600, 1500),
    "cancellous bone": (120, 600),
}
HU_LESION: dict[str, tuple[Range, Range]] = {
    "tumor": ((14, 60), (13, 21)),
    "infarct": ((11, 22), (14, 21)),
    "hemorrhage": ((55, 90), (13, 21)),
    "white matter": ((13, 21), (14, 21)),
}
"""Hounsfield units of core and oedema by kind of lesion."""

_T1: dict[str, Range] = {
    "white matter": (0.7, 0.9),
    "white matter lesion": (0.4, 0.6),
    "gray matter": (0.45, 0.62),
    "deep gray matter": (0.5, 0.7),
    "brain stem": (0.6, 0.8),
    "fluid": (0.1, 0.25),
    "choroid plexus": (0.3, 0.6),
    "eye": (0.1, 0.3),
    "cortical bone": (0.02, 0.15),
    "cancellous bone": (0.3, 0.9),
    "soft tissue": (0.4, 0.95),
    "skin": (0.4, 0.9),
}
_T2: dict[str, Range] = {
    "white matter": (0.25, 0.4),
    "white matter lesion": (0.55, 0.8),
    "gray matter": (0.42, 0.6),
    "deep gray matter": (0.3, 0.5),
    "brain stem": (0.3, 0.45),
    "fluid": (0.8, 1.0),
    "choroid plexus": (0.5, 0.9),
    "eye": (0.8, 1.0),
    "cortical bone": (0.02, 0.15),
    "cancellous bone": (0.2, 0.6),
    "soft tissue": (0.2, 0.7),
    "skin": (0.2, 0.6),
}
_FLAIR: dict[str, Range] = {**_T2, "white matter lesion": (0.7, 1.0), "fluid": (0.05, 0.2), "eye": (0.05, 0.25)}
_FLAIR |= {"white matter": (0.4, 0.52), "gray matter": (0.52, 0.68)}
STYLES: dict[str, dict[str, Range]] = {"any": {}, "T1": _T1, "T2": _T2, "FLAIR": _FLAIR}
_BRIGHT_LESION = {"T1": (0.1, 0.5), "T2": (0.65, 1.0), "FLAIR": (0.7, 1.0), "any": (0.0, 1.0)}


@dataclass(frozen=True)
class Appearance:
    """Intensities of one scan, in HU for CT and 0..1 for MRI.

    Args:
        modality: ``"CT"`` or ``"MR"``.
        style: ``"CT"`` or a key of :data:`STYLES`.
        mean: by code, float32.
        texture: standard deviation inside a tissue, by code, float32.
        fat: intensity of fat, which soft tissue is mixed with.
        core: intensity of a lesion's core.
        edema: intensity of its oedema.
    """

    modality: str
    style: str
    mean: np.ndarray
    texture: np.ndarray
    fat: float
    core: float
    edema: float


def _by_code(rng: np.random.Generator, ranges: dict[str, Range]) -> np.ndarray:
    mean = np.zeros(len(LABELS), np.float32)
    for group, labels in GROUPS.items():
        low, high = ranges[group]
        base, spread = rng.uniform(low, high), _SPREAD.get(group, 0.1) * (high - low)
        partner: dict[int, float] = {}
        for label in labels:
            # both sides of a structure look alike: the right label takes the left one's value
            left = _LEFT_OF.get(label, label)
            partner.setdefault(left, float(np.clip(base + rng.uniform(-spread, spread), low, high)))
            mean[LABELS.index(label)] = partner[left]
    return mean


_LEFT_OF = {41: 2, 57: 25, 46: 7, 42: 3, 47: 8, 53: 17, 54: 18, 49: 10, 50: 11, 51: 12, 52: 13, 58: 26, 60: 28}
_LEFT_OF |= {43: 4, 44: 5, 62: 30, 163: 136, 164: 137}


def sample_ct(rng: np.random.Generator, lesion_kind: str) -> Appearance:
    """Draw a CT, with contrast agent in one of six and calcified choroid plexus in one of four."""
    ranges = dict(HU)
    if rng.random() < 0.17:
        ranges |= {"artery": (100, 350), "vein": (90, 250)}
    if rng.random() < 0.25:
        ranges["choroid plexus"] = (80, 300)
    texture = np.full(len(LABELS), 2.0, np.float32)
    for group, amount in (("cortical bone", 160), ("cancellous bone", 120), ("soft tissue", 15), ("mucosa", 15)):
        texture[np.isin(LABELS, GROUPS[group])] = amount * rng.uniform(0.4, 1.2)
    core, edema = HU_LESION[lesion_kind]
    return Appearance(
        "CT", "CT", _by_code(rng, ranges), texture, rng.uniform(-115, -75), rng.uniform(*core), rng.uniform(*edema)
    )


def sample_mr(rng: np.random.Generator, style: str = "") -> Appearance:
    """Draw an MRI of the given style, or of a random one."""
    style = style or str(rng.choice(("any", "T1", "T2", "FLAIR"), p=(0.45, 0.3, 0.15, 0.1)))
    ranges: dict[str, Range] = dict.fromkeys(GROUPS, (0.05, 1.0)) | STYLES[style]
    if style == "any":
        tissue = rng.uniform(0.15, 1.0, 3)  # white, gray and fluid must differ, or there is nothing to see
        while min(abs(tissue[0] - tissue[1]), abs(tissue[0] - tissue[2]), abs(tissue[1] - tissue[2])) < 0.08:
            tissue = rng.uniform(0.05, 1.0, 3)
        for group, value in zip(("white matter", "gray matter", "fluid"), tissue, strict=True):
            ranges[group] = (max(0.0, value - 0.04), min(1.0, value + 0.04))
        low, high = sorted(tissue[:2])
        ranges["deep gray matter"] = ranges["brain stem"] = (max(0.0, low - 0.05), min(1.0, high + 0.05))
        if rng.random() < 0.7:
            ranges["cortical bone"] = (0.0, 0.2)
    ranges["air"] = (0.0, 0.03)
    mean = _by_code(rng, ranges)
    texture = np.full(len(LABELS), rng.uniform(0.005, 0.05), np.float32)
    texture[np.isin(LABELS, GROUPS["soft tissue"] + GROUPS["mucosa"])] *= 2
    texture[0] = 0.0
    white = float(mean[LABELS.index(2)])
    core, edema = rng.uniform(*_BRIGHT_LESION[style]), rng.uniform(*_BRIGHT_LESION[style])
    if style == "any" and abs(core - white) < 0.15:
        core = white + 0.25 if white < 0.6 else white - 0.25
    return Appearance("MR", style, mean, texture, float(rng.uniform(0.3, 1.0)), float(core), float((edema + white) / 2))
