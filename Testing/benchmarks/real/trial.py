"""One case that a model is tried on, and what is measured of the answer."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from MultimodalSegLib.evaluation.dice import LESION, WHOLE_BRAIN, group_dice, mean_dice
from MultimodalSegLib.evaluation.lesion_scores import lesion_scores
from MultimodalSegLib.evaluation.structures import SIXTEEN, sides, structures
from MultimodalSegLib.images.volume import Volume
from MultimodalSegLib.inference.segmentation import Segmentation

BRAIN: Mapping[str, frozenset[int]] = {
    "whole brain": WHOLE_BRAIN | {136, 137, 163, 164},
    **{name: structures()[name] for name in (*SIXTEEN, "ventral diencephalon")},
}
LESIONS: Mapping[str, frozenset[int]] = {"lesion": frozenset({LESION})}
MEAN = "mean of 16"


@dataclass(frozen=True)
class Trial:
    """Volumes of one patient with a truth.

    Args:
        name: of the case and its modalities, as shown.
        volumes: by modality.
        truth: label map on the grid of the first volume, FreeSurfer's numbers.
        scored: label values by name of what is compared.
        headline: names among the scores that the short table shows.
        healthy: a lesion found here is invented.
        register: the volumes do not share a space.
        synthetic: the images are made up.
        note: what to know about the truth.
    """

    name: str
    volumes: Mapping[str, Volume]
    truth: Volume
    scored: Mapping[str, frozenset[int]]
    headline: tuple[str, ...] = ()
    healthy: bool = False
    register: bool = False
    synthetic: bool = False
    note: str = ""
    more: Mapping[str, Any] = field(default_factory=dict)


def score(trial: Trial, found: Segmentation) -> dict[str, Any]:
    """What was measured, ready for JSON; NaN is None there."""
    labels, truth = found.labels, trial.truth
    dice = group_dice(labels, truth, trial.scored)
    row: dict[str, Any] = {"dice": dice}
    if set(SIXTEEN) <= set(dice):
        dice[MEAN] = mean_dice({name: dice[name] for name in SIXTEEN})
        apart = group_dice(labels, truth, {n: v for n, v in sides().items() if n.split(" ", 1)[1] in SIXTEEN})
        row["sides"] = apart
    unit = labels.grid.voxel_ml
    here, there = labels.array == LESION, truth.array == LESION
    row["lesion"] = {
        "found ml": float(here.sum() * unit),
        "true ml": float(there.sum() * unit),
        "presence": found.lesion_presence,
        "above 2 ml": [[each.ml, each.dice] for each in lesion_scores(here, there, unit)],
    }
    row["brain ml"] = float(np.isin(labels.array, list(WHOLE_BRAIN)).sum() * unit)
    row["headline"] = {name: dice[name] for name in trial.headline}
    row |= {"healthy": trial.healthy, "windows": found.windows, "note": trial.note, "warnings": list(found.warnings)}
    row["modality weights"] = dict(found.modality_weights)
    row["inputs"] = {name: fingerprint(volume) for name, volume in trial.volumes.items()}
    return row | dict(trial.more)


def fingerprint(volume: Volume) -> str:
    """Short checksum of intensities, rounded so that another processor gives the same: equal if images are."""
    return hashlib.sha256(np.round(volume.array.astype(np.float32), 2).tobytes()).hexdigest()[:12]


def plain(value: Any) -> Any:
    """JSON knows no NaN and needs no more than four digits."""
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, float | np.floating):
        return None if math.isnan(value) else round(float(value), 4)
    return value
