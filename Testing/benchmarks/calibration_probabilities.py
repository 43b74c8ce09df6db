"""Scaling of logits for ``calibration.py``: fitted to all patients, and checked on label maps left out of the fit."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from MultimodalSegLib.inference.uncertainty.calibration import (
    SUSPECT,
    Reliability,
    lesion_reliability,
    lesion_scaling,
    pooled,
    structure_reliability,
    structure_temperature,
)
from Testing.benchmarks.calibration_intervals import by_map
from Testing.benchmarks.calibration_patients import Patient

Voxels = tuple[np.ndarray, np.ndarray]
SUSPECTS = f"lesion where p > {SUSPECT:g}"


@dataclass(frozen=True)
class Kind:
    """Something that has probabilities.

    Args:
        prefix: of its figures in the metadata.
        voxels: logits and truth on which it is judged.
        fitted_on: logits and truth to which its scaling is fitted.
        scaling: the parameters that fit best.
        reliability: of logits and truth with such parameters.
    """

    prefix: str
    voxels: Callable[[Sequence[Patient]], Voxels]
    fitted_on: Callable[[Sequence[Patient]], Voxels]
    scaling: Callable[[np.ndarray, np.ndarray], tuple[float, ...]]
    reliability: Callable[..., Reliability]


def _joined(logits: str, truth: str, kind: type) -> Callable[[Sequence[Patient]], Voxels]:
    return lambda patients: (
        np.concatenate([getattr(p, logits) for p in patients]).astype(np.float64),
        np.concatenate([getattr(p, truth) for p in patients]).astype(kind),
    )


_STRUCTURES = _joined("logits", "channel", int)
_LESION = _joined("lesion_logits", "lesion", bool)
_SUSPECTS = _joined("suspect_logits", "suspect", bool)
KINDS = {
    "structures": Kind("", _STRUCTURES, _STRUCTURES, lambda *v: (structure_temperature(*v),), structure_reliability),
    SUSPECTS: Kind("lesion_suspect_", _SUSPECTS, _SUSPECTS, lesion_scaling, lesion_reliability),
    "lesion": Kind("lesion_", _LESION, _SUSPECTS, lesion_scaling, lesion_reliability),
}


def curves(kind: Kind, patients: Sequence[Patient]) -> dict[str, Reliability]:
    """Reliability before scaling, and after scaling that was fitted without the label map of a patient."""
    groups = list(by_map(patients).values())
    before, after = [], []
    for n, group in enumerate(groups):
        rest = [patient for m, other in enumerate(groups) if m != n for patient in other]
        before.append(kind.reliability(*kind.voxels(group)))
        after.append(kind.reliability(*kind.voxels(group), *kind.scaling(*kind.fitted_on(rest))))
    return {"before": pooled(before), "after": pooled(after)}


def calibration_entry(patients: Sequence[Patient]) -> dict[str, Any]:
    """The entry ``calibration`` of the metadata.

    A scaling that does not help label maps that it has not seen is left out; for lesions, at voxels that may be one.
    """
    found = {name: curves(kind, patients) for name, kind in KINDS.items()}
    useful = {name: both["after"].error < both["before"].error for name, both in found.items()}
    useful["lesion"] = useful[SUSPECTS]
    maps = len(by_map(patients))
    entry: dict[str, Any] = {"data": f"{len(patients)} made-up patients; errors on each of {maps} label maps left out"}
    temperature = KINDS["structures"].scaling(*_STRUCTURES(patients))[0] if useful["structures"] else 1.0
    slope, offset = lesion_scaling(*_SUSPECTS(patients)) if useful["lesion"] else (1.0, 0.0)
    entry |= {"temperature": temperature, "lesion_slope": slope, "lesion_offset": offset}
    for name, kind in KINDS.items():
        after = "after" if useful[name] else "before"
        entry[f"{kind.prefix}ece_before"] = found[name]["before"].error
        entry[f"{kind.prefix}ece_after"] = found[name][after].error
    entry = {key: round(value, 4) if isinstance(value, float) else value for key, value in entry.items()}
    entry["reliability"] = {
        name: {when: curve.to_dict() for when, curve in both.items() if useful[name] or when == "before"}
        for name, both in found.items()
    }
    return entry
