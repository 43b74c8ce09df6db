"""Which modality decided: what each adds to every structure and lesion, and what would be lost without it."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from .parts import Part
from .shapley import Coalition, shapley_values

SCORE = "mean probability of the structure inside the segmented structure"
MISSED = 0.1
"""A structure of which less than this share would still be found is missed."""
PARTLY = 0.5
"""A lesion is found in part if less than this share of what was found would be."""
MOST_NAMED = 8
"""Structures that are named in one sentence."""
COLUMNS = ("structure", "value", "modality", "shapley", "alone", "without")
SPOKEN = {"MR": "MRI"}


@dataclass(frozen=True)
class Contribution:
    """What the modalities are worth to one part.

    The score is the mean probability of the structure inside the structure that all modalities together have shown,
    0 to 1. Without any modality it is 0, as nothing is segmented then.

    Args:
        part: what is looked at.
        score: with all modalities.
        found: share of the part that the network labels as such with all modalities; less than 1 where specks were
            removed afterwards.
        shapley: by modality its share of the score; they add up to it. Negative where a modality misleads.
        alone: by modality the score with this one alone.
        without: by modality the score with all others.
        found_alone: by modality the share that would be found with this one alone.
        found_without: by modality the share that would be found with all others.
    """

    part: Part
    score: float
    found: float
    shapley: Mapping[str, float]
    alone: Mapping[str, float]
    without: Mapping[str, float]
    found_alone: Mapping[str, float]
    found_without: Mapping[str, float]


def contributions(
    parts: Sequence[Part],
    modalities: Sequence[str],
    scores: Mapping[Coalition, np.ndarray],
    found: Mapping[Coalition, np.ndarray],
) -> list[Contribution]:
    """Turn what the network said of every set of modalities into what each modality is worth.

    Args:
        parts: N structures and lesions.
        modalities: of the case.
        scores: by set of modalities the scores (N,).
        found: by set of modalities the share (N,) of each part that would be found.
    """
    everyone, nothing = frozenset(modalities), np.zeros(len(parts))
    shares = shapley_values(scores, modalities)
    scores, found = {frozenset(): nothing, **scores}, {frozenset(): nothing, **found}

    def each(values: Mapping[Coalition, np.ndarray], n: int, *, alone: bool) -> dict[str, float]:
        return {m: float(values[frozenset({m}) if alone else everyone - {m}][n]) for m in modalities}

    return [
        Contribution(
            part,
            float(scores[everyone][n]),
            float(found[everyone][n]),
            {m: float(shares[m][n]) for m in modalities},
            each(scores, n, alone=True),
            each(scores, n, alone=False),
            each(found, n, alone=True),
            each(found, n, alone=False),
        )
        for n, part in enumerate(parts)
    ]


def sentences(found: Sequence[Contribution]) -> list[str]:
    """What would be lost without a modality, in plain words; lesions first.

    Nothing is said of a part that the network does not clearly find even with everything.
    """
    if not found:
        return []
    modalities = list(found[0].shapley)
    if len(modalities) == 1:
        return [f"Only the {_spoken(modalities[0])} was given: everything rests on it."]
    clear = [entry for entry in found if entry.found >= PARTLY]
    lesions = [entry for entry in clear if entry.part.lesion]
    only = sum(entry.part.lesion > 0 for entry in found) == 1
    told = []
    for modality in modalities:
        for entry in lesions:
            name = "this lesion" if only else entry.part.name.lower()
            left = entry.found_without[modality]
            if left < MISSED:
                told.append(f"Without the {_spoken(modality)} {name} would be missed.")
            elif left < PARTLY * entry.found:
                told.append(f"Without the {_spoken(modality)} only {left:.0%} of {name} would be found.")
    single = {entry.part.value for entry in found if entry.part.lesion}  # lesions as a whole are told one by one
    for modality in modalities:
        lost = [e.part.name for e in clear if e.part.value not in single and e.found_without[modality] < MISSED]
        if lost:
            named = ", ".join(lost[:MOST_NAMED]) + (f" and {len(lost) - MOST_NAMED} more" * (len(lost) > MOST_NAMED))
            told.append(f"Without the {_spoken(modality)} these structures would be missed: {named}.")
    return told


def write_table(found: Sequence[Contribution], path: Path) -> None:
    """Write one row for each part and modality as CSV, columns :data:`COLUMNS`."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for entry in found:
            for modality in entry.shapley:
                figures = (entry.shapley[modality], entry.alone[modality], entry.without[modality])
                writer.writerow([entry.part.name, entry.part.value, modality, *(f"{value:.4f}" for value in figures)])


def write_record(found: Sequence[Contribution], runs: int, path: Path) -> None:
    """Write everything that is known, and the sentences, as JSON.

    Args:
        found: by part.
        runs: how often the network was asked.
        path: file to write.
    """
    content = {
        "score": SCORE,
        "empty_set": 0.0,
        "modalities": list(found[0].shapley) if found else [],
        "network_runs": runs,
        "sentences": sentences(found),
        "parts": [_rounded(asdict(entry)) for entry in found],
    }
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _rounded(value: object) -> object:
    if isinstance(value, dict):
        return {key: _rounded(entry) for key, entry in value.items()}
    return round(value, 4) if isinstance(value, float) else value


def _spoken(modality: str) -> str:
    return SPOKEN.get(modality, modality)
