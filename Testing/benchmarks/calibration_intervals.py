"""Intervals of volumes for ``calibration.py``: fitted by structure, and checked on label maps left out of the fit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from MultimodalSegLib.errors import InputError
from MultimodalSegLib.inference.uncertainty.conformal import Conformal, score, spread
from MultimodalSegLib.models.bundle import Bundle
from Testing.benchmarks.calibration_patients import METHOD, Patient


@dataclass(frozen=True)
class Row:
    """One volume of one patient, ml."""

    structure: str
    found_ml: float
    true_ml: float
    spread: float


def rows_of(patient: Patient, names: Mapping[int, str]) -> list[Row]:
    """Every volume that was there or was found; ``names`` of the network's classes by label value."""
    return [
        Row(names[int(value)], patient.found_ml[value], true_ml, spread(patient.samples_ml[value]))
        for value, true_ml in patient.true_ml.items()
        if true_ml or patient.found_ml[value] or any(patient.samples_ml[value])
    ]


def by_map(patients: Sequence[Patient]) -> dict[str, list[Patient]]:
    """Patients by the label map that they were drawn from.

    Raises:
        InputError: there is only one, so that nothing can be left out.
    """
    found: dict[str, list[Patient]] = {}
    for patient in patients:
        found.setdefault(patient.label_map, []).append(patient)
    if len(found) < 2:
        raise InputError("All patients have one label map.", "Ask for more --patients: two label maps are needed.")
    return found


def fitted(patients: Sequence[Sequence[Row]], samples: int) -> Conformal:
    """Quantiles of each structure; both sides of a patient belong together."""
    scores: dict[str, list[list[float]]] = {}
    for rows in patients:
        own: dict[str, list[float]] = {}
        for row in rows:
            own.setdefault(row.structure, []).append(score(row.found_ml, row.true_ml, row.spread))
        for name, some in own.items():
            scores.setdefault(name, []).append(some)
    return Conformal.fitted(scores, METHOD, samples)


@dataclass(frozen=True)
class Coverage:
    """How many of some intervals held the true volume.

    Args:
        hits: one entry an interval.
        patients: how many they are of.
    """

    hits: tuple[bool, ...]
    patients: int

    @property
    def share(self) -> float:
        """0 to 1."""
        return float(np.mean(self.hits))

    def to_dict(self) -> dict[str, float]:
        """For a model's metadata."""
        return {"share": round(self.share, 3), "intervals": len(self.hits), "patients": self.patients}


def left_out(groups: Mapping[str, Sequence[Sequence[Row]]], samples: int) -> dict[tuple[str, str], Coverage]:
    """Coverage by label map and structure; the quantiles never saw the label map.

    Args:
        groups: the rows of each patient, by label map.
        samples: answers of which a spread is.
    """
    found = {}
    for name, patients in groups.items():
        known = fitted([rows for other, some in groups.items() if other != name for rows in some], samples)
        hits: dict[str, list[bool]] = {}
        seen: dict[str, int] = {}
        for rows in patients:
            for structure in {row.structure for row in rows} & set(known.quantiles):
                seen[structure] = seen.get(structure, 0) + 1
            for row in rows:
                interval = known.interval(row.structure, row.found_ml, row.spread)
                if interval is not None:
                    inside = interval[0] - 1e-9 <= row.true_ml <= interval[1] + 1e-9
                    hits.setdefault(row.structure, []).append(inside)
        found |= {(name, structure): Coverage(tuple(some), seen[structure]) for structure, some in hits.items()}
    return found


def together(found: Mapping[tuple[str, str], Coverage], place: int) -> dict[str, Coverage]:
    """Coverage by label map (``place`` 0) or by structure (1)."""
    joined: dict[str, list[Coverage]] = {}
    for key, one in found.items():
        joined.setdefault(key[place], []).append(one)
    return {
        name: Coverage(
            tuple(hit for one in some for hit in one.hits),
            max(one.patients for one in some) if place == 0 else sum(one.patients for one in some),
        )
        for name, some in joined.items()
    }


def conformal_entry(patients: Sequence[Patient], bundle: Bundle, samples: int) -> dict[str, object]:
    """The entry ``conformal`` of the metadata: quantiles of all patients, coverage of label maps left out."""
    names = bundle.structure_names()
    groups = {name: [rows_of(patient, names) for patient in some] for name, some in by_map(patients).items()}
    covered = together(left_out(groups, samples), 1)
    whole = fitted([rows for some in groups.values() for rows in some], samples)
    return whole.to_dict() | {"coverage": {name: one.to_dict() for name, one in covered.items()}}
