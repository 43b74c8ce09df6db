"""The tables of ``structures.py``."""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

FAILED_MM = 5.0
NEEDS = {
    "middles": ("segmentation", "middles"),
    "structures": ("segmentation", "structures"),
    "structures, then mutual information": ("segmentation", "structures", "structures, then mutual information"),
    "MIND + structures": ("segmentation", "MIND + structures"),
}
"""Whose processor seconds a method takes besides its own."""

ABOUT = """# Registration on predicted structures

The network segments each volume alone; then the probabilities of its 26 structures are brought together, instead of
intensities or MIND-SSC. *middles*: rigid, by the middles of the structures only. *structures*: least squares of all
probabilities from there on. *mutual information* and *MIND* are what `register` does. Processor seconds of one thread,
what a method needs besides itself (segmentation of both volumes, the start) counted in. The weights of structures in a
B-spline were chosen on the first CT-MR pair. The network was trained on heads turned by at most 18 degrees about each
axis.

`python Testing/benchmarks/registration/structures.py HEAD_LABELS --data DATA --pairs 2 --sets near far slab far-slab
CT-MR T1-T2 T1-FLAIR remind templates --out ...`; `--pairs 3 --sets CT-MR T1-T2` for the third ones.
"""
RIGID_ABOUT = """
## Rigid

Synthetic CT and MRI of held-out heads: near (5 to 30 degrees, 10 to 60 mm; the MRI of the first has slices of 4 mm, the
CT of the second begins above the neck), far (40 to 60 degrees, 60 to 100 mm), slab and far-slab (the same, of the MRI
only 60 mm in slices of 4 to 5 mm). Medians over pairs of the median over points of the brain, and the largest error of
all; a median above 5 mm is a failure. Real scans (remind: T1 and T2 of one patient; templates: CT and T1): no truth is
known, so it says how far a method's results for different known motions (the first is none) lie from their mean once
these are undone: how repeatable a method is, not how accurate.
"""
BENT_ABOUT = """
## B-spline

CT-MR, T1-T2: as in [bent.md](bent.md). T1-FLAIR: a real skull-stripped pair in one space, the T1 bent by a known
B-spline, errors over the whole brain. All start from one affine transform (T1-FLAIR: from the headers).
"""


def page(work: Path, rigid: Sequence[str], bent: Sequence[str]) -> str:
    """A Markdown page of the results kept in a folder."""
    return ABOUT + RIGID_ABOUT + _rigid(work, rigid) + BENT_ABOUT + _bent(work, bent)


def _rigid(work: Path, kinds: Sequence[str]) -> str:
    lines = _head("pairs", "method", "number", "median mm", "worst mm", "failures", "CPU s")
    for kind in kinds:
        kept = _kept(work, kind)
        for name in (name for name in (kept[0] if kept else ()) if name != "segmentation"):
            some = [each for each in kept if name in each]
            errors = _errors([each[name] for each in some])
            middle = statistics.median(median for median, _ in errors)
            worst, failures = max(worst for _, worst in errors), sum(median > FAILED_MM for median, _ in errors)
            cpu = statistics.median(_seconds(each, name) for each in some)
            lines.append(_row(kind, name, len(some), f"{middle:.2f}", f"{worst:.2f}", failures, f"{cpu:.1f}"))
    return "\n" + "\n".join(lines) + "\n"


def _errors(results: list[dict[str, Any]]) -> list[tuple[float, float]]:
    """Median and largest error (mm) of each pair; of real ones the distance from the mean of all of them."""
    if "home" not in results[0]:
        return [(each["median"], each["worst"]) for each in results]
    places = np.array([each["home"] for each in results if "home" in each]).reshape(-1, 50, 3)
    apart = np.linalg.norm(places - places.mean(axis=0), axis=2)
    return [(float(np.median(each)), float(each.max())) for each in apart]


def _bent(work: Path, kinds: Sequence[str]) -> str:
    lines = _head("pairs", "method", "number", "brain mm", "brain p95", "head mm", "worst pair's brain", "CPU s")
    for kind in kinds:
        kept = _kept(work, kind)
        for name in (name for name in (kept[0] if kept else ()) if name != "segmentation"):
            some = [each for each in kept if name in each]
            middles = [statistics.median(each[name][key] for each in some) for key in ("brain", "brain_p95", "head")]
            worst = max(each[name]["brain"] for each in some)
            cpu = statistics.median(_seconds(each, name) for each in some)
            cells = [f"{value:.2f}" for value in (*middles, worst)]
            lines.append(_row(kind, name, len(some), *cells, f"{cpu:.1f}"))
    return "\n" + "\n".join(lines) + "\n"


def _kept(work: Path, kind: str) -> list[dict[str, Any]]:
    return [json.loads(file.read_text(encoding="utf-8")) for file in sorted(work.glob(f"{kind}-[0-9]*.json"))]


def _seconds(kept: dict[str, Any], name: str) -> float:
    return float(sum(kept[part]["cpu"] for part in NEEDS.get(name, (name,)) if part in kept))


def _head(*names: str) -> list[str]:
    return [_row(*names), "| --- " * len(names) + "|"]


def _row(*cells: object) -> str:
    return "| " + " | ".join(str(cell) for cell in cells) + " |"
