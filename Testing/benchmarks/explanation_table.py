"""What the lesions of ``explanation.py`` say together: means, paired tests, and the page."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import stats

from MultimodalSegLib.explain.randomization import ignores_weights

BASELINES = ("random", "blurred mask")
MEANS = ("near", "pointing_game", "insertion_area", "stability", "cpu_seconds", "seconds")
HEAD = (
    "map", "top 5 % of mass within 5 mm", "maximum within 5 mm", "insertion area", "above random (p)",
    "above blurred mask (p)", "stability", "likeness, weights forgotten step by step", "sanity check", "CPU seconds",
)  # fmt: skip

Rows = list[dict[str, dict[str, Any]]]
"""A lesion each: figures by the name of a map."""


def summary(rows: Rows, methods: list[str]) -> dict[str, dict[str, Any]]:
    """Means over the lesions, one-sided paired Wilcoxon tests against the baselines, and the sanity check."""
    result: dict[str, dict[str, Any]] = {}
    for name in [*methods, *BASELINES]:
        known = [row[name] for row in rows]
        result[name] = {
            key: round(float(np.mean([one[key] for one in known])), 3) for key in MEANS if all(key in k for k in known)
        }
        for other in BASELINES if name in methods else ():
            gain = np.array([row[name]["insertion_area"] - row[other]["insertion_area"] for row in rows])
            p = float(stats.wilcoxon(gain, alternative="greater").pvalue) if gain.any() else 1.0
            result[name] |= {f"insertion above {other}": round(float(gain.mean()), 3), f"p {other}": round(p, 4)}
        checked = [one["likeness"] for one in known if one.get("likeness")]
        if checked:
            result[name] |= {"likeness": _by_step(checked), "sanity": _verdicts(checked)}
    return result


def _by_step(checked: list[dict[str, float | None]]) -> list[float | None]:
    """Mean likeness after each step of the cascade, over the lesions of which it can be told."""
    columns = zip(*(one.values() for one in checked), strict=True)
    known = [[value for value in column if value is not None] for column in columns]
    return [round(float(np.mean(values)), 3) if values else None for values in known]


def _verdicts(checked: list[dict[str, float | None]]) -> dict[str, int]:
    told = [ignores_weights(one) for one in checked]
    return {"passed": told.count(False), "ignores the weights": told.count(True), "cannot tell": told.count(None)}


def as_markdown(results: dict[str, Any]) -> str:
    """The page."""
    lines = [
        "# Explanations of lesions",
        "",
        f"Model {results['model']}; {len(results['lesions'])} lesions of made-up patients of the label maps that were",
        f"held out, {results['view']}. Made by `Testing/benchmarks/explanation.py`.",
        "",
        f"| {' | '.join(HEAD)} |",
        f"|{' --- |' * len(HEAD)}",
    ]
    lines += [f"| {' | '.join(_cells(name, row))} |" for name, row in results["summary"].items()]
    if results["all_lesions"]:
        lines += ["", "Grad-CAM of all lesions of a head at once, as `explain` makes it:", ""]
        lines += ["| patient | maps | seconds | CPU seconds |", "| --- | --- | --- | --- |"]
        lines += [
            f"| {name} | {one['maps']} | {one['seconds']:.1f} | {one['cpu_seconds']:.1f} |"
            for name, one in results["all_lesions"].items()
        ]
    return "\n".join(lines) + "\n"


def _cells(name: str, row: dict[str, Any]) -> list[str]:
    tests = [f"{row[f'insertion above {o}']:+.3f} ({row[f'p {o}']:.3f})" if f"p {o}" in row else "" for o in BASELINES]
    cascade = ", ".join("cannot tell" if value is None else f"{value:.2f}" for value in row.get("likeness", ()))
    verdict = ", ".join(f"{words} {count}" for words, count in row.get("sanity", {}).items() if count)
    return [
        name,
        *(f"{row[key]:.2f}" for key in ("near", "pointing_game")),
        f"{row['insertion_area']:.3f}",
        *tests,
        f"{row['stability']:.2f}" if "stability" in row else "",
        cascade,
        verdict,
        f"{row['cpu_seconds']:.1f}" if "cpu_seconds" in row else "",
    ]
