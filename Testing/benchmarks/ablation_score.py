"""Dice of a model on the test cases of a set, found as users get it: the bundle through ``segment``.

python Testing/benchmarks/ablation_score.py --model BUNDLE --test test.json --out scores.json [--device auto]
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from MultimodalSegLib import Case, load_bundle, segment
from MultimodalSegLib.evaluation.dice import dice
from MultimodalSegLib.images.volume import Volume
from MultimodalSegLib.models.bundle import Bundle
from MultimodalSegLib.networks.cost import parameters
from MultimodalSegLib.training.data.data_set import DataSet, read_label
from MultimodalSegLib.training.data.description import read_description, write_text

Scores = dict[str, dict[str, float]]
"""Dice by structure, by case; NaN where a structure is in neither map."""

Change = Callable[[Mapping[str, Volume], int], Mapping[str, Volume]]
"""Makes other volumes of those of case number n."""


def unchanged(volumes: Mapping[str, Volume], _number: int) -> Mapping[str, Volume]:
    return volumes


def scored(
    bundle: Bundle, data_set: DataSet, *, change: Change = unchanged, device: str = "auto", most: int | None = None
) -> Scores:
    """Segment and compare every case.

    Args:
        bundle: the model.
        data_set: with labels.
        change: of the volumes before they are segmented.
        device: where to compute.
        most: only so many cases, evenly taken; all if None.
    """
    chosen = data_set.cases if most is None else evenly(data_set.cases, most)
    names = {entry.value: entry.name for entry in data_set.classes}
    result: Scores = {}
    for number, case in enumerate(chosen):
        volumes = {name: image.read() for name, image in case.images.items()}
        true = read_label(case, volumes[case.reference])
        found = segment(Case(dict(change(volumes, number))), bundle, device=device, engine="torch")
        result[case.name] = {names[v]: score for v, score in dice(found.labels, true, names).items()}
    return result


def evenly(items: Iterable[Any], most: int) -> list[Any]:
    """At most so many, evenly taken."""
    known = list(items)
    return [known[n] for n in np.unique(np.linspace(0, len(known) - 1, min(most, len(known))).astype(int))]


def case_means(scores: Scores) -> dict[str, float]:
    """Mean over structures of each case."""
    return {case: float(np.nanmean(list(found.values()))) for case, found in scores.items()}


def structure_means(scores: Scores) -> dict[str, float]:
    """Mean over cases of each structure."""
    names = next(iter(scores.values()))
    return {name: float(np.nanmean([found[name] for found in scores.values()])) for name in names}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--test", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--device", default="auto")
    given = parser.parse_args()
    bundle, began = load_bundle(given.model), time.perf_counter()
    scores = scored(bundle, read_description(given.test), device=given.device)
    plain = {c: {n: None if math.isnan(v) else round(v, 4) for n, v in s.items()} for c, s in scores.items()}
    result = {
        "scores": plain,
        "parameters": parameters(bundle.network()),
        "score_seconds": round(time.perf_counter() - began, 1),
    }
    write_text(given.out, json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
