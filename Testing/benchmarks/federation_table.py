"""What federated training reached beside local and pooled training, as a page.

python Testing/benchmarks/federation_table.py        # the page anew from results/federation.json
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

RESULTS = Path(__file__).parent / "results" / "federation.json"
FEDERATED, POOLED, ALL_STEPS = "federated", "pooled", "pooled, all steps"
LOCAL = "local "
TARGET = 0.97
"""Part of the Dice of pooled training that a federation should reach."""

HEAD = """# Federated training beside local and pooled training

Written by `federation.py`; Dice is the mean over structures and scored cases. All ways begin with the same weights and
have the same steps a site, learning rate and samples a step. *Pooled* has all cases at one place and as many steps as
one site; *pooled, all steps* as many as all sites together: it computes as much as the federation, one step after the
other. A model that was trained without a modality is scored with it all the same.
"""


def scores_by_way(runs: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, dict[str, float]]]:
    """Dice by way, kind of input and seed."""
    found: dict[str, dict[str, dict[str, float]]] = {}
    for key, run in runs.items():
        way, _, seed = key.rpartition(" seed ")
        for kind, value in run["dice"].items():
            found.setdefault(way, {}).setdefault(kind, {})[seed] = value
    return found


def summary(runs: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Means over seeds by way; over seeds that every way has: the sites alone, and what federated reaches of pooled."""
    ways = scores_by_way(runs)
    means = {way: {kind: _mean(seeds.values()) for kind, seeds in kinds.items()} for way, kinds in ways.items()}
    local = [way for way in ways if way.startswith(LOCAL)]
    if not {FEDERATED, POOLED, ALL_STEPS} <= set(ways) or not local:
        return {"means": means}
    found: dict[str, Any] = {"means": means, "seeds": {}, "seeds better than the mean of local": {}}
    found |= {"mean of local": {}, "best of local": {}}
    for kind in ways[FEDERATED]:
        seeds = sorted(set.intersection(*(set(kinds[kind]) for kinds in ways.values())))
        at = {way: _mean(kinds[kind][seed] for seed in seeds) for way, kinds in ways.items()}
        found["seeds"][kind] = len(seeds)
        found["seeds better than the mean of local"][kind] = sum(
            ways[FEDERATED][kind][seed] > _mean(ways[way][kind][seed] for way in local) for seed in seeds
        )
        found["mean of local"][kind] = _mean(at[way] for way in local)
        found["best of local"][kind] = max(at[way] for way in local)
        for way in (POOLED, ALL_STEPS):
            found.setdefault(f"federated / {way}", {})[kind] = round(at[FEDERATED] / at[way], 3)
    return found


def _mean(values: Any) -> float:
    return round(float(np.mean(list(values))), 4)


def page(known: Mapping[str, Any]) -> str:
    """The results as Markdown.

    Args:
        known: content of ``federation.json``.
    """
    return "\n".join([HEAD, *(line for title, entry in known.items() for line in _experiment(title, entry))])


def _experiment(title: str, entry: Mapping[str, Any]) -> Iterator[str]:
    runs = entry["runs"]
    ways = scores_by_way(runs)
    kinds = list(next(iter(ways.values())))
    yield f"## {title}\n"
    yield ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in entry["settings"].items()) + ".\n"
    yield f"| way | seeds | {' | '.join(kinds)} | processor seconds |"
    yield "| --- " * (3 + len(kinds)) + "|"
    for way, by_kind in ways.items():
        seconds = [run["cpu_s"] for key, run in runs.items() if key.rpartition(" seed ")[0] == way]
        cells = [_cell(list(by_kind[kind].values())) for kind in kinds]
        yield f"| {way} | {len(seconds)} | {' | '.join(cells)} | {np.mean(seconds):.0f} |"
    yield ""
    yield from _verdict(summary(runs), kinds)


def _cell(values: list[float]) -> str:
    spread = f" ± {np.std(values, ddof=1):.3f}" if len(values) > 1 else ""
    return f"{np.mean(values):.3f}{spread}"


def _verdict(found: Mapping[str, Any], kinds: list[str]) -> Iterator[str]:
    """Whether the targets are met, for each kind of input."""
    if "mean of local" not in found:
        return
    for kind in kinds:
        local, best = found["mean of local"][kind], found["best of local"][kind]
        shares = [found[f"federated / {way}"][kind] for way in (POOLED, ALL_STEPS)]
        met = ["reached" if share >= TARGET else "missed" for share in shares]
        yield (
            f"- {kind}: {shares[0]:.1%} of pooled (97 % {met[0]}), {shares[1]:.1%} of pooled with all steps "
            f"(97 % {met[1]}); sites alone {local:.3f} on average and {best:.3f} the best; better than their average "
            f"with {found['seeds better than the mean of local'][kind]} of {found['seeds'][kind]} seeds."
        )
    yield ""


def main() -> None:
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    RESULTS.with_suffix(".md").write_text(page(json.loads(RESULTS.read_text(encoding="utf-8"))), encoding="utf-8")


if __name__ == "__main__":
    main()
