"""How lesions look in each scan, and in which scans they can be seen at all."""

from __future__ import annotations

import numpy as np

from .contrasts import Range

CORE, EDEMA, RIM = 1, 2, 3
"""Values of a lesion map, its parts; the rest is 0. The rim is the outer shell of the core."""

Look = dict[int, Range]

_WATER: dict[str, Look] = {
    "T1": {CORE: (0.15, 0.5), RIM: (0.3, 0.62), EDEMA: (0.42, 0.62)},
    "T1C": {CORE: (0.1, 0.5), RIM: (0.85, 1.0), EDEMA: (0.42, 0.62)},
    "T2": {CORE: (0.6, 1.0), RIM: (0.5, 0.85), EDEMA: (0.62, 0.9)},
    "FLAIR": {CORE: (0.3, 1.0), RIM: (0.7, 1.0), EDEMA: (0.72, 1.0)},
}
"""More water than white matter: dark in T1, bright in T2 and FLAIR; the rim takes up contrast agent."""

LOOKS: dict[str, dict[str, Look]] = {
    "tumor": {"CT": {CORE: (12, 48), RIM: (26, 60), EDEMA: (12, 21)}, **_WATER},
    "infarct": {
        **_WATER,
        "CT": {CORE: (8, 24), RIM: (14, 26), EDEMA: (14, 21)},
        "T1": {CORE: (0.15, 0.55), RIM: (0.3, 0.62), EDEMA: (0.42, 0.62)},
        "T1C": {CORE: (0.15, 0.55), RIM: (0.3, 0.62), EDEMA: (0.42, 0.62)},
    },
    "hemorrhage": {
        "CT": {CORE: (52, 92), RIM: (45, 80), EDEMA: (12, 20)},
        **{style: {CORE: (0.0, 1.0), RIM: (0.0, 1.0), EDEMA: _WATER[style][EDEMA]} for style in _WATER},
    },
    "white matter": {
        "CT": {CORE: (13, 21), RIM: (14, 22), EDEMA: (14, 21)},
        **{style: {CORE: _WATER[style][EDEMA], RIM: _WATER[style][EDEMA], EDEMA: (0.0, 1.0)} for style in _WATER},
    },
    "cavity": {
        "CT": {CORE: (2, 13), RIM: (12, 24), EDEMA: (13, 21)},
        "T1": {CORE: (0.08, 0.25), RIM: (0.3, 0.6), EDEMA: (0.42, 0.62)},
        "T1C": {CORE: (0.08, 0.25), RIM: (0.4, 1.0), EDEMA: (0.42, 0.62)},
        "T2": {CORE: (0.82, 1.0), RIM: (0.6, 0.9), EDEMA: (0.6, 0.9)},
        "FLAIR": {CORE: (0.04, 0.2), RIM: (0.65, 1.0), EDEMA: (0.7, 1.0)},
    },
}
"""Intensities by kind of lesion, style of scan and part: HU for CT, 0 to 1 for MRI."""

KINDS = tuple(LOOKS)
HIDDEN_CHANCE = 0.15
"""How often a scan does not show a lesion for no reason that could be seen, as a CT early after a stroke."""


def sample_look(rng: np.random.Generator, kind: str, style: str, host: float, least: float) -> dict[int, float | None]:
    """Draw the intensity of each part of a lesion in one scan.

    Args:
        kind: one of :data:`KINDS`.
        style: ``"CT"``, a named MRI contrast, or ``"any"``.
        host: intensity of white matter in this scan.
        least: a part that differs less than this from ``host`` cannot be seen.

    Returns:
        By part, None where the scan does not show it.
    """
    ranges = LOOKS[kind].get(style, dict.fromkeys((CORE, EDEMA, RIM), (0.0, 1.0)))
    drawn = {part: float(rng.uniform(*ranges[part])) for part in (CORE, EDEMA, RIM)}
    if rng.random() < 0.4:
        drawn[RIM] = drawn[CORE]
    if rng.random() < HIDDEN_CHANCE:
        return dict.fromkeys(drawn)
    return {part: value if abs(value - host) >= least else None for part, value in drawn.items()}
