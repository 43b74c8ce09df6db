"""The model of ``registration_quality.py``: quantile regression, its check on other patients, table and picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np
from scipy import optimize

from MultimodalSegLib.evaluation.lesion_scores import roc_auc
from MultimodalSegLib.registration.reliability import Signs, estimate, light_of
from MultimodalSegLib.registration.restarts import Restarts

NAMES = tuple(each.name for each in fields(Signs))
QUANTILES = {"median": 0.5, "high": 0.95}
LIGHTS = {"green_up_to_high_mm": 3.0, "red_above_mm": 5.0}
GOOD_MM, BAD_MM = 2.0, 5.0

Patient = Mapping[str, Any]
Model = Mapping[str, Any]


def signs_of(row: Mapping[str, Any]) -> Signs:
    """The signs of one judged alignment."""
    return Signs.of(Restarts(np.asarray(row["apart"]), np.asarray(row["information"]), row["overlap"]))


def fit(patients: Sequence[Patient]) -> dict[str, Any]:
    """Weights and intercepts of both quantiles; the more an alignment is suspected, the less its millimetres count."""
    rows = [row for patient in patients for row in patient["rows"]]
    values = np.array([[asdict(signs_of(row))[name] for name in NAMES] for row in rows])
    errors = np.array([row["mean"] for row in rows])
    importance = 1.0 / (1.0 + values[:, NAMES.index("restart_mm")])
    model: dict[str, Any] = {}
    for name, quantile in QUANTILES.items():
        intercept, weights = quantile_regression(values, errors, quantile, importance)
        named = {sign: round(float(weight), 4) for sign, weight in zip(NAMES, weights, strict=True)}
        model[name] = {"quantile": quantile, "intercept": round(intercept, 4), "weights": named}
    model["lights"] = LIGHTS
    model["fitted"] = {"patients": len(patients), "alignments": len(rows)}
    return model


def quantile_regression(
    x: np.ndarray, y: np.ndarray, quantile: float, importance: np.ndarray
) -> tuple[float, np.ndarray]:
    """Intercept and weights, none negative, with the least pinball loss (Koenker and Bassett, Econometrica 46, 1978).

    Args:
        x: (n, k).
        y: (n,).
        quantile: between 0 and 1.
        importance: (n,) factor of each one's loss.
    """
    n, k = x.shape
    cost = np.concatenate([np.zeros(1 + k), quantile * importance, (1.0 - quantile) * importance])
    equal = np.hstack([np.ones((n, 1)), x, np.eye(n), -np.eye(n)])
    found = optimize.linprog(cost, A_eq=equal, b_eq=y, bounds=(0.0, None), method="highs")
    return float(found.x[0]), found.x[1 : 1 + k]


def judge(model: Model, patients: Sequence[Patient]) -> list[dict[str, Any]]:
    """True error, estimate, upper end and light of each alignment, with the number of its patient."""
    rows = []
    for number, patient in enumerate(patients):
        for row in patient["rows"]:
            found = estimate(signs_of(row), model)
            light = light_of(found, model)
            rows.append({"patient": number, "kind": row["kind"], "true": row["mean"], "cpu": row["cpu"]})
            rows[-1] |= {"error": found.error_mm, "high": found.high_mm, "light": light}
    return rows


def check(model: Model, patients: Sequence[Patient]) -> dict[str, Any]:
    """Figures on patients that the model was not fitted to; intervals are over patients."""
    rows = judge(model, patients)
    true, error, high = (np.array([row[key] for row in rows]) for key in ("true", "error", "high"))
    lights = np.array([row["light"] for row in rows])
    usual = true <= 10.0
    return {
        "patients": len(patients),
        "alignments": len(rows),
        "auc of errors above 2 mm": _auc(rows, GOOD_MM, GOOD_MM),
        "auc of errors above 5 mm against up to 2 mm": _auc(rows, GOOD_MM, BAD_MM),
        "green": {
            "of errors up to 2 mm": _share(lights[true <= GOOD_MM] == "green"),
            "of errors from 2 to 5 mm": _share(lights[(true > GOOD_MM) & (true <= BAD_MM)] == "green"),
            "of errors above 5 mm": _share(lights[true > BAD_MM] == "green"),
            "largest true error, mm": round(float(true[lights == "green"].max(initial=0.0)), 2),
        },
        "red": {
            "of errors up to 2 mm": _share(lights[true <= GOOD_MM] == "red"),
            "of errors above 5 mm": _share(lights[true > BAD_MM] == "red"),
        },
        "of errors above 5 mm, green if 4 mm were allowed": _share(high[true > BAD_MM] <= 4.0),
        "millimetres": {
            "median absolute deviation up to 10 mm": round(float(np.median(np.abs(error - true)[usual])), 2),
            "median absolute deviation above 10 mm": round(float(np.median(np.abs(error - true)[~usual])), 2),
            "not above the upper end (0.95 meant)": round(float(np.mean(true <= high)), 3),
            "not above the estimate (0.5 meant)": round(float(np.mean(true <= error)), 3),
        },
        "processor seconds of an estimate, median": round(float(np.median([row["cpu"] for row in rows])), 2),
    }


def _auc(rows: Sequence[Mapping[str, Any]], good: float, bad: float) -> dict[str, float]:
    """Area under the curve with its interval over patients (percentile bootstrap)."""
    known = [row for row in rows if row["true"] <= good or row["true"] > bad]

    def auc(chosen: Sequence[Mapping[str, Any]]) -> float:
        return roc_auc([row["error"] for row in chosen], [row["true"] > bad for row in chosen])

    by_patient: dict[int, list[Mapping[str, Any]]] = {}
    for row in known:
        by_patient.setdefault(row["patient"], []).append(row)
    groups, rng = list(by_patient.values()), np.random.default_rng(0)
    drawn = [auc([r for n in rng.integers(len(groups), size=len(groups)) for r in groups[n]]) for _ in range(1000)]
    low, high = np.nanquantile(drawn, [0.025, 0.975])
    return {"auc": round(auc(known), 4), "low": round(float(low), 4), "high": round(float(high), 4)}


def _share(mask: np.ndarray) -> str:
    return f"{int(mask.sum())} of {mask.size}"


def table(model: Model) -> str:
    """The figures as Markdown."""
    middle, high = model["median"], model["high"]
    weights = [f"| intercept, mm | {middle['intercept']:.2f} | {high['intercept']:.2f} |"]
    weights += [f"| {name} | {middle['weights'][name]:.2f} | {high['weights'][name]:.2f} |" for name in NAMES]
    lines = []
    for name, value in model["checked"].items():
        if isinstance(value, dict) and "auc" in value:
            lines.append(f"| {name} | {value['auc']:.3f} ({value['low']:.3f} to {value['high']:.3f}) |")
        elif isinstance(value, dict):
            lines += [f"| {name}: {part} | {number} |" for part, number in value.items()]
        else:
            lines.append(f"| {name} | {value} |")
    fitted = model["fitted"]
    return "\n".join(
        [
            "# Estimated error of a registration",
            "",
            "Made-up pairs; intervals are over patients. Made by `registration_quality.py LABEL_MAPS --cases FOLDER "
            "--write`.",
            f"Fitted to {fitted['alignments']} alignments of {fitted['patients']} patients (CT + MRI, and T1 + T2), "
            "checked on CT + MRI of patients from other label maps:",
            "",
            "| figure | value |",
            "| --- | --- |",
            *lines,
            "",
            "| sign | weight in the estimate | weight in its upper end |",
            "| --- | --- | --- |",
            *weights,
            "",
            "![Estimated against true error](registration_quality.png)",
            "",
        ]
    )


def picture(model: Model, patients: Sequence[Patient], file: Path) -> None:
    """Estimated against true error of the checked alignments."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    rows = judge(model, patients)
    figure, axes = pyplot.subplots(figsize=(6.4, 5.6), dpi=110)
    looks = {"green": ("#009e73", "o"), "amber": ("#e69f00", "^"), "red": ("#d55e00", "s")}
    for light, (color, marker) in looks.items():
        shown = [row for row in rows if row["light"] == light]
        axes.scatter(
            [max(row["true"], 0.1) for row in shown],
            [row["error"] for row in shown],
            c=color,
            marker=marker,
            s=22,
            alpha=0.75,
            label=f"{light} ({len(shown)})",
        )
    axes.plot([0.1, 150], [0.1, 150], color="0.6", linewidth=1)
    axes.axvline(BAD_MM, color="0.3", linewidth=1, linestyle="--")
    axes.text(BAD_MM * 1.05, 0.12, "5 mm", color="0.3")
    axes.set(xscale="log", yscale="log", xlim=(0.09, 200), ylim=(0.09, 200))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_major_formatter("{x:g}")
    axes.set_xlabel("true error, mean over the head (mm; less than 0.1 is drawn at 0.1)")
    axes.set_ylabel("estimated error (mm)")
    axes.set_title(f"{len(rows)} alignments of made-up CT and MRI pairs")
    axes.legend(title="light", loc="upper left")
    figure.tight_layout()
    figure.savefig(file)
    pyplot.close(figure)
